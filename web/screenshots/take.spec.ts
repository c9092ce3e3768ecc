/** Not a test: takes the pictures of the README. `make screenshots` runs it. */

import { row, test } from "../tests/system.js";

const DAY = 24 * 60 * 60 * 1_000;
const FOLDER = "../docs/screenshots";

test("screenshots", async ({ page, system }, { project }) => {
  const shot = (name: string) => page.screenshot({ path: `${FOLDER}/${name}-${project.name}.png` });
  const used = await system.createToken("alice", "Deploy pipeline");
  await system.createToken("alice", "Nightly report", new Date(Date.now() + 90 * DAY).toISOString());
  await system.createToken("alice", "Release script", new Date(Date.now() + 5 * DAY).toISOString());
  const ended = await system.createToken("alice", "Old laptop");
  await system.revokeToken("alice", ended.id);
  await system.createToken("bob", "Backup job");
  await system.statusOf(used.token);

  await system.open(page, "alice");
  await row(page, "Old laptop").waitFor();
  await shot("list");
  await page.getByRole("button", { name: "Create token", exact: true }).click();
  await page.getByLabel("Name").fill("Staging deploys");
  await page.getByLabel("Expiration", { exact: true }).selectOption("90");
  await shot("create");
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await page.locator("#secret").waitFor();
  await page.getByRole("button", { name: "Copy token" }).click();
  await page.getByText("Token copied.").waitFor();
  await shot("created");
  await page.getByRole("button", { name: "Done" }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await system.open(page, "admin");
  await page.getByRole("switch", { name: "Show all users" }).check();
  await row(page, "Backup job").waitFor();
  await shot("all-users");
  await page.getByRole("button", { name: "Users", exact: true }).click();
  await page.getByRole("rowheader", { name: /^Bob Baker/ }).waitFor();
  await shot("users");
  await page.getByRole("button", { name: "Revoke all tokens of Bob Baker" }).click();
  await page.getByLabel(/^Type/).fill("Bob");
  await shot("revoke-all");
});
