// What the page itself has to say, and to ask.

import { byId, make } from "./dom.js";

const SHOWN = 8_000; // milliseconds

// A notice, with something to do about it if `act` is given.
export function say(text, label, act) {
  const notice = make("div", { className: "notice" }, make("span", {}, text));
  const over = () => notice.remove();
  if (label !== undefined) {
    const does = make("button", { type: "button" }, label);
    does.onclick = () => {
      over();
      act();
    };
    notice.append(does);
  }
  const close = make("button", { type: "button", ariaLabel: "Close" }, "×");
  close.onclick = over;
  notice.append(close);
  byId("notices").append(notice);
  setTimeout(over, SHOWN);
}

export function fail(error) {
  say(error instanceof TypeError ? "The service cannot be reached." : error.message);
}

// Asks whether to do something; with `text`, for a text as well. Answers null, or the text.
export async function ask(question, yes, text) {
  const dialog = byId("question");
  const field = byId("question-field");
  byId("question-text").textContent = question;
  byId("question-yes").textContent = yes;
  field.hidden = text === undefined;
  field.value = text ?? "";
  dialog.returnValue = "";
  dialog.showModal();
  if (text !== undefined) field.select();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  return dialog.returnValue === "yes" ? field.value : null;
}
