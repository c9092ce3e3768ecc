/** What administrators can do with users and their tokens, and what users can do with all of their own. */

import type { Page } from "@playwright/test";
import { type System, expect, expectAccessible, row, test } from "./system.js";

/** The row of a user, found by the start of its header, which also contains the e-mail address. */
function userRow(page: Page, name: string) {
  return page.getByRole("row").filter({ has: page.getByRole("rowheader", { name: new RegExp(`^${name}`) }) });
}

async function openUsers(page: Page, system: System): Promise<void> {
  await system.open(page, "admin");
  await page.getByRole("button", { name: "Users", exact: true }).click();
  await expect(page.getByRole("heading", { name: "Users" })).toBeFocused();
  await expect(page.getByRole("table", { name: "Users" })).toHaveAttribute("aria-busy", "false");
}

test("administrator sees all users and finds one by name, address or role", async ({ page, system }) => {
  await system.createToken("alice", "of alice");
  await system.createToken("bob", "of bob");

  await openUsers(page, system);
  await expect(page.getByRole("rowheader")).toHaveText([/Ada Admin.*You/s, /Alice Archer/, /Bob Baker/]);
  await expect(userRow(page, "Bob Baker")).toContainText("bob@example.org");
  await expect(userRow(page, "Bob Baker")).toContainText("viewer");
  await expect(userRow(page, "Bob Baker")).toContainText("Enabled");
  await expect(userRow(page, "Bob Baker").locator("time")).toHaveText(/just now/);
  await expectAccessible(page);

  for (const wanted of ["ALICE", "alice@ex", "publisher"]) {
    await page.getByRole("searchbox", { name: "Search" }).fill(wanted);
    await expect(page.getByRole("rowheader")).toHaveText([/Alice Archer/]);
  }
  await page.getByRole("searchbox", { name: "Search" }).fill("no such user");
  await expect(page.getByText("No users match.").first()).toBeVisible();
  await expectAccessible(page);
});

test("administrator disables a user immediately and can enable the user again", async ({ page, system }) => {
  const token = await system.createToken("bob", "of bob");

  await openUsers(page, system);

  await userRow(page, "Bob Baker").getByRole("button", { name: "Disable Bob Baker" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByRole("button", { name: "Cancel" })).toBeFocused();
  await expectAccessible(page);

  await page.keyboard.press("Escape");
  await expect(userRow(page, "Bob Baker")).toContainText("Enabled");
  expect(await system.statusOf(token.token)).toBe(200);

  await userRow(page, "Bob Baker").getByRole("button", { name: "Disable Bob Baker" }).click();
  await dialog.getByRole("button", { name: "Disable" }).click();
  await expect(userRow(page, "Bob Baker")).toContainText("Disabled");
  await expect(userRow(page, "Bob Baker").getByRole("rowheader")).toBeFocused();
  await expect(
    page.getByRole("status").filter({ hasText: "\u2068Bob Baker\u2069 is disabled." }),
  ).toBeAttached();
  expect(await system.statusOf(token.token)).toBe(401);
  await expectAccessible(page);

  await userRow(page, "Bob Baker").getByRole("button", { name: "Tokens of Bob Baker", exact: true }).click();
  await expect(page.getByRole("heading", { name: "Access tokens of Bob Baker" })).toBeFocused();
  await expect(page.getByText("Showing only the tokens of Bob Baker (bob@example.org).")).toBeVisible();
  await expect(row(page, "of bob")).toContainText("Disabled");
  await expectAccessible(page);

  await page.getByRole("button", { name: "Users", exact: true }).click();
  await userRow(page, "Bob Baker").getByRole("button", { name: "Enable Bob Baker" }).click();
  await expect(userRow(page, "Bob Baker")).toContainText("Enabled");
  expect(await system.statusOf(token.token)).toBe(200);
});

test("revoking all tokens of a user requires typing who the user is", async ({ page, system }) => {
  const tokens = [await system.createToken("bob", "one"), await system.createToken("bob", "two")];
  const kept = await system.createToken("alice", "kept");

  await openUsers(page, system);

  await userRow(page, "Bob Baker").getByRole("button", { name: "Revoke all tokens of Bob Baker" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByLabel(/^Type/)).toBeFocused();

  await dialog.getByLabel(/^Type/).fill("alice@example.org");
  await dialog.getByRole("button", { name: "Revoke all tokens" }).click();
  await expect(dialog.getByRole("alert")).toHaveText("The text doesn't match.");
  await expect(dialog.getByLabel(/^Type/)).toBeFocused();
  await expectAccessible(page);
  expect(await system.statusOf(tokens[0]?.token ?? "")).toBe(200);

  await dialog.getByLabel(/^Type/).fill(" Bob@example.org ");
  await page.keyboard.press("Enter");
  await expect(dialog).toBeHidden();
  await expect(userRow(page, "Bob Baker")).toContainText("Tokens revoked just now");
  for (const token of tokens) expect(await system.statusOf(token.token)).toBe(401);
  expect(await system.statusOf(kept.token)).toBe(200);
  await expectAccessible(page);

  await userRow(page, "Bob Baker").getByRole("button", { name: "Tokens of Bob Baker", exact: true }).click();
  await expect(row(page, "one")).toContainText("Revoked");
  await expect(row(page, "one")).toContainText("with all other tokens, by you");
});

test("administrators cannot disable themselves, and are told when a change fails", async ({
  page,
  system,
}) => {
  await system.createToken("bob", "of bob");

  await openUsers(page, system);
  await expect(userRow(page, "Ada Admin").getByRole("button", { name: /^Disable/ })).toHaveCount(0);

  await page.route("**/api/users/u_Ym9i", (route) =>
    route.fulfill({ status: 503, json: { detail: "Storage is unavailable." } }),
  );
  await userRow(page, "Bob Baker").getByRole("button", { name: "Disable Bob Baker" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Disable" }).click();
  await expect(page.getByRole("alert").first()).toContainText(
    "Couldn't disable \u2068Bob Baker\u2069. Storage is unavailable.",
  );
  await expect(userRow(page, "Bob Baker")).toContainText("Enabled");
  await expectAccessible(page);
});

test("navigation leads from another user's tokens to the administrator's own, and back to the search", async ({
  page,
  system,
}) => {
  await system.createToken("bob", "of bob");
  await system.createToken("admin", "of the administrator");

  await openUsers(page, system);

  await page.getByRole("searchbox", { name: "Search" }).fill("bob");
  await userRow(page, "Bob Baker").getByRole("button", { name: "Tokens of Bob Baker", exact: true }).click();
  await expect(page.getByRole("rowheader")).toHaveText(["of bob"]);

  await page.getByRole("button", { name: "Tokens", exact: true }).click();
  await expect(page.getByRole("heading", { name: "Access tokens", exact: true })).toBeFocused();
  await expect(page.getByRole("rowheader")).toHaveText(["of the administrator"]);
  await expect(page.getByRole("switch", { name: "Show all users" })).not.toBeChecked();

  await page.getByRole("button", { name: "Users", exact: true }).click();
  await expect(page.getByRole("searchbox", { name: "Search" })).toHaveValue("bob");
  await expect(page.getByRole("rowheader")).toHaveText([/Bob Baker/]);
});

test("change under way is announced, and a second change of the same user is blocked", async ({
  page,
  system,
}) => {
  await system.createToken("bob", "of bob");

  await openUsers(page, system);

  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await page.route("**/api/users/u_Ym9i", async (route) => {
    await held;
    await route.continue();
  });
  await userRow(page, "Bob Baker").getByRole("button", { name: "Disable Bob Baker" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Disable" }).click();
  await expect(
    page.getByRole("status").filter({ hasText: "Disabling \u2068Bob Baker\u2069…" }),
  ).toBeAttached();
  await expect(userRow(page, "Bob Baker").getByRole("rowheader")).toBeFocused();

  await userRow(page, "Bob Baker").getByRole("button", { name: "Revoke all tokens" }).click({ force: true });
  await expect(page.getByRole("dialog")).toBeHidden();
  await expectAccessible(page);

  await page.getByRole("searchbox", { name: "Search" }).fill("b");
  release();
  await expect(userRow(page, "Bob Baker")).toContainText("Disabled");
  await expect(page.getByRole("searchbox", { name: "Search" })).toBeFocused();
});

test("failure on a later page of a long list is visible", async ({ page, system }) => {
  const items = Array.from({ length: 100 }, (_, n) => ({
    id: `p${n}`,
    pathId: `u_${Buffer.from(`p${n}`).toString("base64url")}`,
    name: `User ${String(n).padStart(3, "0")}`,
    email: null,
    roles: [],
    disabled: false,
    lastSignInAt: null,
    tokensRevokedAt: null,
    tokensRevokedBy: null,
  }));
  await page.route("**/api/users?*", (route) => route.fulfill({ json: { items } }));
  await page.route("**/api/users/u_cDkw", (route) => route.abort());

  await openUsers(page, system);

  for (let n = 0; n < 3; n++) await page.getByRole("button", { name: "Next" }).click();
  await userRow(page, "User 090").getByRole("button", { name: "Disable User 090" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Disable" }).click();
  await expect(page.getByRole("alert").first()).toContainText(
    "Can't reach the server. \u2068User 090\u2069 may have been disabled; reload the list before you retry.",
  );
  await expect(page.getByRole("alert").first()).toBeInViewport();
  await expect(userRow(page, "User 090").getByRole("rowheader")).toBeFocused();
});

test("user with a blank name is shown by ID", async ({ page, system }) => {
  const response = await fetch(`${system.issuer}/sign-in`, {
    method: "POST",
    body: new URLSearchParams({ user: "nameless", claims: JSON.stringify({ name: "  ", email: null }) }),
  });
  const { access_token } = (await response.json()) as { access_token: string };
  expect(await system.statusOf(access_token)).toBe(200);

  await openUsers(page, system);

  await userRow(page, "nameless").getByRole("button", { name: "Revoke all tokens of nameless" }).click();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog").getByRole("alert")).toHaveText("The text doesn't match.");
  await expect(page.getByRole("dialog")).toContainText("Type nameless to confirm");
});

test("administrator who loses the role is led back to their own tokens", async ({ page, system }) => {
  await system.createToken("admin", "own");

  await openUsers(page, system);

  await page.route("**/api/users?*", (route) =>
    route.fulfill({ status: 403, json: { detail: "Only administrators can view users." } }),
  );
  await page.route("**/api/me", async (route) => {
    const caller = (await (await route.fetch()).json()) as object;
    await route.fulfill({ json: { ...caller, administrator: false } });
  });
  await page.getByRole("button", { name: "Users", exact: true }).click();
  await expect(page.getByRole("rowheader")).toHaveText(["own"]);
  await expect(page.getByRole("button", { name: "Users", exact: true })).toHaveCount(0);
});

test("all users are loaded, however many there are", async ({ page, system }) => {
  for (let n = 0; n < 105; n++) {
    const response = await fetch(`${system.issuer}/sign-in`, {
      method: "POST",
      body: new URLSearchParams({ user: `user-${n}` }),
    });
    const { access_token } = (await response.json()) as { access_token: string };
    expect(await system.statusOf(access_token)).toBe(200);
  }
  await openUsers(page, system);
  await expect(page.getByText("1–25 of 106 users")).toBeVisible();
  await expect(page.getByRole("rowheader")).toHaveCount(25);
  await expect(page.getByText("106 users loaded.")).toBeAttached();
});

for (const user of ["alice", "bob"] as const) {
  test(`${user} is not an administrator and sees no view of users`, async ({ page, system }) => {
    await system.open(page, user);
    await expect(page.getByRole("button", { name: "Users", exact: true })).toHaveCount(0);
    const headers = { authorization: `Bearer ${await system.session(user)}` };
    expect((await fetch(`${system.api}/api/users`, { headers })).status).toBe(403);
  });
}

test("users can revoke all their tokens after typing a confirmation", async ({ page, system }) => {
  const tokens = [await system.createToken("alice", "one"), await system.createToken("alice", "two")];
  const kept = await system.createToken("bob", "kept");

  await system.open(page, "alice");

  await page.getByRole("button", { name: "Revoke all my tokens" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Revoke all tokens" }).click();
  await expect(dialog.getByRole("alert")).toHaveText("The text doesn't match.");
  await expectAccessible(page);

  await dialog.getByLabel("Type revoke all to confirm").fill("revoke all");
  await dialog.getByRole("button", { name: "Revoke all tokens" }).click();
  for (const token of tokens) {
    await expect(row(page, token.name)).toContainText("Revoked");
    await expect(row(page, token.name)).toContainText("with all other tokens, by you");
    expect(await system.statusOf(token.token)).toBe(401);
  }
  expect(await system.statusOf(kept.token)).toBe(200);
  await expect(page.getByRole("heading", { name: "Access tokens" })).toBeFocused();
  await expect(page.getByRole("button", { name: "Revoke all my tokens" })).toHaveCount(0);
  await expect(page.getByRole("status").filter({ hasText: "All your tokens are revoked." })).toBeAttached();
});

test("revoked token shows who revoked it and why", async ({ page, system }) => {
  const own = await system.createToken("bob", "by the owner");
  const administered = await system.createToken("bob", "by the administrator");
  const leaked = await system.createToken("bob", "found in a log");
  await system.revokeToken("bob", own.id);
  await system.revokeToken("admin", administered.id);
  const report = await fetch(`${system.api}/api/tokens/revoke`, {
    method: "POST",
    body: JSON.stringify({ tokens: [leaked.token] }),
  });
  expect(report.status).toBe(202);

  await system.open(page, "bob");
  await expect(row(page, "by the owner")).toContainText("by you");
  await expect(row(page, "by the administrator")).toContainText("by an administrator (\u2068admin\u2069)");
  await expect(row(page, "found in a log")).toContainText("reported as leaked");
  await expectAccessible(page);
});

test.describe("behind a proxy that reports the client's address", () => {
  test.use({
    parameters: [
      "LastUsedResolutionSeconds=1",
      "ClientIpHeader=X-Client-Ip",
      "OriginSecret=only-the-proxy-knows",
    ],
  });

  test("earlier addresses of a token can be shown", async ({ page, system }) => {
    const { token, name } = await system.createToken("alice", "travels");
    const headers = { authorization: `Bearer ${token}`, "x-origin-verify": "only-the-proxy-knows" };
    for (const ip of ["192.0.2.1", "192.0.2.2"]) {
      await expect(async () => {
        await fetch(`${system.api}/api/me`, { headers: { ...headers, "x-client-ip": ip } });
        expect(await system.lastUsedFrom("alice")).toEqual([ip]);
      }).toPass();
    }

    await system.open(page, "alice");
    await expect(row(page, name)).toContainText("from 192.0.2.2");
    await expect(row(page, name).getByRole("listitem")).toHaveCount(0);

    await row(page, name).getByText("Earlier addresses").click();
    await expect(row(page, name).getByRole("listitem")).toHaveText([/^192\.0\.2\.1, just now/]);
    await expectAccessible(page);
  });
});
