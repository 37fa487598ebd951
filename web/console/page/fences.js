// Text taken apart at the fences around code, as CommonMark has them, however it is cut.
//
// A fence is a line of its own: three backticks or more, and, where one opens, what stands behind
// them (a language, mostly). One closes that has as many and nothing behind. What opens and is never
// closed goes to the end. Not a tilde's: agents write none, and tracebacks have lines that look so.

const FENCE = /^([ \t]*)(`{3,})([^`]*)$/;

export class Fences {
  #open = null; // the fence of the code that the text is in: {size, indent, info}

  // The pieces of what comes next: {isCode, info, text}.
  *of(text) {
    let lines = [];
    for (const line of text.split("\n")) {
      const found = FENCE.exec(line);
      const [, indent, { length: size } = "", behind] = found ?? [];
      const info = behind?.trim();
      const opens = found !== null && this.#open === null;
      const closes = found !== null && info === "" && size >= this.#open?.size;
      if (opens || closes) {
        yield* this.#piece(lines);
        lines = [];
        this.#open = opens ? { size, indent: indent.length, info } : null;
      } else {
        lines.push(this.#open === null ? line : without(line, this.#open.indent));
      }
    }
    yield* this.#piece(lines);
  }

  #piece(lines) {
    if (this.#open !== null) {
      const { info } = this.#open;
      const text = lines.join("\n");
      return text === "" && info === "" ? [] : [{ isCode: true, info, text }];
    }
    // Empty lines before and behind code: it has a frame.
    let [start, end] = [0, lines.length];
    while (start < end && lines[start].trim() === "") start += 1;
    while (end > start && lines[end - 1].trim() === "") end -= 1;
    const text = lines.slice(start, end).join("\n");
    return text === "" ? [] : [{ isCode: false, info: "", text }];
  }
}

// In a list code is indented with its fence.
function without(line, indent) {
  let start = 0;
  while (start < indent && (line[start] === " " || line[start] === "\t")) start += 1;
  return line.slice(start);
}
