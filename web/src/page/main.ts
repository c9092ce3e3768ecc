/** The page around the element: the session, the user's name, and the button to sign in or out. */

import "../element/access-tokens.js";
import { type PageConfig, loadConfig } from "./config.js";
import { describeFailure } from "./failure.js";
import { Session } from "./session.js";

/** A session that is new and denied is not expired: signing in once more would change nothing. */
const ACCESS_BLOCKED = "Your access is blocked. Your account may be disabled; ask an administrator.";
const SESSION_EXPIRED = "Your session expired. Sign in to continue where you left off.";

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
    if (failure !== null) showFailure(failure);
    return;
  }

  showAccount(session, user.profile.name ?? user.profile.preferred_username ?? user.profile.sub);
  showTokens(session, config);
}

function showSignIn(session: Session, isExpired: boolean): void {
  const title = document.createElement("h1");
  title.textContent = "Access tokens";

  const notice = createNotice(isExpired ? SESSION_EXPIRED : "Sign in to view and create your access tokens.");

  const signIn = createButton("Sign in", () => session.signIn());
  signIn.className = "primary";
  main.replaceChildren(title, notice, signIn);
}

function showAccount(session: Session, userName: string): void {
  const name = document.createElement("span");
  name.textContent = userName;
  account.replaceChildren(
    name,
    createButton("Sign out", () => session.signOut()),
  );
}

function showTokens(session: Session, config: PageConfig): void {
  const tokens = document.createElement("access-tokens");
  tokens.api = config.apiBaseUrl;
  tokens.curlUrl = config.curlUrl;
  tokens.credential = () => session.credential();

  // The page waits for a click and does not redirect by itself: the user may be filling in a form.
  const expired = createUrgentNotice(SESSION_EXPIRED);
  expired.append(createButton("Sign in", () => session.signIn()));
  const blocked = createUrgentNotice(ACCESS_BLOCKED);
  blocked.append(
    createButton("Try again", async () => {
      blocked.remove();
      await tokens.load();
    }),
    createButton("Sign out", () => session.signOut()),
  );

  let isNew = session.isNew;
  tokens.addEventListener("signed-in", () => (isNew = false));
  tokens.addEventListener("session-expired", (event) => {
    event.preventDefault();
    // A notice that is already there is inserted again, so that it is announced again.
    main.prepend(isNew ? blocked : expired);
  });

  tokens.addEventListener("sign-in", () => session.signIn().catch(showFailure));
  main.replaceChildren(tokens);
}

function createButton(text: string, onClick: () => Promise<void>): HTMLButtonElement {
  const button = document.createElement("button");
  button.textContent = text;
  button.addEventListener("click", () => {
    button.disabled = true;
    onClick().catch((error: unknown) => {
      button.disabled = false;
      showFailure(error);
    });
  });
  return button;
}

function createUrgentNotice(text: string): HTMLParagraphElement {
  const notice = createNotice(text);
  notice.classList.add("urgent");
  notice.setAttribute("role", "alert");
  return notice;
}

function createNotice(text: string): HTMLParagraphElement {
  const notice = document.createElement("p");
  notice.className = "notice";
  notice.textContent = text;
  return notice;
}

function showFailure(error: unknown): void {
  const notice = createNotice(describeFailure(error));
  notice.setAttribute("role", "alert");

  const retry = document.createElement("button");
  retry.textContent = "Try again";
  retry.addEventListener("click", () => location.reload());
  notice.append(retry);
  main.prepend(notice);
}

// The browser may show this page again from its back/forward cache after the session has expired.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

start().catch(showFailure);
