// What was found, shown so that one sees why: from a little before the first of the words on.

import { line } from "./text.js";

const BEFORE = 12; // characters: a row has room for some forty
const LENGTH = 200;

// The pieces of a snippet, in turns what was not searched for and what was: "", "found", " rest".
export function piecesOf(snippet, query) {
  const text = [...line(snippet, LENGTH)];
  const folded = text.map(fold);
  const words = wordsOf(query);
  const pieces = [""];
  let first;
  for (let at = 0; at < text.length; ) {
    const end = at === 0 || !isOfWord(folded[at - 1]) ? endOf(folded, at, words) : at;
    if (end > at) {
      first ??= pieces[0].length;
      pieces.push(text.slice(at, end).join(""), "");
      at = end;
    } else {
      pieces.push(pieces.pop() + text[at]);
      at += 1;
    }
  }
  if (first > 2 * BEFORE) pieces[0] = `…${[...pieces[0]].slice(-BEFORE).join("")}`;
  return pieces;
}

// Where the word at this place ends, or the beginning of one that was searched for.
function endOf(folded, at, words) {
  const found = words.filter((word) => word.every((one, place) => folded[at + place] === one));
  return at + Math.max(0, ...found.map((word) => word.length));
}

function wordsOf(query) {
  return (query.match(/[\p{L}\p{N}\p{M}]+/gu) ?? []).map((word) =>
    [...word.normalize("NFC")].map(fold),
  );
}

// A letter without its accent, in lower case.
function fold(letter) {
  return letter.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

// An ideograph is a word of its own.
function isOfWord(letter) {
  return /[\p{L}\p{N}]/u.test(letter) && !/[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}]/u.test(letter);
}
