/** A complete system for each test, and its users. */

import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Page, test as base, expect } from "@playwright/test";
import type { components } from "../src/api/schema.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const AXE = readFileSync(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

export type User = "alice" | "bob" | "admin";
const NAMES: Readonly<Record<User, RegExp>> = {
  alice: /^Alice Archer/,
  bob: /^Bob Baker/,
  admin: /^Ada Admin/,
};

export interface NewToken {
  id: string;
  name: string;
  prefix: string;
  token: string;
}

/** A running `local` with its API, its issuer and its DynamoDB. */
export class System {
  constructor(
    readonly api: string,
    readonly issuer: string,
    readonly dynamodb: string,
    private readonly process: ChildProcess,
  ) {}

  /** Starts a system with these template parameters. Its users sign in at `issuer`, or at its own. */
  static async start(parameters: readonly string[] = [], issuer?: string): Promise<System> {
    const ports = ["--port", "0", "--issuer-port", "0", "--dynamodb-port", "0", "--memory"];
    const given = issuer === undefined ? parameters : [...parameters, `OidcIssuer=${issuer}`];
    const settings = given.flatMap((parameter) => ["--parameter", parameter]);
    const child = spawn("target/debug/local", [...ports, ...settings], {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [api, ownIssuer, dynamodb] = await new Promise<[string, string, string]>((resolve, reject) => {
      let output = "";
      child.on("exit", () => reject(new Error(`local exited: ${output}`)));
      child.stdout?.on("data", (data: Buffer) => {
        output += data.toString();
        const found = /^ {2}API +(\S+)[^]*^ {2}Sign-in +(\S+)[^]*^ {2}DynamoDB +(\S+)/m.exec(output);
        if (found) resolve([found[1] as string, found[2] as string, found[3] as string]);
      });
    });
    return new System(api, issuer ?? ownIssuer, dynamodb, child);
  }

  async stop(): Promise<void> {
    this.process.kill("SIGTERM");
    await new Promise((resolve) => this.process.once("exit", resolve));
  }

  /** Signs in without a browser and returns the session's access token. */
  async session(user: User): Promise<string> {
    const response = await fetch(`${this.issuer}/sign-in`, {
      method: "POST",
      body: new URLSearchParams({ user }),
    });
    return ((await response.json()) as { access_token: string }).access_token;
  }

  async createToken(user: User, name: string, expiresAt: string | null = null): Promise<NewToken> {
    const response = await fetch(`${this.api}/api/tokens`, {
      method: "POST",
      headers: { authorization: `Bearer ${await this.session(user)}` },
      body: JSON.stringify({ name, expiresAt }),
    });
    expect(response.status).toBe(201);
    return (await response.json()) as NewToken;
  }

  async revokeToken(user: User, id: string): Promise<void> {
    const headers = { authorization: `Bearer ${await this.session(user)}` };
    const response = await fetch(`${this.api}/api/tokens/${id}`, { method: "DELETE", headers });
    expect(response.status).toBe(204);
  }

  /** Sets a time of a stored token, which no user can do. */
  async setToken(token: string, attribute: string, time: string): Promise<void> {
    const response = await fetch(this.dynamodb, {
      method: "POST",
      headers: {
        authorization:
          "AWS4-HMAC-SHA256 Credential=TESTS/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
        "content-type": "application/x-amz-json-1.0",
        "x-amz-date": "20260101T000000Z",
        "x-amz-target": "DynamoDB_20120810.UpdateItem",
      },
      body: JSON.stringify({
        TableName: "Tokens",
        Key: { token_hash: { S: createHash("sha256").update(token).digest("hex") } },
        UpdateExpression: "SET #attribute = :time",
        ExpressionAttributeNames: { "#attribute": attribute },
        ExpressionAttributeValues: { ":time": { S: time } },
      }),
    });
    expect(response.status).toBe(200);
  }

  /** The HTTP status of the response to a request with this token. */
  async statusOf(token: string): Promise<number> {
    return (await fetch(`${this.api}/api/me`, { headers: { authorization: `Bearer ${token}` } })).status;
  }

  /** The addresses that a user's tokens were last used from. A use is recorded only after its response. */
  async lastUsedFrom(user: User): Promise<string[]> {
    const headers = { authorization: `Bearer ${await this.session(user)}` };
    const response = await fetch(`${this.api}/api/tokens`, { headers });
    const { items } = (await response.json()) as components["schemas"]["TokenPage"];
    return items.flatMap((token) => token.lastUsedIp ?? []);
  }

  /** Opens the page, signs in, and waits for the list. Works once in each test, since the session stays. */
  async open(page: Page, user: User): Promise<void> {
    await page.goto(`${this.api}/`);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("button", { name: NAMES[user] }).click();
    await expect(page.getByRole("heading", { name: "Access tokens" })).toBeVisible();
    await expect(page.getByRole("button", { name: "Create token", exact: true })).toBeEnabled();
  }
}

interface Watched {
  /** Requests to other origins than the API's and the issuer's. */
  foreign: string[];
  /** Violations of the Content-Security-Policy, and errors of the page's script. */
  violations: string[];
}

export const test = base.extend<{ parameters: string[]; system: System; watched: Watched }>({
  /** Template parameters that differ from the defaults. */
  parameters: [[], { option: true }],
  system: async ({ parameters }, use) => {
    const system = await System.start(parameters);
    await use(system);
    await system.stop();
  },
  // Every test that opens the page checks these two as well.
  watched: [
    async ({ page, system }, use) => {
      const watched: Watched = { foreign: [], violations: [] };
      page.on("request", (request) => {
        const url = request.url();
        if (![system.api, system.issuer].some((origin) => url.startsWith(`${origin}/`)))
          watched.foreign.push(url);
      });
      page.on("console", (message) => {
        if (message.text().includes("Content Security Policy")) watched.violations.push(message.text());
      });
      page.on("pageerror", (error) => watched.violations.push(String(error)));
      await use(watched);
      expect(watched.foreign).toEqual([]);
      expect(watched.violations).toEqual([]);
    },
    { auto: true },
  ],
});

export { expect };

/** Asserts that axe-core finds no violation, WCAG 2.2 AA included, and that nothing scrolls sideways. */
export async function expectAccessible(page: Page): Promise<void> {
  await page.evaluate(AXE);
  const violations = await page.evaluate(async () => {
    const axe = (globalThis as unknown as { axe: typeof import("axe-core") }).axe;
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    const results = await axe.run(document, { runOnly: { type: "tag", values: tags } });
    return results.violations.map((violation) => ({
      id: violation.id,
      help: violation.help,
      nodes: violation.nodes.map((node) => node.html),
    }));
  });
  expect(violations).toEqual([]);
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(overflow, "nothing scrolls sideways").toBeLessThanOrEqual(0);
}

/** A token's row, which is a card on a phone. */
export function row(page: Page, name: string) {
  return page.getByRole("row").filter({ has: page.getByRole("rowheader", { name, exact: true }) });
}
