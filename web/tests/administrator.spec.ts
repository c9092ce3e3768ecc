/** What only administrators see. */

import { expect, expectAccessible, row, test } from "./system.js";

test("administrator sees all users' tokens with their owners and can revoke them", async ({
  page,
  system,
}) => {
  await system.createToken("alice", "of alice");
  const token = await system.createToken("bob", "of bob");

  await system.open(page, "admin");

  await page.getByRole("switch", { name: "Show all users" }).check();
  await expect(row(page, "of alice")).toContainText("Alice Archer");
  await expect(row(page, "of bob")).toContainText("Bob Baker");
  await expectAccessible(page);

  await row(page, "of bob").getByRole("button", { name: "Revoke of bob" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke token" }).click();
  await expect(row(page, "of bob")).toContainText("Revoked");
  await expect.poll(() => system.statusOf(token.token)).toBe(401);
});

test("list of all users' tokens is paged, newest first", async ({ page, system }) => {
  for (let n = 0; n < 30; n++) await system.createToken(n % 2 ? "alice" : "bob", `token ${n}`);

  await system.open(page, "admin");

  await page.getByRole("switch", { name: "Show all users" }).check();
  await expect(page.getByRole("rowheader")).toHaveCount(25);
  await expect(page.getByRole("rowheader").first()).toHaveText("token 29");

  await page.getByRole("button", { name: "Load more" }).click();
  await expect(page.getByRole("rowheader")).toHaveCount(30);
  await expect(page.getByRole("rowheader").nth(25)).toBeFocused();
  await expect(page.getByRole("rowheader").last()).toHaveText("token 0");
});

test("list of all users' tokens can be filtered by status and by owner", async ({ page, system }) => {
  await system.createToken("alice", "kept");
  const revoked = await system.createToken("alice", "revoked");
  await system.revokeToken("alice", revoked.id);
  await system.createToken("bob", "of bob");

  await system.open(page, "admin");

  await page.getByRole("switch", { name: "Show all users" }).check();
  await expect(page.getByRole("rowheader")).toHaveCount(3);

  await page.getByLabel("Status", { exact: true }).selectOption("revoked");
  await expect(page.getByRole("rowheader")).toHaveText(["revoked"]);

  await page.getByLabel("Status", { exact: true }).selectOption("");
  await row(page, "kept").getByRole("button", { name: "Alice Archer" }).click();
  await expect(page.getByRole("rowheader")).toHaveText(["revoked", "kept"]);

  await page.getByRole("button", { name: "Show all tokens" }).click();
  await expect(page.getByRole("rowheader")).toHaveCount(3);

  await page.getByRole("switch", { name: "Show all users" }).uncheck();
  await expect(page.getByRole("heading", { name: "You have no tokens yet" })).toBeVisible();
});

test("list of all users' tokens is searched by the server, without regard to accents", async ({
  page,
  system,
}) => {
  await system.createToken("bob", "Déploiement");
  for (let n = 0; n < 30; n++) await system.createToken("alice", `other ${n}`);

  await system.open(page, "admin");

  await page.getByRole("switch", { name: "Show all users" }).check();
  await expect(page.getByRole("rowheader")).toHaveCount(25);

  await page.getByLabel("Search").fill("deplo");
  await expect(page.getByRole("rowheader")).toHaveText(["Déploiement"]);
  await expectAccessible(page);

  await page.getByLabel("Search").fill("nothing like it");
  await expect(page.getByText("No tokens match.")).toBeVisible();
  await page.getByRole("button", { name: "Clear filters" }).click();
  await expect(page.getByRole("rowheader")).toHaveCount(25);
});

for (const user of ["alice", "admin"] as const) {
  test(`${user} finds tokens that expire soon or are no longer used`, async ({ page, system }) => {
    const inDays = (days: number) => new Date(Date.now() + days * 24 * 60 * 60 * 1_000).toISOString();
    await system.createToken("alice", "expires soon", inDays(3));
    await system.createToken("alice", "expires later", inDays(60));
    const old = await system.createToken("alice", "forgotten");
    await system.setToken(old.token, "created_at", inDays(-200));
    const used = await system.createToken("alice", "old and used");
    await system.setToken(used.token, "created_at", inDays(-200));
    expect(await system.statusOf(used.token)).toBe(200);
    await expect.poll(() => system.lastUsedFrom("alice")).toEqual(["127.0.0.1"]);

    await system.open(page, user);
    if (user === "admin") await page.getByRole("switch", { name: "Show all users" }).check();
    const names = page.getByRole("rowheader");
    await expect(names).toHaveCount(4);

    await page.getByLabel("Status", { exact: true }).selectOption("Expiring soon");
    await expect(names).toHaveText(["expires soon"]);
    await page.getByLabel("Status", { exact: true }).selectOption("Unused for 90 days");
    await expect(names).toHaveText(["forgotten"]);

    await page.getByLabel("Status", { exact: true }).selectOption("All");
    await page.getByLabel("Search").fill(used.id);
    await expect(names).toHaveText(["old and used"]);
    await page.getByLabel("Search").fill("127.0.0");
    await expect(names).toHaveText(["old and used"]);
  });
}

test("whole token that is pasted into the search never leaves the page", async ({ page, system }) => {
  const { token } = await system.createToken("bob", "found by its token");
  await system.createToken("bob", "another one");
  const addresses: string[] = [];
  page.on("request", (request) => addresses.push(request.url()));

  await system.open(page, "admin");

  await page.getByRole("switch", { name: "Show all users" }).check();
  await page.getByLabel("Search").fill(token);
  await expect(page.getByRole("rowheader")).toHaveText(["found by its token"]);
  await expect(page.getByLabel("Search")).toHaveValue(token.slice(0, 10));
  expect(addresses.filter((address) => address.includes(token))).toEqual([]);
});

test("clearing the filters shows the tokens of all users again", async ({ page, system }) => {
  await system.createToken("alice", "of alice");
  await system.createToken("bob", "of bob");

  await system.open(page, "admin");

  await page.getByRole("switch", { name: "Show all users" }).check();
  await row(page, "of bob").getByRole("button", { name: "Bob Baker" }).click();
  await page.getByLabel("Status", { exact: true }).selectOption("revoked");
  await page.getByRole("button", { name: "Clear filters" }).click();
  await expect(page.getByRole("rowheader")).toHaveText(["of bob", "of alice"]);
  await expect(page.getByLabel("Status", { exact: true })).toHaveValue("");
  await expect(page.getByRole("switch", { name: "Show all users" })).toBeChecked();
});

for (const user of ["alice", "bob"] as const) {
  test(`${user} is not an administrator and sees no switch for all users`, async ({ page, system }) => {
    await system.createToken("admin", "of admin");
    await system.createToken(user, "own");
    await system.open(page, user);
    await expect(page.getByRole("rowheader")).toHaveText(["own"]);
    await expect(page.getByRole("switch")).toHaveCount(0);
    const headers = { authorization: `Bearer ${await system.session(user)}` };
    expect((await fetch(`${system.api}/api/tokens?allUsers=true`, { headers })).status).toBe(403);
  });
}
