/** Sign-in and sign-out, and what happens when the session has expired or the API is down. */

import { expect, expectAccessible, row, test } from "./system.js";

test("page is at Configuration, Access Tokens", async ({ page, system }) => {
  await page.goto(`${system.api}/configuration/access-tokens`);
  await expect(page.getByRole("navigation").getByRole("listitem")).toHaveText([
    "Configuration",
    "Access Tokens",
  ]);
  await expect(page.getByRole("button", { name: "Sign in" })).toBeVisible();
  await expectAccessible(page);

  await system.open(page, "alice");
  await expect(page).toHaveURL(`${system.api}/`);
  await expect(page.locator("#account")).toContainText("Alice Archer");
});

test("signing out ends the session on the page", async ({ page, system }) => {
  await system.open(page, "alice");
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("button", { name: "Sign in" })).toBeVisible();
  await page.reload();
  await expect(page.getByRole("button", { name: "Sign in" })).toBeVisible();
});

test("API that is down is reported and can be retried", async ({ page, system }) => {
  await system.createToken("alice", "there");

  await system.open(page, "alice");

  await page.route("**/api/**", (route) => route.abort());
  await page.reload();
  await expect(page.getByRole("alert")).toContainText("Can't reach the server.");
  await expectAccessible(page);

  await page.unroute("**/api/**");
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(row(page, "there")).toBeVisible();
  await expect(page.getByRole("alert")).toHaveCount(0);
});

test("list shows that it is loading", async ({ page, system }) => {
  await system.createToken("alice", "there");

  await system.open(page, "alice");

  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await page.route("**/api/tokens?*", async (route) => {
    await held;
    await route.continue();
  });
  await page.reload();
  await expect(page.getByRole("table")).toHaveAttribute("aria-busy", "true");

  release();
  await expect(row(page, "there")).toBeVisible();
  await expect(page.getByRole("table")).toHaveAttribute("aria-busy", "false");
});

test("denied session leads to sign-in and back to the same address", async ({ page, system }) => {
  await system.createToken("alice", "there");
  await page.goto(`${system.api}/configuration/access-tokens`);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("button", { name: /^Alice/ }).click();
  await expect(row(page, "there")).toBeVisible();

  await page.route("**/api/**", (route) => route.fulfill({ status: 401, json: { message: "Unauthorized" } }));
  await page.reload();
  const notice = page.getByRole("alert").filter({ hasText: "Sign in to continue" });
  await expect(notice).toBeVisible();
  await expectAccessible(page);

  await page.unroute("**/api/**");
  await notice.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("button", { name: /^Alice/ }).click();
  await expect(row(page, "there")).toBeVisible();
  await expect(page).toHaveURL(`${system.api}/configuration/access-tokens`);
});

test("disabled user reads that access is blocked, and can go on once it is not", async ({ page, system }) => {
  const setDisabled = async (disabled: boolean) => {
    const response = await fetch(`${system.api}/api/users/u_Ym9i`, {
      method: "PATCH",
      headers: { authorization: `Bearer ${await system.session("admin")}` },
      body: JSON.stringify({ disabled }),
    });
    expect(response.status).toBe(200);
  };
  const bob = await system.session("bob");
  expect(await system.statusOf(bob)).toBe(200);
  await setDisabled(true);

  await page.goto(`${system.api}/`);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("button", { name: /^Bob/ }).click();
  await expect(page.getByRole("alert")).toContainText("Your access is blocked.");
  await expect(page.getByRole("button", { name: "Sign in", exact: true })).toHaveCount(0);
  await expect(page.getByRole("table")).toHaveCount(0);
  await expectAccessible(page);

  await setDisabled(false);
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByRole("heading", { name: "You have no tokens yet" })).toBeVisible();
  await expect(page.getByRole("alert")).toHaveCount(0);
});

test.describe("where a denial has the status 403", () => {
  test.use({ parameters: ["RefusalStatus=403"] });

  test("session that the gateway denies leads to sign-in", async ({ page, system }) => {
    await system.createToken("alice", "there");
    await system.open(page, "alice");

    // The page believes that the session is valid. The API does not.
    await page.route("**/api/**", (route) =>
      route.continue({ headers: { ...route.request().headers(), authorization: "Bearer expired" } }),
    );
    const denied = page.waitForResponse((response) => response.status() === 403);
    await page.reload();
    await denied;
    await expect(page.getByRole("alert").filter({ hasText: "Sign in to continue" })).toBeVisible();
  });

  test("403 of an endpoint or of a firewall does not end the session", async ({ page, system }) => {
    await system.open(page, "alice");

    for (const { body, contentType, shown } of [
      {
        body: JSON.stringify({
          title: "Forbidden",
          status: 403,
          detail: "Only administrators can do this.",
          errors: [],
        }),
        contentType: "application/problem+json",
        shown: "Only administrators can do this.",
      },
      {
        body: "<html>Forbidden</html>",
        contentType: "text/html",
        shown: "Something went wrong on our side. Try again.",
      },
      {
        body: "null",
        contentType: "application/json",
        shown: "Something went wrong on our side. Try again.",
      },
    ]) {
      await page.route("**/api/tokens?*", (route) => route.fulfill({ status: 403, body, contentType }));
      await page.reload();
      await expect(page.getByRole("alert")).toContainText(shown);
      await expect(page.getByRole("alert").filter({ hasText: "Sign in to continue" })).toHaveCount(0);
      await page.unroute("**/api/tokens?*");
    }
  });
});

test("form survives a session that expires while the user fills it in", async ({ page, system }) => {
  await system.open(page, "alice");

  await page.getByRole("button", { name: "Create token", exact: true }).click();
  await page.getByRole("dialog").getByLabel("Name").fill("still here");
  await page.route("**/api/tokens", (route) =>
    route.fulfill({ status: 401, json: { message: "Unauthorized" } }),
  );
  await page.getByRole("dialog").getByRole("button", { name: "Create" }).click();
  await expect(page.getByRole("dialog").getByRole("alert").first()).toContainText("Your session expired");
  await expect(page.getByRole("dialog").getByLabel("Name")).toHaveValue("still here");
  await expectAccessible(page);

  await page.unroute("**/api/tokens");
  await page.getByRole("dialog").getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("button", { name: /^Alice/ }).click();
  await expect(page.getByRole("dialog").getByLabel("Name")).toHaveValue("still here");

  await page.getByRole("dialog").getByRole("button", { name: "Create" }).click();
  await expect(page.getByRole("dialog").locator("#secret")).toBeVisible();
});

test("failed sign-in is reported", async ({ page, system }) => {
  await page.goto(`${system.api}/callback?error=access_denied&state=unknown`);
  await expect(page.getByRole("alert")).toContainText(
    "This sign-in took too long, or was started in another tab.",
  );
  await expect(page.getByRole("button", { name: "Sign in" })).toBeVisible();
  await expect(page).toHaveURL(`${system.api}/configuration/access-tokens`);
  await expectAccessible(page);
});

test("page that cannot start says so in words that help", async ({ page, system }) => {
  await page.route("**/config.json", (route) => route.fulfill({ status: 404, body: "" }));
  await page.goto(`${system.api}/`);
  await expect(page.getByRole("alert")).toContainText("The page can't load its configuration.");
  await page.unroute("**/config.json");

  await page.route(`${system.issuer}/**`, (route) => route.abort());
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toContainText("Can't reach the sign-in service. Try again.");
});

test("page follows its configuration", async ({ page, system }) => {
  await page.route("**/config.json", async (route) => {
    const config = (await (await route.fetch()).json()) as Record<string, unknown>;
    const changes = {
      extraParams: { audience: "an-api" },
      logoutUrl: `${system.issuer}/logout?to={redirect}`,
    };
    await route.fulfill({ json: { ...config, ...changes } });
  });
  const authorization = page.waitForRequest(/\/authorize\?/);
  await system.open(page, "alice");
  expect(new URL((await authorization).url()).searchParams.get("audience")).toBe("an-api");

  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL(`${system.issuer}/logout?to=${encodeURIComponent(`${system.api}/`)}`);
});
