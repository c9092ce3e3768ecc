/** How the page names a user. */

import { html } from "lit";
import type { User } from "../../api/client.js";

/** What is needed to name a user. The owner of a token comes without an e-mail address. */
export type NamedUser = Pick<User, "id" | "name"> & Partial<Pick<User, "email">>;

/** The user's name, or the ID where the name is blank: users choose their own names. */
export function displayName(user: Pick<User, "id" | "name">): string {
  return user.name.trim() || user.id;
}

/** The e-mail address or ID, which distinguishes users of the same name. */
export function handle(user: Pick<NamedUser, "id" | "email">): string {
  return user.email?.trim() || user.id;
}

/** Shows name and handle, for questions where confusing two users would do harm. */
export function renderNameAndHandle(user: NamedUser) {
  const name = displayName(user);
  const unique = handle(user);
  return html`<bdi>${name}</bdi>${name === unique ? "" : html` (<bdi>${unique}</bdi>)`}`;
}
