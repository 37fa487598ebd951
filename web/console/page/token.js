// The token, where the service wants one: asked for once, and sent in the head of each call.
//
// It is kept for this tab alone, and never in a URL, a cookie or a place that outlives the tab.

import { byId } from "./dom.js";

// Two services may be mounted at one origin.
const PLACE = `token of ${new URL("..", import.meta.url).pathname}`;

let kept = null;
let asking = null;

try {
  kept = sessionStorage.getItem(PLACE);
} catch {
  // A browser that stores nothing: then it is asked for again at each visit.
}

export function current() {
  return kept;
}

// Asks for a token, since the service has refused `refused`. Calls that are refused at the same
// time share the question, and one that comes late finds the answer.
export function ask(refused) {
  if (kept !== refused) return Promise.resolve();
  asking ??= answered(refused !== null).finally(() => {
    asking = null;
  });
  return asking;
}

async function answered(wasWrong) {
  const dialog = byId("token");
  const field = byId("token-field");
  byId("token-why").textContent = wasWrong
    ? "The service refuses this token."
    : "The service asks for a token.";
  const form = dialog.querySelector("form");
  dialog.showModal();
  await new Promise((resolve) => {
    form.onsubmit = (event) => {
      event.preventDefault();
      // What is no visible ASCII cannot be sent in a head, so it cannot be right.
      if (/^[\x21-\x7e]+$/.test(field.value.trim())) resolve();
    };
    // Without a token nothing can be shown: the dialog stays.
    dialog.oncancel = (event) => event.preventDefault();
    dialog.onclose = () => dialog.showModal();
  });
  kept = field.value.trim();
  field.value = "";
  dialog.onclose = null;
  dialog.close();
  try {
    sessionStorage.setItem(PLACE, kept);
  } catch {
    // As above.
  }
}
