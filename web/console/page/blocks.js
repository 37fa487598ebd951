// The blocks of a message, as elements. What is long is folded, and is made when somebody opens it.

import { make } from "./dom.js";
import { Fences } from "./fences.js";
import { isObject, isText, line, pretty, shown } from "./text.js";

const FIRST = 6_000; // characters of a text that are shown at once: some screens
const MORE = 100_000; // and with each click: what a browser lays out without a pause
const PREVIEW = 120;

// Pictures that are in the message itself, of types that hold nothing that runs. All else would be
// asked for elsewhere, which would tell a stranger that somebody reads this.
const PICTURE = /^data:image\/(?:png|jpeg|gif|webp|avif);base64,/i;

export function elementOf(block) {
  switch (block.type) {
    case "text":
      return prose(block.text);
    case "reasoning":
      return folded("reasoning", ["Reasoning"], line(block.text, PREVIEW), () => [
        prose(block.text),
      ]);
    case "image":
      return picture(block.url);
    case "call":
      return called(block);
    case "result":
      return result(block);
    default:
      return folded("other", ["Other"], line(preview(block.value), PREVIEW), () => [
        code(pretty(block.value)),
      ]);
  }
}

// Text as it was written, but for what stands between fences, which is set as code.
function prose(text) {
  const made = make("div", { className: "prose" });
  const fences = new Fences();
  fill(made, text, FIRST, (piece) => Array.from(fences.of(piece), paragraph));
  return made;
}

function paragraph({ isCode, info, text }) {
  if (!isCode) return make("p", {}, text);
  return make("pre", { className: "code", data: info === "" ? {} : { info: line(info, 80) } }, text);
}

export function code(text) {
  const made = make("pre", { className: "code" });
  fill(made, text, FIRST, (piece) => [piece]);
  return made;
}

// The text in pieces: the next one when somebody asks for it.
function fill(element, text, length, made) {
  const end = endOf(text, length);
  element.append(...made(text.slice(0, end)));
  if (end === text.length) return;
  const rest = text.slice(end);
  const more = make("button", { type: "button", className: "more" });
  more.textContent = `Show more (${rest.length.toLocaleString()} characters)`;
  more.onclick = () => {
    more.remove();
    fill(element, rest, MORE, made);
  };
  element.append(more);
}

// Behind a line, if one ends there about; never within a character.
function endOf(text, length) {
  if (text.length <= length) return text.length;
  const end = text.lastIndexOf("\n", length - 1) + 1;
  if (end > length / 2) return end;
  return isHigh(text.charCodeAt(length - 1)) ? length + 1 : length;
}

function isHigh(unit) {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function folded(kind, labels, text, content, isOpen = false) {
  const summary = make("summary", {}, ...labels, " ", make("span", { className: "preview" }, text));
  const made = make("details", { className: `block ${kind}` }, summary);
  const fillOnce = () => {
    if (made.open && made.childElementCount === 1) made.append(...content());
  };
  made.addEventListener("toggle", fillOnce);
  made.open = isOpen;
  fillOnce();
  return made;
}

function called({ id, name, input }) {
  const labels = [
    make("span", { className: "tool" }, shown(name ?? "tool")),
    make("span", { className: "lacking", hidden: true }, "no result yet"),
  ];
  const made = folded("call", labels, line(preview(input), PREVIEW), () => [
    code(pretty(input ?? "")),
  ]);
  made.dataset.call = id ?? "";
  return made;
}

function result({ id, name, blocks, isError }) {
  const label = make(
    "span",
    { className: "tool" },
    name === undefined ? "Result" : `Result of ${shown(name)}`,
  );
  const first = blocks.find((block) => isText(block.text));
  const text = first === undefined ? preview(blocks[0]?.value) : line(first.text, PREVIEW);
  // What tools print has columns, and is no prose.
  const made = folded("result", [label], text, () =>
    blocks.map((block) => (block.type === "text" ? code(block.text) : elementOf(block))),
  );
  if (isError) made.classList.add("failed");
  made.dataset.result = id ?? "";
  return made;
}

// The first thing that a value says: enough to know a call by, whatever its tool is.
function preview(value) {
  if (isText(value)) return value.slice(0, 2 * PREVIEW);
  if (["number", "bigint", "boolean"].includes(typeof value)) return String(value);
  if (!isObject(value)) return "";
  const said = Object.values(value).find((one) => isText(one) && one !== "");
  return said === undefined
    ? Object.keys(value).slice(0, 8).join(", ")
    : said.slice(0, 2 * PREVIEW);
}

function picture(url) {
  if (PICTURE.test(url.slice(0, 64))) {
    const image = make("img", { alt: "", loading: "lazy", decoding: "async", src: url });
    return make("div", { className: "picture" }, image);
  }
  const text = line(url, 200);
  if (!isOfTheWeb(url)) return make("p", { className: "elsewhere" }, "Image: ", text);
  const options = { href: url, target: "_blank", rel: "noopener noreferrer" };
  return make("p", { className: "elsewhere" }, "Image: ", make("a", options, text));
}

function isOfTheWeb(url) {
  try {
    return ["http:", "https:"].includes(new URL(url).protocol);
  } catch {
    return false;
  }
}
