/** The element alone, in a bare page of another origin. */

import { readFileSync } from "node:fs";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { test as base } from "@playwright/test";
import { System, expect, expectAccessible, row } from "./system.js";

const ELEMENT = new URL("../dist/access-tokens.js", import.meta.url);
const SIZE_LIMIT_BYTES = 32 * 1024;

/** The frontend of another team: one script tag and one element. */
function frontend(api: string, credential: string, attributes = ""): string {
  return `<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8"><title>Another frontend</title>
        <script type="module" src="${api}/access-tokens.js"></script>
      </head>
      <body>
        <main><access-tokens api="${api}" ${attributes}></access-tokens></main>
        <script type="module">
          const element = document.querySelector("access-tokens");
          element.credential = () => ${JSON.stringify(credential)};
          element.addEventListener("session-expired", () => (document.title = "expired"));
        </script>
      </body>
    </html>`;
}

const test = base.extend<{ elsewhere: { url: string; system: System; serve: (html: string) => void } }>({
  elsewhere: async ({}, use) => {
    let html = "";
    const server: Server = createServer((_request, response) => {
      response.setHeader("content-type", "text/html");
      response.end(html);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const system = await System.start([`CorsOrigins=${url}`]);
    await use({ url, system, serve: (page) => (html = page) });
    await system.stop();
    server.close();
  },
});

test("element works in a bare page of another origin", async ({ page, elsewhere }) => {
  const { system, url } = elsewhere;
  await system.createToken("alice", "from elsewhere");
  elsewhere.serve(frontend(system.api, await system.session("alice")));
  await page.goto(url);
  await expect(row(page, "from elsewhere")).toBeVisible();
  await expectAccessible(page);

  await row(page, "from elsewhere")
    .getByRole("button", { name: /^Revoke/ })
    .click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke token" }).click();
  await expect(row(page, "from elsewhere")).toContainText("Revoked");

  await page.getByRole("button", { name: "Create token", exact: true }).click();
  await page.getByRole("dialog").getByLabel("Name").fill("made elsewhere");
  await page.getByRole("dialog").getByRole("button", { name: "Create" }).click();
  await expect(page.getByRole("dialog").locator("#secret")).toBeVisible();
});

test("element reports an expired session to its host, even when the response is unreadable", async ({
  page,
  elsewhere,
}) => {
  const { system, url } = elsewhere;
  const claims = Buffer.from(JSON.stringify({ exp: Math.floor(Date.now() / 1_000) - 60 })).toString(
    "base64url",
  );
  elsewhere.serve(frontend(system.api, `e30.${claims}.e30`));
  // A script cannot read a response without CORS headers.
  await page.route("**/api/**", (route) => route.fulfill({ status: 401, json: { message: "Unauthorized" } }));
  await page.goto(url);
  await expect(page).toHaveTitle("expired");
  await expect(page.getByRole("alert")).toContainText("Your session expired");
});

test("element never acts for a user who has signed out", async ({ page, elsewhere }) => {
  const { system, url } = elsewhere;
  await system.createToken("admin", "of the administrator");
  const [bob, admin] = [await system.session("bob"), await system.session("admin")];
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await page.route("**/api/me", async (route) => {
    if (route.request().headers()["authorization"] === `Bearer ${bob}`) await held;
    await route.continue();
  });
  elsewhere.serve(frontend(system.api, bob));
  await page.goto(url);
  const signIn = (session: string | null) =>
    page.locator("access-tokens").evaluate((element, credential) => {
      (element as HTMLElementTagNameMap["access-tokens"]).credential =
        credential === null ? null : () => credential;
    }, session);
  await signIn(null);
  await signIn(admin);
  await page.getByRole("switch", { name: "Show all users" }).check();
  release();
  await expect(row(page, "of the administrator")).toBeVisible();
  await expect(page.getByRole("navigation")).toBeVisible();

  await signIn(null);
  await expect(page.getByRole("navigation")).toHaveCount(0);
  await expect(page.getByRole("rowheader")).toHaveCount(0);

  await signIn(bob);
  await expect(page.getByRole("heading", { name: "You have no tokens yet" })).toBeVisible();
});

test("page of an origin that is not allowed cannot read responses", async ({ page, elsewhere }) => {
  const system = await System.start(["CorsOrigins=https://app.example"]);
  elsewhere.serve(frontend(system.api, await system.session("alice")));
  await page.goto(elsewhere.url);
  await expect(page.getByRole("alert")).toContainText("Can't reach the server.");
  await system.stop();
});

test("page's policy blocks inline scripts and requests to third parties", async ({ page, elsewhere }) => {
  const response = await page.goto(`${elsewhere.system.api}/`);
  const headers = response?.headers() ?? {};
  const policy = headers["content-security-policy"] ?? "";
  expect(policy).toContain(`connect-src 'self' ${elsewhere.system.issuer};`);
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toContain("unsafe");
  expect(headers["referrer-policy"]).toBe("no-referrer");
  await expect(page.getByRole("button", { name: "Sign in" })).toBeVisible();

  const outcome = await page.evaluate(async (foreign) => {
    const violations: string[] = [];
    const both = new Promise<void>((resolve) => {
      document.addEventListener("securitypolicyviolation", (event) => {
        violations.push(event.effectiveDirective);
        if (violations.length === 2) resolve();
      });
    });
    const script = document.createElement("script");
    script.textContent = "globalThis.hasRun = true";
    document.body.append(script);
    const reached = await fetch(foreign, { mode: "no-cors" }).then(
      () => true,
      () => false,
    );
    await both;
    return { hasRun: "hasRun" in globalThis, reached, violations };
  }, elsewhere.url);
  expect(outcome).toEqual({ hasRun: false, reached: false, violations: ["script-src-elem", "connect-src"] });
});

test("element takes its colours from its host", async ({ page, elsewhere }) => {
  const { system, url } = elsewhere;
  const html = frontend(system.api, await system.session("alice"), 'id="themed"');
  elsewhere.serve(
    html.replace("</head>", "<style>#themed { --patgate-accent: rgb(120, 0, 120) }</style></head>"),
  );
  await page.goto(url);
  const create = page.getByRole("button", { name: "Create token", exact: true });
  await expect(create).toHaveCSS("background-color", "rgb(120, 0, 120)");
});

test("host's style sheet changes nothing in the element", async ({ page, elsewhere }) => {
  const { system, url } = elsewhere;
  await system.createToken("alice", "unharmed");
  const html = frontend(system.api, await system.session("alice"));
  const looks = async (style: string) => {
    elsewhere.serve(html.replace("</head>", `<style>${style}</style></head>`));
    await page.goto(url);
    await expect(row(page, "unharmed")).toBeVisible();
    return page.locator("access-tokens").evaluate((element) => {
      const seen: unknown[] = [];
      const visit = (root: ShadowRoot) => {
        for (const child of root.querySelectorAll<HTMLElement>(
          "h1, p, button, th, td, input, select, span",
        )) {
          const style = getComputedStyle(child);
          const { fontSize, fontStyle, fontFamily, lineHeight, letterSpacing, textTransform } = style;
          seen.push([
            child.localName,
            fontSize,
            fontStyle,
            fontFamily,
            lineHeight,
            letterSpacing,
            textTransform,
          ]);
          seen.push([style.whiteSpace, style.direction, style.textAlign, style.color, style.wordSpacing]);
          seen.push([style.backgroundColor, style.cursor, style.visibility, child.offsetHeight]);
        }
        for (const child of root.querySelectorAll("*")) if (child.shadowRoot) visit(child.shadowRoot);
      };
      visit(element.shadowRoot as ShadowRoot);
      return seen;
    });
  };

  const usual = await looks("");
  expect(usual.length).toBeGreaterThan(50);
  const hostile = await looks(`
    html { font-size: 62.5%; }
    body { font: italic 900 40px/3 fantasy; letter-spacing: 0.5em; word-spacing: 2em; text-transform: uppercase;
      white-space: nowrap; direction: rtl; text-align: right; color: #eee; cursor: crosshair; text-indent: 3em;
      background: #000; }
    * { line-height: 4 !important; }
  `);
  expect(hostile).toEqual(usual);
});

test("element is readable on a dark page, and takes the theme that its host chooses", async ({
  page,
  elsewhere,
}) => {
  const { system, url } = elsewhere;
  const dark = "<style>body { background: #101418; color: #eee; }</style></head>";
  const session = await system.session("alice");
  for (const [attributes, surface] of [
    ["", "rgb(255, 255, 255)"],
    ['theme="light"', "rgb(255, 255, 255)"],
    ['theme="dark"', "rgb(23, 28, 35)"],
  ] as const) {
    elsewhere.serve(frontend(system.api, session, attributes).replace("</head>", dark));
    await page.goto(url);
    await expect(page.getByRole("heading", { name: "You have no tokens yet" })).toBeVisible();
    await expect(page.locator("access-tokens")).toHaveCSS("background-color", surface);
    await expectAccessible(page);
  }
});

test("layout follows the width of the element, and not that of the window", async ({ page, elsewhere }) => {
  const { system, url } = elsewhere;
  await system.createToken("alice", "in a column");
  elsewhere.serve(
    frontend(system.api, await system.session("alice"), 'style="width: 320px"').replace(
      "<main>",
      '<main style="width: 320px">',
    ),
  );
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.goto(url);
  const revoke = row(page, "in a column").getByRole("button", { name: "Revoke in a column" });
  await expect(revoke).toBeVisible();
  await expect(page.getByRole("columnheader")).toHaveCount(0);
  const overflow = await page
    .locator("access-tokens")
    .evaluate((element) => element.scrollWidth - element.clientWidth);
  expect(overflow).toBe(0);
  await revoke.click();
  await expect(page.getByRole("dialog")).toBeVisible();
});

test("script that a page loads twice does nothing the second time", async ({ page, elsewhere }) => {
  const { system, url } = elsewhere;
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(error.message));
  const again = `<script type="module" src="${system.api}/access-tokens.js?again"></script></head>`;
  elsewhere.serve(frontend(system.api, await system.session("alice")).replace("</head>", again));
  await page.goto(url);
  await expect(page.getByRole("heading", { name: "You have no tokens yet" })).toBeVisible();
  expect(errors).toEqual([]);
});

test("importing the element on a server does nothing", async () => {
  await import(`${ELEMENT.href}?on-a-server`);
  expect(globalThis).not.toHaveProperty("customElements");
});

test("element is smaller than 32 KB gzipped, with everything included", () => {
  expect(gzipSync(readFileSync(ELEMENT), { level: 9 }).length).toBeLessThan(SIZE_LIMIT_BYTES);
});
