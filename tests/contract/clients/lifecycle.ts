// The life of a token, with a client that `openapi-typescript` and `openapi-fetch` make from
// docs/openapi.yaml. The compiler checks each call against the description.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import createClient from "openapi-fetch";
import type { paths } from "./schema.js";

const baseUrl = process.env["API"]!;
const clientWith = (credential: string) =>
  createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${credential}` } });
const withSession = clientWith(process.env["SESSION"]!);

const key = { "Idempotency-Key": randomUUID() };
const body = { name: "from TypeScript", description: "made by a generated client" };
const created = await withSession.POST("/api/tokens", { body, params: { header: key } });
assert.equal(created.response.status, 201);
const token = created.data!;

const again = await withSession.POST("/api/tokens", { body, params: { header: key } });
assert.equal(again.response.status, 409);
assert.ok(again.error && "code" in again.error && again.error.code === "already_created");
assert.equal(again.error.tokenId, token.id);

const withToken = clientWith(token.token);
const caller = await withToken.GET("/api/me");
assert.equal(caller.data?.token?.id, token.id);
assert.deepEqual(caller.data?.roles, ["publisher"]);

const path = { id: token.id };
const shown = await withSession.GET("/api/tokens/{id}", { params: { path } });
assert.ok(shown.data?.usable);
const version = { "If-Match": shown.response.headers.get("etag")! };
const change = { params: { path, header: version }, body: { name: "renamed" } };
const changed = await withSession.PATCH("/api/tokens/{id}", change);
assert.equal(changed.data?.name, "renamed");
const overwritten = await withSession.PATCH("/api/tokens/{id}", change);
assert.equal(overwritten.response.status, 412);

const query = { q: "RENAMED", usable: true };
const listed = await withSession.GET("/api/tokens", { params: { query } });
assert.deepEqual(
  listed.data?.items.map((item) => item.id),
  [token.id],
);
assert.equal(listed.data?.nextCursor, undefined);

const wrong = await withSession.POST("/api/tokens", { body: { name: "" } });
assert.ok(wrong.error && "errors" in wrong.error);
assert.deepEqual(
  wrong.error.errors.map(({ pointer, code }) => [pointer, code]),
  [["/name", "empty"]],
);

const revoked = await withToken.DELETE("/api/tokens/current");
assert.equal(revoked.response.status, 204);
const denied = await withToken.GET("/api/me");
assert.equal(denied.response.status, 401);

const anonymous = createClient<paths>({ baseUrl });
const checked = await anonymous.POST("/api/tokens/check", { body: { token: token.token } });
assert.equal(checked.data?.because, "revoked");
assert.equal(checked.data?.revocationReason, "owner");
