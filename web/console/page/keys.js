// The keyboard: single keys, while nobody writes and no dialog is open.

import { byId } from "./dom.js";

// `list` and `session` have `move`; `on` has what the other keys do.
export function listen(list, session, on) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (document.querySelector("dialog[open]") !== null) return;
    // On a button, Enter is the button's.
    if (event.key === "Enter" && event.target.matches("button, a, summary")) return;
    const does = isWriting(event.target) ? whileWriting(event) : keys()[event.key];
    if (does === undefined) return;
    event.preventDefault();
    does();
  });

  function whileWriting({ key, target }) {
    const isSearch = target === byId("search");
    if (key === "Escape")
      return () => (isSearch && target.value !== "" ? on.clear() : target.blur());
    if (!isSearch) return undefined;
    return { Enter: () => list.enter(), ArrowDown: () => list.move(1) }[key];
  }

  function keys() {
    const isReading = byId("session").contains(document.activeElement);
    const moved = isReading ? session : list;
    return {
      j: () => moved.move(1),
      ArrowDown: () => moved.move(1),
      k: () => moved.move(-1),
      ArrowUp: () => moved.move(-1),
      Enter: isReading ? enterOf(document.activeElement) : () => list.enter(),
      Escape: on.back,
      "/": () => byId("search").focus(),
      "?": () => byId("help").showModal(),
      g: () => (isReading ? session.toStart() : list.move(-Infinity)),
      G: () => (isReading ? session.toEnd() : list.move(Infinity)),
      t: () => session.togglePanel(),
    };
  }
}

// Opens and closes what is folded in a message.
function enterOf(element) {
  if (!element.matches(".entry")) return undefined;
  return () => {
    for (const one of element.querySelectorAll("details")) one.open = !one.open;
  };
}

function isWriting(target) {
  return target.matches("input, textarea, select");
}
