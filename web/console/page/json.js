// JSON whose integers stay what they are: a number here has 53 bits, and ids of 64 are common.

const LONG = /\d{16}/; // most texts have none, and are read as fast as ever
const INTEGER = /^-?\d+$/;

// The value that a text says. An integer that no number can hold is a BigInt; a browser that does
// not tell how it was written (Firefox before 135, Safari before 18.4) has the nearest number.
export function valueOf(text) {
  return LONG.test(text) ? JSON.parse(text, exactly) : JSON.parse(text);
}

// The text of a value, for people.
export function textOf(value) {
  return JSON.stringify(value, written, 2);
}

function exactly(_name, value, context) {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  const source = context?.source ?? "";
  return INTEGER.test(source) ? BigInt(source) : value;
}

function written(_name, value) {
  return typeof value === "bigint" ? JSON.rawJSON(String(value)) : value;
}
