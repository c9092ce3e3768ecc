/** Sign-in at a certified OpenID provider, which knows nothing of Patgate. */

import type { Page } from "@playwright/test";
import { OpenIdProvider } from "./provider.js";
import { System, expect, test as base } from "./system.js";

const test = base.extend<{ provider: OpenIdProvider }>({
  provider: async ({}, use) => {
    const provider = await OpenIdProvider.start();
    await use(provider);
    await provider.stop();
  },
  system: async ({ provider }, use) => {
    const system = await System.start([], provider.issuer);
    await use(system);
    await system.stop();
  },
});

/** Signs in on the page, with an authorization code and PKCE, and returns the session's access token. */
async function signIn(page: Page, system: System): Promise<string> {
  await page.goto(`${system.api}/`);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("button", { name: "Carol" }).click();
  await expect(page.locator("#account")).toContainText("Carol Certified");
  await expect(page.getByRole("button", { name: "Create token", exact: true })).toBeEnabled();

  const stored = await page.evaluate(() => Object.entries(sessionStorage));
  const [, session] = stored.find(([name]) => name.startsWith("oidc.user:")) as [string, string];
  return (JSON.parse(session) as { access_token: string }).access_token;
}

/** Creates a token on the page, and returns its secret. */
async function createToken(page: Page, name: string): Promise<string> {
  const created = page.waitForResponse((response) => response.request().method() === "POST");
  await page.getByRole("button", { name: "Create token", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill(name);
  await dialog.getByRole("button", { name: "Create" }).click();
  const { token } = (await (await created).json()) as { token: string };
  await dialog.getByRole("button", { name: "Copy token" }).click();
  await dialog.getByRole("button", { name: "Done" }).click();
  return token;
}

function decode(jwt: string): { header: unknown; claims: unknown } {
  const [header, claims] = jwt
    .split(".", 2)
    .map((part) => JSON.parse(Buffer.from(part, "base64url").toString()) as unknown);
  return { header, claims };
}

for (const algorithm of ["RS256", "ES256", "EdDSA"] as const) {
  test(`session signed with ${algorithm} creates a token on the page, and ends there`, async ({
    page,
    system,
    provider,
  }) => {
    provider.serve(system.api, algorithm);
    const session = await signIn(page, system);
    const { header, claims } = decode(session);
    expect(header).toMatchObject({ alg: algorithm, typ: "at+jwt" });
    expect(claims).toMatchObject({ aud: "patgate", sub: "carol" });

    const token = await createToken(page, "from a certified provider");
    const response = await fetch(`${system.api}/api/me`, { headers: { authorization: `Bearer ${token}` } });
    expect(await response.json()).toMatchObject({
      id: "carol",
      name: "Carol Certified",
      roles: ["publisher"],
    });

    await page.getByRole("button", { name: "Sign out" }).click();
    await page.waitForURL("**/session/end*");
    await page.getByRole("button", { name: "Sign out" }).click();
    await expect(page.getByRole("button", { name: "Sign in" })).toBeVisible();
  });
}

test("provider changes its key while a user is signed in", async ({ browser, page, system, provider }) => {
  provider.serve(system.api, "RS256");
  const before = await signIn(page, system);

  provider.serve(system.api, "RS256");
  const other = await browser.newContext();
  const after = await signIn(await other.newPage(), system);
  await other.close();
  expect(decode(before).header).toMatchObject({ alg: "RS256", kid: "key-1" });
  expect(decode(after).header).toMatchObject({ alg: "RS256", kid: "key-2" });

  // The page that was open before goes on with its session.
  await createToken(page, "after the change");
  expect(await system.statusOf(before)).toBe(200);
});
