/** A user's own tokens. Each test's name is a guarantee for the user. */

import { expect, expectAccessible, row, test } from "./system.js";

const DAY_MS = 24 * 60 * 60 * 1_000;

test("empty list leads to the first token", async ({ page, system }) => {
  await system.open(page, "bob");
  await expect(page.getByRole("heading", { name: "You have no tokens yet" })).toBeVisible();
  await expectAccessible(page);

  await page.getByRole("button", { name: "Create your first token" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("first");
  await dialog.getByRole("button", { name: "Create" }).click();
  await dialog.getByRole("button", { name: "Copy token" }).click();
  await dialog.getByRole("button", { name: "Done" }).click();
  await expect(row(page, "first")).toBeVisible();
  await expect(page.getByRole("heading", { name: "Access tokens" })).toBeFocused();
});

test("list shows name, prefix, status, created, expires and last used", async ({ page, system }) => {
  const used = await system.createToken("alice", "used one");
  const soon = await system.createToken(
    "alice",
    "ends soon",
    new Date(Date.now() + 3 * DAY_MS).toISOString(),
  );
  const revoked = await system.createToken("alice", "revoked one");
  await system.revokeToken("alice", revoked.id);
  expect(await system.statusOf(used.token)).toBe(200);
  await expect.poll(() => system.lastUsedFrom("alice")).toEqual(["127.0.0.1"]);

  await system.open(page, "alice");
  await expect(row(page, "used one")).toContainText("from 127.0.0.1");

  const cells = row(page, "used one").getByRole("cell");
  await expect(cells.nth(0)).toContainText(`${used.prefix}…`);
  await expect(cells.nth(1)).toContainText("Active");
  await expect(cells.nth(2)).toContainText("just now");
  await expect(cells.nth(3)).toContainText("Never");

  const time = cells.nth(2).locator("time");
  await expect(time).toHaveAttribute("title", /\d{4} at \d/);
  await expect(time.locator(".visually-hidden")).toHaveText(/\d{4} at \d/);
  await expect(row(page, "ends soon")).toContainText("Expires soon");
  await expect(row(page, "ends soon")).toContainText(/in [23] days/);
  await expect(row(page, "ends soon")).toContainText(`${soon.prefix}…`);
  await expect(row(page, "revoked one")).toContainText("Revoked");
  await expect(row(page, "revoked one").getByRole("button", { name: /^Revoke/ })).toHaveCount(0);
  await expectAccessible(page);
});

test("list can be filtered by status, searched by name and sorted by column", async ({
  page,
  system,
  viewport,
}) => {
  for (const name of ["banana", "apple", "cherry"]) await system.createToken("alice", name);
  const revoked = await system.createToken("alice", "apple pie");
  await system.revokeToken("alice", revoked.id);

  await system.open(page, "alice");

  const names = page.getByRole("rowheader");
  await expect(names).toHaveText(["apple pie", "cherry", "apple", "banana"]);

  await page.getByRole("searchbox", { name: "Search" }).fill("APPLE");
  await expect(names).toHaveText(["apple pie", "apple"]);

  await page.getByLabel("Status", { exact: true }).selectOption("active");
  await expect(names).toHaveText(["apple"]);

  await page.getByRole("searchbox", { name: "Search" }).fill("nothing like it");
  await expect(page.getByText("No tokens match.").first()).toBeVisible();
  await expect(page.locator("access-tokens").getByRole("status").first()).toHaveText("No tokens match.");

  await page.getByRole("searchbox", { name: "Search" }).fill("");
  await page.getByLabel("Status", { exact: true }).selectOption("");
  if ((viewport?.width ?? 0) > 768) {
    const header = page.getByRole("columnheader", { name: "Name" });
    await header.getByRole("button").click();
    await expect(header).toHaveAttribute("aria-sort", "ascending");
    await expect(names).toHaveText(["apple", "apple pie", "banana", "cherry"]);
    await header.getByRole("button").click();
    await expect(names).toHaveText(["cherry", "banana", "apple pie", "apple"]);
  } else {
    await page.getByLabel("Sort by").selectOption("Name");
    await expect(names).toHaveText(["apple", "apple pie", "banana", "cherry"]);
    await page.getByLabel("Sort by").selectOption("Oldest");
    await expect(names).toHaveText(["banana", "apple", "cherry", "apple pie"]);
  }
});

test("clearing the filters shows the whole list again", async ({ page, system }) => {
  for (const name of ["banana", "apple"]) await system.createToken("alice", name);

  await system.open(page, "alice");

  await page.getByLabel("Status", { exact: true }).selectOption("active");
  await page.getByRole("searchbox", { name: "Search" }).fill("nothing like it");
  await expect(page.locator(".empty")).toHaveText("No tokens match. Clear filters.");
  await expectAccessible(page);

  await page.getByRole("button", { name: "Clear filters" }).click();
  await expect(page.getByRole("rowheader")).toHaveText(["apple", "banana"]);
  await expect(page.getByRole("searchbox", { name: "Search" })).toHaveValue("");
  await expect(page.getByLabel("Status", { exact: true })).toHaveValue("");
  await expect(page.getByRole("heading", { name: "Access tokens" })).toBeFocused();
});

test("all of the user's own tokens are loaded, however many there are", async ({ page, system }) => {
  for (let ten = 0; ten < 13; ten++) {
    await Promise.all(Array.from({ length: 10 }, (_, n) => system.createToken("alice", `token ${ten}${n}`)));
  }
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await page.route("**/api/tokens?*cursor=*", async (route) => {
    await held;
    await route.continue();
  });

  await system.open(page, "alice");
  await expect(page.getByText("100 tokens loaded, loading more…").first()).toBeVisible();

  release();
  await expect(page.getByText("130 tokens loaded.")).toBeAttached();

  await expect(page.getByRole("rowheader")).toHaveCount(25);
  await expect(page.getByText("1–25 of 130 tokens")).toBeVisible();
  await expect(page.getByRole("button", { name: "Previous" })).toHaveAttribute("aria-disabled", "true");
  await expectAccessible(page);
  for (let n = 0; n < 5; n++) await page.getByRole("button", { name: "Next" }).click();
  await expect(page.getByText("126–130 of 130 tokens")).toBeVisible();
  await expect(page.getByRole("rowheader")).toHaveCount(5);
  await expect(page.getByRole("rowheader").first()).toBeFocused();
  await expect(page.getByRole("button", { name: "Next" })).toHaveAttribute("aria-disabled", "true");

  // A search starts at its first page.
  await page.getByRole("searchbox", { name: "Search" }).fill("token 12");
  await expect(page.getByText("11 tokens", { exact: true })).toBeVisible();
  await expect(page.getByRole("rowheader")).toHaveCount(11);
});

test("created token is shown once, can be copied, and works", async ({ page, system }) => {
  await system.open(page, "alice");

  await page.getByRole("button", { name: "Create token", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByLabel("Name")).toBeFocused();
  await expectAccessible(page);

  await dialog.getByLabel("Name").fill("deploy pipeline");
  await expect(dialog.getByRole("radio", { name: "30 days" })).toBeChecked();
  await expect(dialog).toContainText(/Expires on \w+, \w+ \d+, \d{4} at \d+:\d\d [AP]M GMT\+[12]\./);
  await expect(dialog).toContainText("Right now: publisher");

  await dialog.getByRole("button", { name: "Create" }).click();
  await expect(dialog.getByRole("heading", { name: "Token “deploy pipeline” created" })).toBeFocused();
  await expect(dialog).toContainText("You won't see it again");

  const secret = (await dialog.locator("#secret").textContent()) as string;
  expect(secret).toMatch(/^fdp_[0-9A-Za-z]{38}$/);
  await expect(dialog.locator("#example")).toContainText(
    `curl -H "Authorization: Bearer $TOKEN" ${system.api}/`,
  );
  await expectAccessible(page);

  await dialog.getByRole("button", { name: "Copy token" }).click();
  await expect(dialog.getByRole("status")).toHaveText("Token copied.");
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(secret);
  expect(await system.statusOf(secret)).toBe(200);

  await dialog.getByRole("button", { name: "Done" }).click();
  await expect(dialog).toBeHidden();
  await expect(row(page, "deploy pipeline")).toContainText("Active");
  await expect(row(page, "deploy pipeline")).toContainText(/in (29|30) days/);
});

test("examples read the token from a variable, and none contains it", async ({ page, system }) => {
  await system.open(page, "alice");

  const secret = await createAndRead(page, "for examples");
  const dialog = page.getByRole("dialog");
  for (const [name, text] of [
    ["Shell", "read -rs TOKEN"],
    ["GitHub Actions", "${{ secrets.TOKEN }}"],
    ["curl", "Bearer $TOKEN"],
  ] as const) {
    await dialog.getByRole("radio", { name }).check();
    await expect(dialog.locator("#example")).toContainText(text);
    await expect(dialog.locator("#example")).not.toContainText(secret);
    await dialog.getByRole("button", { name: "Copy example" }).click();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    expect([copied.includes(text), copied.includes(secret)]).toEqual([true, false]);
  }

  // A copied example is no copy of the token.
  await dialog.getByRole("button", { name: "Done" }).click();
  await expect(dialog.getByRole("alert")).toContainText("You haven't copied the token");
});

test("browser asks before it leaves a page with a token that was not copied", async ({ page, system }) => {
  await system.open(page, "alice");
  const asked: string[] = [];
  page.on("dialog", (dialog) => {
    asked.push(dialog.type());
    void dialog.accept();
  });

  await createAndRead(page, "not copied");
  await page.reload();
  expect(asked).toEqual(["beforeunload"]);

  await createAndRead(page, "copied");
  await page.getByRole("dialog").getByRole("button", { name: "Copy token" }).click();
  await expect(page.getByRole("dialog").getByRole("status")).toHaveText("Token copied.");
  await page.reload();
  expect(asked).toEqual(["beforeunload"]);
});

test("secret is gone from page, history and storage after closing", async ({ page, system }) => {
  await system.open(page, "alice");

  const secret = await createAndRead(page, "secret");
  await page.getByRole("dialog").getByRole("button", { name: "Copy token" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Done" }).click();
  await expect(page.getByRole("dialog")).toBeHidden();
  await expectNowhere(page, secret);

  await page.reload();
  await expect(row(page, "secret")).toBeVisible();
  await expectNowhere(page, secret);

  await page.goto(`${system.api}/config.json`);
  await page.goBack();
  await expect(row(page, "secret")).toBeVisible();
  await expectNowhere(page, secret);
});

test("secret is gone after navigating away with the dialog open", async ({ page, system }) => {
  // The browser asks whether to leave.
  page.on("dialog", (dialog) => dialog.accept());
  await system.open(page, "alice");

  // As if the browser kept the page for "back", which this one never does.

  const kept = await createAndRead(page, "kept for back");
  await page.evaluate(() => window.dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true })));
  await expectNowhere(page, kept);

  await page.reload();
  const secret = await createAndRead(page, "left open");
  await page.goto(`${system.api}/config.json`);
  await page.goBack();
  await expect(row(page, "left open")).toBeVisible();
  await expectNowhere(page, secret);
});

test("closing without a copy asks for confirmation", async ({ page, system }) => {
  await system.open(page, "alice");

  const secret = await createAndRead(page, "not copied");
  const dialog = page.getByRole("dialog");
  await page.keyboard.press("Escape");
  await expect(dialog.getByRole("alert")).toContainText("You haven't copied the token");
  await expect(dialog.getByRole("button", { name: "Back to the token" })).toBeFocused();
  await expectAccessible(page);

  await dialog.getByRole("button", { name: "Back to the token" }).click();
  await expect(dialog.locator("#secret")).toHaveText(secret);

  await dialog.getByRole("button", { name: "Done" }).click();
  await dialog.getByRole("button", { name: "Close without copying" }).click();
  await expect(dialog).toBeHidden();
  await expectNowhere(page, secret);
});

test("pressing Escape repeatedly never loses a token that was not copied", async ({ page, system }) => {
  await system.open(page, "alice");

  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await page.route("**/api/tokens", async (route) => {
    await held;
    await route.continue();
  });
  await page.getByRole("button", { name: "Create token", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("impatient");
  await dialog.getByRole("button", { name: "Create" }).click();
  for (let n = 0; n < 4; n++) await page.keyboard.press("Escape");
  release();
  await expect(dialog.locator("#secret")).toBeVisible();

  for (let n = 0; n < 4; n++) await page.keyboard.press("Escape");
  await expect(dialog.getByRole("alert")).toContainText("You haven't copied the token");
  await expect(dialog.locator("#secret")).toBeVisible();
});

test("expiration that the form shows is the one it sends, also after several changes", async ({
  page,
  system,
}) => {
  await system.open(page, "alice");

  await page.getByRole("button", { name: "Create token", exact: true }).click();
  const dialog = page.getByRole("dialog");
  for (const choice of ["7 days", "Never", "7 days"])
    await dialog.getByRole("radio", { name: choice }).check();
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Create token", exact: true }).click();
  await expect(dialog.getByRole("radio", { name: "30 days" })).toBeChecked();

  await dialog.getByRole("radio", { name: "Never" }).check();
  await expect(dialog).toContainText("Never expires. Works until you revoke it.");
  await dialog.getByLabel("Name").fill("lasting");
  const request = page.waitForRequest((request) => request.method() === "POST");
  await dialog.getByRole("button", { name: "Create" }).click();
  expect((await request).postDataJSON()).toEqual({ name: "lasting", expiresAt: null });
});

test("long name wraps and pushes nothing aside", async ({ page, system }) => {
  const name = "x".repeat(100);
  await system.createToken("alice", name);
  await system.open(page, "alice");
  await row(page, name)
    .getByRole("button", { name: /^Revoke/ })
    .click();
  await expect(page.getByRole("dialog")).toBeVisible();
  await expectAccessible(page);
});

test("chosen date means the end of that day in the user's time zone, and is shown in words", async ({
  page,
  system,
}) => {
  await system.open(page, "alice");

  await page.getByRole("button", { name: "Create token", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("until new year");
  await dialog.getByRole("radio", { name: "Choose a date" }).check();
  await dialog.getByRole("button", { name: "Create" }).click();
  await expect(dialog.getByText("Choose a date.")).toBeVisible();

  await dialog.getByLabel("Last valid day").fill("2099-12-31");
  await expect(dialog).toContainText("Thursday, December 31, 2099 at 11:59 PM GMT+1");

  const request = page.waitForRequest((request) => request.method() === "POST");
  await dialog.getByRole("button", { name: "Create" }).click();
  // 23:59:59 in Berlin, in winter.
  expect((await request).postDataJSON()).toEqual({
    name: "until new year",
    expiresAt: "2099-12-31T22:59:59.000Z",
  });
  await expect(dialog.locator("#secret")).toBeVisible();
});

test("server's error is shown at its field and the form keeps what was typed", async ({ page, system }) => {
  await system.open(page, "alice");

  await page.getByRole("button", { name: "Create token", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Create" }).click();
  await expect(dialog.getByText("Enter a name.")).toBeVisible();
  await expect(dialog.getByLabel("Name")).toBeFocused();

  // A character that only the server rejects.
  await dialog.getByLabel("Name").fill("bell \u0007");
  await dialog.getByRole("button", { name: "Create" }).click();
  await expect(dialog.getByText("Name must not contain control characters.")).toBeVisible();
  await expect(dialog.getByLabel("Name")).toHaveAttribute("aria-invalid", "true");
  await expect(dialog.getByLabel("Name")).toHaveValue("bell \u0007");
  await expectAccessible(page);
});

test("form survives a failed request", async ({ page, system }) => {
  await system.open(page, "alice");

  await page.getByRole("button", { name: "Create token", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("patient");
  await page.route("**/api/tokens", (route) => route.abort());
  await dialog.getByRole("button", { name: "Create" }).click();
  await expect(dialog.getByRole("alert").first()).toHaveText(
    "Can't reach the server. Try again: one token is created at most.",
  );
  await expect(dialog.getByLabel("Name")).toHaveValue("patient");

  await page.unroute("**/api/tokens");
  await dialog.getByRole("button", { name: "Create" }).click();
  await expect(dialog.locator("#secret")).toBeVisible();
});

test("lost answer to a creation leaves one token, and the page says what happened", async ({
  page,
  system,
}) => {
  await system.open(page, "alice");

  // The server creates the token, and its response never arrives.
  await page.route(
    "**/api/tokens",
    async (route) => {
      await route.fetch();
      await route.abort();
    },
    { times: 1 },
  );
  await page.getByRole("button", { name: "Create token", exact: true }).click();
  await page.getByRole("dialog").getByLabel("Name").fill("unlucky");
  await page.getByRole("dialog").getByRole("button", { name: "Create" }).click();

  await expect(page.getByRole("dialog")).toBeHidden();
  await expect(page.getByRole("alert").first()).toContainText(
    "“\u2068unlucky\u2069” was created, but the answer with its secret was lost. Revoke it and create another.",
  );
  await expect(page.getByRole("rowheader")).toHaveText(["unlucky"]);
  await expect(page.getByRole("rowheader")).toBeFocused();
  await expectAccessible(page);
});

test("creation that is retried by hand creates one token at most", async ({ page, system }) => {
  await system.open(page, "alice");

  await page.route("**/api/tokens", async (route) => {
    await route.fetch();
    await route.abort();
  });
  await page.getByRole("button", { name: "Create token", exact: true }).click();
  await page.getByRole("dialog").getByLabel("Name").fill("retried");
  await page.getByRole("dialog").getByRole("button", { name: "Create" }).click();
  await expect(page.getByRole("dialog").getByRole("alert").first()).toContainText("Try again");

  await page.unroute("**/api/tokens");
  await page.getByRole("dialog").getByRole("button", { name: "Create" }).click();
  await expect(page.getByRole("alert").first()).toContainText("was created, but the answer");
  await expect(page.getByRole("rowheader")).toHaveText(["retried"]);
});

test("throttled request says when to try again", async ({ page, system }) => {
  await system.open(page, "alice");

  await page.route("**/api/tokens?*", (route) =>
    route.fulfill({ status: 429, headers: { "retry-after": "7" }, json: { message: "Too Many Requests" } }),
  );
  await page.reload();
  await expect(page.getByRole("alert")).toContainText("Too many requests. Try again in 7 seconds.");

  await page.unroute("**/api/tokens?*");
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByRole("heading", { name: "You have no tokens yet" })).toBeVisible();
});

test("revocation asks for confirmation by name and takes effect immediately", async ({ page, system }) => {
  const token = await system.createToken("alice", "short-lived");

  await system.open(page, "alice");

  await row(page, "short-lived").getByRole("button", { name: "Revoke short-lived" }).click();
  const dialog = page.getByRole("dialog", { name: "Revoke “short-lived”?" });
  await expect(dialog).toContainText(`${token.prefix}…`);
  await expect(dialog).toContainText(
    "Anything using this token loses access immediately. This can't be undone.",
  );
  await expect(dialog.getByRole("button", { name: "Cancel" })).toBeFocused();
  await expectAccessible(page);

  await dialog.getByRole("button", { name: "Cancel" }).click();
  expect(await system.statusOf(token.token)).toBe(200);

  await row(page, "short-lived")
    .getByRole("button", { name: /^Revoke/ })
    .click();
  await dialog.getByRole("button", { name: "Revoke token" }).click();
  await expect(row(page, "short-lived")).toContainText("Revoked");
  await expect.poll(() => system.statusOf(token.token)).toBe(401);
});

test("name in another script is isolated, so that it cannot reorder the text around it", async ({
  page,
  system,
}) => {
  const name = "ייצור 1 (א";
  await system.createToken("alice", name);

  await system.open(page, "alice");

  await expect(row(page, name).getByRole("rowheader").locator("bdi")).toHaveText(name);
  await row(page, name)
    .getByRole("button", { name: /^Revoke/ })
    .click();
  const heading = page.getByRole("dialog").getByRole("heading");
  await expect(heading).toHaveText(`Revoke “${name}”?`);
  await expect(heading.locator("bdi")).toHaveText(name);
});

test("token is shown as revoked only when the server has said so, and a failure is reported", async ({
  page,
  system,
}) => {
  const token = await system.createToken("alice", "stays");

  await system.open(page, "alice");

  let refuse = () => {};
  const held = new Promise<void>((resolve) => (refuse = resolve));
  await page.route(`**/api/tokens/${token.id}`, async (route) => {
    await held;
    await route.fulfill({ status: 503, json: { detail: "Not now." } });
  });
  await row(page, "stays")
    .getByRole("button", { name: /^Revoke/ })
    .click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke token" }).click();
  await expect(row(page, "stays").getByRole("button", { name: "Revoking…" })).toBeVisible();
  await expect(row(page, "stays")).toContainText("Active");
  await expect(row(page, "stays").getByRole("rowheader")).toBeFocused();
  await expectAccessible(page);

  refuse();
  await expect(page.getByRole("alert")).toContainText("Couldn't revoke “\u2068stays\u2069”. Not now.");
  await expect(row(page, "stays")).toContainText("Active");
  await expectAccessible(page);
});

test("details show everything about a token, and its name and description can be changed", async ({
  page,
  system,
}) => {
  const token = await system.createToken("alice", "old name");
  expect(await system.statusOf(token.token)).toBe(200);
  await system.open(page, "alice");

  await row(page, "old name").getByRole("button", { name: "old name", exact: true }).click();
  const dialog = page.getByRole("dialog", { name: "old name" });
  await expect(dialog.getByRole("heading", { name: "old name" })).toBeFocused();
  await expect(dialog).toContainText(token.id);
  await expect(dialog).toContainText(`${token.prefix}…`);
  await expect(dialog).toContainText("127.0.0.1");
  await expectAccessible(page);
  await dialog.getByRole("button", { name: "Copy ID" }).click();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(token.id);

  await dialog.getByRole("button", { name: "Edit" }).click();
  const form = page.getByRole("dialog", { name: "Edit token" });
  await expect(form.getByLabel("Name")).toBeFocused();
  await form.getByLabel("Name").fill("new name");
  await form.getByLabel("Description").fill("deploys the site");
  await expectAccessible(page);
  await form.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("dialog").getByRole("heading", { name: "new name" })).toBeFocused();
  await expect(page.getByRole("dialog")).toContainText("deploys the site");

  await page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
  await expect(page.getByRole("rowheader")).toContainText("deploys the site");
  await expect(page.getByRole("button", { name: "new name", exact: true })).toBeFocused();
});

test("change of a token that was changed elsewhere is refused, and nothing is overwritten", async ({
  page,
  system,
}) => {
  const token = await system.createToken("alice", "original");
  await system.open(page, "alice");
  await row(page, "original").getByRole("button", { name: "original", exact: true }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Edit" }).click();

  const elsewhere = await fetch(`${system.api}/api/tokens/${token.id}`, {
    method: "PATCH",
    headers: { authorization: `Bearer ${await system.session("alice")}` },
    body: JSON.stringify({ name: "from elsewhere" }),
  });
  expect(elsewhere.status).toBe(200);

  await page.getByRole("dialog").getByLabel("Name").fill("from here");
  await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("alert").first()).toContainText("It was changed in the meantime.");
  await expect(page.getByRole("dialog").getByLabel("Name")).toHaveValue("from here");
  await expectAccessible(page);
});

test("everything works with the keyboard alone", async ({ page, system }) => {
  await system.open(page, "alice");

  const create = page.getByRole("button", { name: "Create token", exact: true });
  await create.focus();
  await page.keyboard.press("Enter");
  await page.keyboard.type("by keyboard");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog").locator("#secret")).toBeVisible();

  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog").getByRole("status")).toHaveText("Token copied.");

  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toBeHidden();
  await expect(create).toBeFocused();

  await row(page, "by keyboard")
    .getByRole("button", { name: /^Revoke/ })
    .focus();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await expect(row(page, "by keyboard")).toContainText("Revoked");
});

/** Creates a token on the page and returns its secret. */
async function createAndRead(page: import("@playwright/test").Page, name: string): Promise<string> {
  await page.getByRole("button", { name: "Create token", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill(name);
  await dialog.getByRole("button", { name: "Create" }).click();
  return (await dialog.locator("#secret").textContent()) as string;
}

/** Asserts that the page, the history and the storage do not contain a secret. */
async function expectNowhere(page: import("@playwright/test").Page, secret: string): Promise<void> {
  const places = await page.evaluate(async () => {
    const texts: string[] = [];
    const collect = (root: Document | ShadowRoot) => {
      for (const element of root.querySelectorAll("*")) {
        for (const attribute of element.attributes) texts.push(attribute.value);
        if (element instanceof HTMLInputElement) texts.push(element.value);
        if (element.shadowRoot) collect(element.shadowRoot);
      }
      texts.push(root instanceof Document ? root.documentElement.outerHTML : root.innerHTML);
    };
    collect(document);
    texts.push(location.href, JSON.stringify(history.state), document.cookie);
    texts.push(JSON.stringify(localStorage), JSON.stringify(sessionStorage));
    texts.push(JSON.stringify(await indexedDB.databases()), JSON.stringify(await caches.keys()));
    return texts.join("\n");
  });
  expect(places.length).toBeGreaterThan(1_000);
  expect(places).not.toContain(secret);
}

test.describe("with a maximum lifetime of 30 days", () => {
  test.use({ parameters: ["MaxLifetimeDays=30"] });

  test("longer expirations are not offered, and the longest one is accepted", async ({ page, system }) => {
    await system.open(page, "alice");

    await page.getByRole("button", { name: "Create token", exact: true }).click();
    const dialog = page.getByRole("dialog");
    const choice = (name: string) => dialog.getByRole("radio", { name });
    await expect(dialog.getByRole("group", { name: "Expiration" }).locator("label")).toHaveText([
      "7 days",
      "30 days",
      "Choose a date",
    ]);
    await expect(choice("30 days")).toBeChecked();

    await dialog.getByLabel("Name").fill("a month");
    await choice("30 days").check();
    await dialog.getByRole("button", { name: "Create" }).click();
    await expect(dialog.locator("#secret")).toBeVisible();

    await dialog.getByRole("button", { name: "Copy token" }).click();
    await dialog.getByRole("button", { name: "Done" }).click();
    await page.getByRole("button", { name: "Create token", exact: true }).click();
    await choice("Choose a date").check();
    await dialog.getByLabel("Name").fill("the last day");
    await dialog
      .getByLabel("Last valid day")
      .fill((await dialog.getByLabel("Last valid day").getAttribute("max")) ?? "");
    await dialog.getByRole("button", { name: "Create" }).click();
    await expect(dialog.locator("#secret")).toBeVisible();
  });
});
