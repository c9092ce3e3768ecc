/** Takes the README's pictures of the page. Not a test; `make screenshots` runs it. */

import { row, test } from "../tests/system.js";

const DAY_MS = 24 * 60 * 60 * 1_000;
const FOLDER = "../docs/screenshots";

/** The pictures that the README shows, by project. */
const PICTURES: Readonly<Record<string, readonly string[]>> = {
  "desktop-light": ["list", "users"],
  "desktop-dark": ["created", "all-users"],
};

test("screenshots", async ({ page, system }, { project }) => {
  const take = async (name: string) => {
    if (!PICTURES[project.name]?.includes(name)) return;
    await page.screenshot({ path: `${FOLDER}/${name}-${project.name}.png` });
  };
  const inDays = (days: number) => new Date(Date.now() + days * DAY_MS).toISOString();

  const used = await system.createToken("alice", "Deploy pipeline");
  await system.createToken("alice", "Nightly report", inDays(90));
  await system.createToken("alice", "Release script", inDays(5));
  const revoked = await system.createToken("alice", "Old laptop");
  await system.revokeToken("alice", revoked.id);
  await system.createToken("bob", "Backup job");
  await system.statusOf(used.token);

  await system.open(page, "alice");
  await row(page, "Old laptop").waitFor();
  await take("list");

  await page.getByRole("button", { name: "Create token", exact: true }).click();
  await page.getByLabel("Name").fill("Staging deploys");
  await page.getByRole("radio", { name: "90 days" }).check();
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await page.locator("#secret").waitFor();
  await page.getByRole("button", { name: "Copy token" }).click();
  await page.getByText("Token copied.").waitFor();
  await take("created");

  await page.getByRole("button", { name: "Done" }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await system.open(page, "admin");
  await page.getByRole("switch", { name: "Show all users" }).check();
  await row(page, "Backup job").waitFor();
  await take("all-users");

  await page.getByRole("button", { name: "Users", exact: true }).click();
  await page.getByRole("rowheader", { name: /^Bob Baker/ }).waitFor();
  await take("users");
});
