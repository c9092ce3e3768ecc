/** What the page asks before a token is revoked, and what it shows afterwards. */

import { html, nothing } from "lit";
import type { Caller, Token } from "../../api/client.js";
import type { Question } from "../common/confirm-dialog.js";
import { renderNameAndHandle } from "../common/user-name.js";
import { isolate } from "../common/isolate.js";

export const REVOKE_ALL_QUESTION: Question = {
  title: "Revoke all your tokens?",
  text: "Anything using your tokens loses access immediately. This can't be undone.",
  action: "Revoke all tokens",
  typed: "revoke all",
};

/** Asks whether to revoke a token; `callerId` is the ID of the signed-in user. */
export function revokeQuestion(token: Token, callerId: string): Question {
  const isOwn = token.owner.id === callerId;
  const owner = isOwn ? nothing : html`, owned by ${renderNameAndHandle(token.owner)}`;
  return {
    title: html`Revoke “<bdi>${token.name}</bdi>”?`,
    subject: html`<code>${token.prefix}…</code>${owner}`,
    text: "Anything using this token loses access immediately. This can't be undone.",
    action: "Revoke token",
  };
}

/** The token as the API will return it once `caller` has revoked it. */
export function asRevoked(token: Token, caller: Caller): Token {
  return {
    ...token,
    status: "revoked",
    revokedAt: new Date().toISOString(),
    revokedBy: caller.id,
    revocationReason: token.owner.id === caller.id ? "owner" : "administrator",
  };
}

/** Says who revoked a token and why; `callerId` is the ID of the signed-in user. */
export function describeRevocation(token: Token, callerId: string): string {
  const revoker = describeRevoker(token, callerId);
  switch (token.revocationReason) {
    case "owner":
      return `by ${revoker}`;
    case "administrator":
      return revoker === "you" ? "by you" : `by an administrator${revoker === null ? "" : ` (${revoker})`}`;
    case "leaked":
      return "reported as leaked";
    case "revoke-all":
      return revoker === null ? "with all other tokens" : `with all other tokens, by ${revoker}`;
    // None, or one that a newer API has added.
    default:
      return revoker === null ? "" : `by ${revoker}`;
  }
}

function describeRevoker(token: Token, callerId: string): string | null {
  if (token.revokedBy === callerId) return "you";
  if (token.revokedBy === token.owner.id) return "its owner";
  return token.revokedBy === null ? null : isolate(token.revokedBy);
}
