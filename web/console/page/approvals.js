// What a session waits for somebody to answer.
//
// Who answers has to see what is asked: hidden characters are shown, and what is long says so.

import { call } from "./api.js";
import { code } from "./blocks.js";
import { button, make } from "./dom.js";
import { fail } from "./notices.js";
import { pretty, shown } from "./text.js";
import { ago } from "./time.js";

const BY = "the page";

export class Approvals {
  #element;
  #id;
  #cards = new Map(); // by the approval's id: its element, and the timer of its end

  constructor(element, id) {
    this.#element = element;
    this.#id = id;
    element.replaceChildren();
    element.onclick = ({ target }) => this.#clicked(target);
  }

  close() {
    for (const { timer } of this.#cards.values()) clearTimeout(timer);
  }

  add({ id, title, detail, asked_at: at, expires_at: end }) {
    if (this.#cards.has(id)) return;
    const card = make(
      "section",
      { className: "card", attributes: { role: "group", "aria-label": "Approval" } },
      make("header", {}, make("strong", {}, shown(title)), make("time", {}, ago(at))),
    );
    if (detail !== undefined) card.append(code(shown(pretty(detail))));
    const note = make("input", {
      type: "text",
      placeholder: "Note",
      maxLength: 1000,
      ariaLabel: "Note",
    });
    card.append(
      make(
        "footer",
        {},
        note,
        button("Deny", "decide", { decision: "denied", approval: id }),
        button("Approve", "decide", { decision: "approved", approval: id }),
      ),
    );
    // What has expired cannot be answered any more. Longer than a timer can be, nobody waits here.
    const left = end === undefined ? Infinity : Date.parse(end) - Date.now();
    const timer = left < 2 ** 31 ? setTimeout(() => this.remove(id), Math.max(left, 0)) : undefined;
    this.#cards.set(id, { card, timer });
    this.#element.append(card);
  }

  // An entry of the log: its key is the approval's id.
  take({ kind, key, at, body }) {
    if (kind === "decision") this.remove(key);
    else {
      const end =
        body.expires_in === undefined ? undefined : Date.parse(at) + 1000 * body.expires_in;
      this.add({ id: key, asked_at: at, expires_at: end && new Date(end).toISOString(), ...body });
    }
  }

  remove(id) {
    const found = this.#cards.get(id);
    if (found === undefined) return;
    clearTimeout(found.timer);
    found.card.remove();
    this.#cards.delete(id);
  }

  async #clicked(target) {
    if (target.dataset.action !== "decide") return;
    const { approval, decision } = target.dataset;
    const { card } = this.#cards.get(approval);
    const note = card.querySelector("input").value.trim();
    for (const one of card.querySelectorAll("button")) one.disabled = true;
    try {
      const body = { decision, by: BY, ...(note === "" ? {} : { note }) };
      await call("POST", ["sessions", this.#id, "approvals", approval, "decision"], { body });
      this.remove(approval);
    } catch (error) {
      fail(error);
      for (const one of card.querySelectorAll("button")) one.disabled = false;
    }
  }
}
