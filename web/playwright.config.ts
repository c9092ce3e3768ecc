import { existsSync } from "node:fs";
import { defineConfig } from "@playwright/test";

// Use the system's Chromium if there is one, and Playwright's own otherwise.
const systemChromium = [process.env["CHROMIUM"], "/usr/bin/chromium", "/usr/bin/chromium-browser"].find(
  (path) => path !== undefined && existsSync(path),
);

// Neither the colors nor the size change a sign-in or a request, so these tests run once.
const RUN_ONCE = ["provider.spec.ts", "api-docs.spec.ts"];

const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };

export default defineConfig({
  testDir: "tests",
  timeout: 30_000,
  expect: { timeout: 10_000 },
  fullyParallel: true,
  workers: 2,
  forbidOnly: true,
  reporter: [["list"]],
  use: {
    browserName: "chromium",
    launchOptions: {
      ...(systemChromium ? { executablePath: systemChromium } : {}),
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
    locale: "en-US",
    timezoneId: "Europe/Berlin",
    permissions: ["clipboard-read", "clipboard-write"],
  },
  projects: [
    { name: "desktop-light", use: { viewport: DESKTOP, colorScheme: "light" } },
    { name: "desktop-dark", testIgnore: RUN_ONCE, use: { viewport: DESKTOP, colorScheme: "dark" } },
    {
      name: "phone-light",
      testIgnore: RUN_ONCE,
      use: { viewport: PHONE, colorScheme: "light", hasTouch: true },
    },
    {
      name: "phone-dark",
      testIgnore: RUN_ONCE,
      use: { viewport: PHONE, colorScheme: "dark", hasTouch: true },
    },
  ],
});
