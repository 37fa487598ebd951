// Text that others have written, made fit to be shown.

import { textOf, valueOf } from "./json.js";

// Characters that cannot be seen and change what is: controls, those that turn the direction of
// what follows, those without a width, and tags. Joiners stay, since emoji and scripts need them.
const HIDDEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u2028-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]/gu;

// A name, a title, a call: what somebody judges by its looks shows what is hidden in it.
export function shown(text) {
  return text.replace(HIDDEN, (found) => {
    const code = found.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
    return `⟨U+${code}⟩`;
  });
}

// The beginning of a text, on one line.
export function line(text, length) {
  const front = text
    .slice(0, length + 1)
    .replace(/\s+/g, " ")
    .trim();
  return shown(text.length > length ? `${front.slice(0, length)}…` : front);
}

// Of a value that came as JSON, the JSON again, for people.
export function pretty(value) {
  if (typeof value !== "string") return textOf(value) ?? "";
  try {
    const parsed = valueOf(value);
    return typeof parsed === "object" && parsed !== null ? textOf(parsed) : value;
  } catch {
    return value;
  }
}

export function isText(value) {
  return typeof value === "string";
}

export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
