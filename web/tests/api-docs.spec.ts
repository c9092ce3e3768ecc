/** The description of the API, rendered at `/api-docs`. */

import { readFileSync } from "node:fs";
import { expect, test } from "./system.js";

test("every operation is shown, and nothing violates the page's policy", async ({ page, system }) => {
  const complaints: string[] = [];
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));

  await page.goto(`${system.api}/configuration/access-tokens`);
  await page.getByRole("link", { name: "API", exact: true }).click();
  await expect(page).toHaveURL(`${system.api}/api-docs`);

  const document = readFileSync("../docs/openapi.yaml", "utf8");
  const operations = [...document.matchAll(/operationId: (\w+)/g)].map(([, name]) => name);
  await expect(page.locator(".opblock")).toHaveCount(operations.length);
  for (const name of operations) await expect(page.locator(`[id$="-${name}"]`)).toBeVisible();

  await page.locator("#operations-tokens-createToken .opblock-summary-control").click();
  await expect(page.getByText("Idempotency-Key").first()).toBeVisible();
  expect(complaints).toEqual([]);
});

test("request can be tried with a token on the deployment that serves the page", async ({ page, system }) => {
  const { token } = await system.createToken("alice", "tried out");

  await page.goto(`${system.api}/api-docs`);
  await page.getByRole("button", { name: "Authorize" }).first().click();
  const dialog = page.locator(".dialog-ux");
  // The scheme `token` comes after `session`.
  await dialog.locator("input").last().fill(token);
  await dialog.getByRole("button", { name: "Apply credentials" }).last().click();
  await dialog.getByRole("button", { name: "Close" }).last().click();

  await page.locator("#operations-caller-getCaller .opblock-summary-control").click();
  await page.getByRole("button", { name: "Try it out" }).click();
  await page.getByRole("button", { name: "Execute" }).click();
  await expect(page.locator(".live-responses-table td.response-col_status").last()).toContainText("200");
  await expect(page.locator(".live-responses-table")).toContainText("Alice Archer");
  expect(await page.evaluate(() => [localStorage.length, sessionStorage.length])).toEqual([0, 0]);
});
