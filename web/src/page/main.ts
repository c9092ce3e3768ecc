/** The page: navigation, who is signed in, and the element. */

import "../element/access-tokens.js";
import { loadConfig } from "./config.js";
import { Session } from "./session.js";

const main = document.getElementById("main") as HTMLElement;
const account = document.getElementById("account") as HTMLElement;

async function start(): Promise<void> {
  const config = await loadConfig();
  const session = new Session(config);
  let failure: unknown = null;
  const user = await session.restore().catch((error: unknown) => {
    failure = error;
    return null;
  });
  if (!user || user.expired) {
    showSignIn(session, user !== null);
    if (failure !== null) fail(failure);
    return;
  }

  const name = document.createElement("span");
  name.textContent = user.profile.name ?? user.profile.preferred_username ?? user.profile.sub;
  account.replaceChildren(
    name,
    button("Sign out", () => session.signOut()),
  );

  const tokens = document.createElement("access-tokens");
  tokens.api = config.apiBaseUrl;
  tokens.curlUrl = config.curlUrl;
  tokens.credential = () => session.credential();
  // Not at once and not by itself: a form that is filled in would be lost.
  const notice = message("Your session has expired. Sign in again to go on; you will come back here.");
  notice.classList.add("urgent");
  notice.setAttribute("role", "alert");
  notice.append(button("Sign in", () => session.signIn()));
  tokens.addEventListener("session-expired", (event) => {
    event.preventDefault();
    // Also when it stands there already: put there again, it is announced again.
    main.prepend(notice);
  });
  tokens.addEventListener("sign-in", () => session.signIn().catch(fail));
  main.replaceChildren(tokens);
}

function showSignIn(session: Session, hasExpired: boolean): void {
  const title = document.createElement("h1");
  title.textContent = "Access tokens";
  const text = message(
    hasExpired ? "Your session has expired." : "Sign in to see and create your access tokens.",
  );
  const signIn = button("Sign in", () => session.signIn());
  signIn.className = "primary";
  main.replaceChildren(title, text, signIn);
}

function button(label: string, act: () => Promise<void>): HTMLButtonElement {
  const made = document.createElement("button");
  made.textContent = label;
  made.addEventListener("click", () => {
    made.disabled = true;
    act().catch((error: unknown) => {
      made.disabled = false;
      fail(error);
    });
  });
  return made;
}

function message(text: string): HTMLParagraphElement {
  const made = document.createElement("p");
  made.className = "notice";
  made.textContent = text;
  return made;
}

function fail(error: unknown): void {
  const reason = error instanceof Error ? error.message : String(error);
  const notice = message(`This did not work: ${reason}`);
  notice.setAttribute("role", "alert");
  const retry = document.createElement("button");
  retry.textContent = "Retry";
  retry.addEventListener("click", () => location.reload());
  notice.append(retry);
  main.prepend(notice);
}

// A page kept for "back" is of a session that may be over by now.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

start().catch(fail);
