/** A foreign page in the same browser, and what `local` refuses to it. */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Page, test as base } from "@playwright/test";
import { System, expect } from "./system.js";

const test = base.extend<{ system: System; foreign: string }>({
  system: async ({}, use) => {
    const system = await System.start();
    await use(system);
    await system.stop();
  },
  /** The port of a server with an empty page. */
  foreign: async ({}, use) => {
    const server = createServer((_request, response) => {
      response.setHeader("content-type", "text/html");
      response.end("<!doctype html><title>foreign</title>");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    await use(String((server.address() as AddressInfo).port));
    server.close();
  },
});

/** The responses that the page can read, by the names of its attempts. */
async function readable(page: Page, system: System): Promise<string[]> {
  const { api, issuer, dynamodb } = system;
  return page.evaluate(
    async ([api, issuer, dynamodb]) => {
      const scan = {
        "x-amz-target": "DynamoDB_20120810.Scan",
        "content-type": "application/x-amz-json-1.0",
        "x-amz-date": "20260101T000000Z",
        authorization: "AWS4-HMAC-SHA256 Credential=x, SignedHeaders=host, Signature=0",
      };
      const attempts: Record<string, [string, RequestInit]> = {
        "scan a table": [`${dynamodb}/`, { method: "POST", headers: scan, body: '{"TableName":"Users"}' }],
        "sign in": [`${issuer}/sign-in`, { method: "POST", body: new URLSearchParams({ user: "admin" }) }],
        "read the keys": [`${issuer}/jwks.json`, {}],
        "read the page's configuration": [`${api}/config.json`, {}],
      };
      const results = Object.entries(attempts).map(async ([name, [url, init]]) => {
        try {
          return [name, (await fetch(url, init)).status] as const;
        } catch {
          return [name, undefined] as const;
        }
      });
      const found = await Promise.all(results);
      return found.filter(([, status]) => status !== undefined).map(([name]) => name);
    },
    [api, issuer, dynamodb] as const,
  );
}

for (const host of ["127.0.0.1", "localhost"]) {
  test(`foreign page on ${host} can read nothing of the development system`, async ({
    page,
    system,
    foreign,
  }) => {
    await page.goto(`http://${host}:${foreign}/`);
    expect(await readable(page, system)).toEqual([]);
  });

  test(`foreign page on ${host} can neither frame nor submit the sign-in form`, async ({
    page,
    system,
    foreign,
  }) => {
    const fields = {
      client_id: "patgate-page",
      redirect_uri: `${system.api}/callback`,
      response_type: "code",
      code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
      code_challenge_method: "S256",
      user: "admin",
    };
    await page.goto(`http://${host}:${foreign}/`);
    const form = `${system.issuer}/authorize?${new URLSearchParams(fields)}`;
    await page.evaluate(async (src) => {
      const frame = Object.assign(document.createElement("iframe"), { src });
      await new Promise((resolve) => {
        frame.onload = resolve;
        document.body.append(frame);
      });
    }, form);
    const frame = page.frames().find((frame) => frame !== page.mainFrame());
    expect(await frame?.getByRole("button").count()).toBe(0);

    const [response] = await Promise.all([
      page.waitForResponse((response) => response.url() === `${system.issuer}/authorize`),
      page.evaluate(
        ([action, fields]) => {
          const form = Object.assign(document.createElement("form"), { method: "post", action });
          for (const [name, value] of Object.entries(fields)) {
            form.append(Object.assign(document.createElement("input"), { name, value }));
          }
          document.body.append(form);
          form.submit();
        },
        [`${system.issuer}/authorize`, fields] as const,
      ),
    ]);
    expect(response.status()).toBe(403);
  });
}

test("name that resolves to this machine is not served", async ({ playwright, system }) => {
  // The browser resolves a foreign name to 127.0.0.1, as it does after DNS rebinding.
  const { executablePath, args = [] } = test.info().project.use.launchOptions ?? {};
  const browser = await playwright.chromium.launch({
    ...(executablePath === undefined ? {} : { executablePath }),
    args: [...args, "--host-resolver-rules=MAP evil.example 127.0.0.1"],
  });
  const page = await browser.newPage();
  for (const url of [system.api, system.issuer, system.dynamodb]) {
    const response = await page.goto(`${url.replace("127.0.0.1", "evil.example")}/`);
    expect(response?.status()).toBe(421);
  }
  await browser.close();
});
