// An authorizer for personal access tokens as a team would write it in Node: AWS SDK v3, one
// client, keep-alive. For a token it does what Patgate's authorizer does (format and
// checksum, one batch read of a known token and its owner, verdict, context, last use once
// a minute). It leaves out sessions, metrics and retries of unprocessed keys.

import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import {
  BatchGetItemCommand, DynamoDBClient, GetItemCommand, UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";

const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const { TOKENS_TABLE, USERS_TABLE } = process.env;
const client = new DynamoDBClient({ maxAttempts: 3 });
const owners = new Map();

const checksum = (payload) => {
  let rest = crc32(payload);
  let digits = "";
  for (let i = 0; i < 6; i += 1) {
    digits = BASE62[rest % 62] + digits;
    rest = Math.floor(rest / 62);
  }
  return digits;
};

const isToken = (text) => /^fdp_[0-9A-Za-z]{38}$/.test(text) && checksum(text.slice(0, -6)) === text.slice(-6);

const key = (hash, userId) => [{ token_hash: { S: hash } }, { user_id: { S: userId } }];

const getItem = async (TableName, Key) =>
  (await client.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }))).Item;

const read = async (hash) => {
  const known = owners.get(hash);
  if (known === undefined) {
    const token = await getItem(TOKENS_TABLE, { token_hash: { S: hash } });
    return [token, token && (await getItem(USERS_TABLE, { user_id: token.user_id }))];
  }
  const [tokenKey, userKey] = key(hash, known);
  const { Responses } = await client.send(new BatchGetItemCommand({
    RequestItems: {
      [TOKENS_TABLE]: { Keys: [tokenKey], ConsistentRead: true },
      [USERS_TABLE]: { Keys: [userKey], ConsistentRead: true },
    },
  }));
  return [Responses[TOKENS_TABLE][0], Responses[USERS_TABLE][0]];
};

const isAllowed = (token, user, now) =>
  token !== undefined && token.revoked_at === undefined && user !== undefined && !user.disabled?.BOOL
  && token.generation.N === (user.token_generation?.N ?? "0")
  && !(token.expires_at && token.expires_at.S <= now);

const recordUse = (hash, now, ip) => client.send(new UpdateItemCommand({
  TableName: TOKENS_TABLE,
  Key: { token_hash: { S: hash } },
  UpdateExpression: "SET last_used_at = :now, last_used_ip = :ip",
  ConditionExpression: "attribute_exists(token_hash)",
  ExpressionAttributeValues: { ":now": { S: now }, ":ip": { S: ip } },
})).catch((error) => console.warn(error.name));

export const handler = async (event) => {
  const [, text] = /^bearer (\S+)$/i.exec(event.headers.authorization ?? "") ?? [];
  if (text === undefined || !isToken(text)) throw new Error("Unauthorized");

  const hash = createHash("sha256").update(text).digest("hex");
  const [token, user] = await read(hash);
  const now = new Date().toISOString();
  if (!isAllowed(token, user, now)) throw new Error("Unauthorized");
  owners.set(hash, token.user_id.S);

  const minuteAgo = new Date(Date.now() - 60_000).toISOString();
  if (!token.last_used_at || token.last_used_at.S < minuteAgo) {
    await recordUse(hash, now, event.requestContext.http.sourceIp);
  }

  return {
    isAuthorized: true,
    context: {
      userId: user.user_id.S,
      userName: user.name.S,
      roles: user.roles.L.map((role) => role.S).join(" "),
      authMethod: "pat",
      tokenId: token.token_id.S,
      tokenName: token.name.S,
    },
  };
};
