// What a message says, whatever agent wrote it: a list of blocks.
//
// A block is {type, …} with `text`: text; `reasoning`: text; `image`: url; `call`: id, name, input;
// `result`: id, name, blocks, isError; `other`: value, which is shown as the JSON that it is.
// A message may have any shape: what is not as expected is `other`, and nothing is left out.

import { isObject, isText } from "./text.js";

const CALLS = /^(function_call|custom_tool_call|local_shell_call|shell_call|apply_patch_call)$/;
const OUTPUTS =
  /^(function_call|custom_tool_call|local_shell_call|shell_call|apply_patch_call)_output$/;
const TEXTS = new Set([undefined, "text", "input_text", "output_text", "refusal"]);
const REASONING = ["reasoning_content", "reasoning", "thinking"];

export function blocksOf(message) {
  const said = [...reasoningOf(message), ...contentOf(message), ...callsOf(message)];
  if (said.length === 0) return [{ type: "other", value: message }];
  const isResult = message.role === "tool" || message.role === "function";
  // A result in parts that name their calls is taken apart already.
  if (!isResult || said.some((block) => block.type === "result")) return said;
  return [
    {
      type: "result",
      id: textOf(message.tool_call_id ?? message.id),
      name: textOf(message.name ?? message.tool_name),
      isError: message.is_error === true,
      blocks: said,
    },
  ];
}

function textOf(value) {
  return isText(value) ? value : undefined;
}

function* reasoningOf(message) {
  for (const name of REASONING) {
    if (isText(message[name]) && message[name] !== "") {
      yield { type: "reasoning", text: message[name] };
    }
  }
}

function* contentOf(message) {
  if (isText(message.type) && (CALLS.test(message.type) || OUTPUTS.test(message.type))) {
    yield blockOf(message);
    return;
  }
  if (message.type === "reasoning") {
    const found = proseOf(message);
    if (found !== undefined) yield found;
  }
  yield* blocksIn(message.content ?? message.parts);
}

function* callsOf(message) {
  const calls = Array.isArray(message.tool_calls) ? message.tool_calls : [];
  for (const call of calls) {
    const called = isObject(call) ? (call.function ?? call.custom ?? call) : undefined;
    if (isObject(called)) {
      const input = called.arguments ?? called.input ?? called.args;
      yield { type: "call", id: textOf(call.id), name: textOf(called.name), input };
    } else {
      yield { type: "other", value: call };
    }
  }
  if (isObject(message.function_call)) {
    const { name, arguments: input } = message.function_call;
    yield { type: "call", id: undefined, name: textOf(name), input };
  }
}

function blocksIn(content) {
  if (content === null || content === undefined || content === "") return [];
  if (isText(content)) return [{ type: "text", text: content }];
  if (Array.isArray(content)) return content.map(blockOf);
  return [blockOf(content)];
}

function blockOf(part) {
  if (isText(part)) return { type: "text", text: part };
  if (!isObject(part)) return { type: "other", value: part };
  return (
    callOf(part) ??
    resultOf(part) ??
    imageOf(part) ??
    proseOf(part) ?? { type: "other", value: part }
  );
}

function callOf(part) {
  const type = textOf(part.type);
  if (type === "tool_use" || type === "server_tool_use") {
    return { type: "call", id: textOf(part.id), name: textOf(part.name), input: part.input };
  }
  if (type === "tool-call") {
    const input = part.input ?? part.args;
    return { type: "call", id: textOf(part.toolCallId), name: textOf(part.toolName), input };
  }
  if (type !== undefined && CALLS.test(type)) {
    const input = part.arguments ?? part.input ?? part.action ?? part.operation;
    return { type: "call", id: textOf(part.call_id), name: textOf(part.name) ?? type, input };
  }
  const called = part.functionCall ?? part.function_call;
  if (!isObject(called)) return undefined;
  return { type: "call", id: textOf(called.id), name: textOf(called.name), input: called.args };
}

function resultOf(part) {
  const type = textOf(part.type);
  if (type === "tool_result") {
    return resultBlock(part.tool_use_id, undefined, part.content, part.is_error === true);
  }
  if (type === "tool-result") {
    return resultBlock(
      part.toolCallId,
      part.toolName,
      part.output ?? part.result,
      part.isError === true,
    );
  }
  if (type !== undefined && OUTPUTS.test(type)) {
    return resultBlock(part.call_id, part.name, part.output, part.status === "failed");
  }
  const told = part.functionResponse ?? part.function_response;
  if (!isObject(told)) return undefined;
  return resultBlock(
    told.id,
    told.name,
    told.response,
    isObject(told.response) && "error" in told.response,
  );
}

function resultBlock(id, name, content, isError) {
  return { type: "result", id: textOf(id), name: textOf(name), isError, blocks: blocksIn(content) };
}

function imageOf(part) {
  const url = textOf(part.image_url) ?? textOf(part.image_url?.url);
  if (url !== undefined) return { type: "image", url };
  if (part.type === "image" && isObject(part.source)) return imageFrom(part.source);
  const inline = part.inlineData ?? part.inline_data;
  if (isObject(inline))
    return imageFrom({ ...inline, media_type: inline.mimeType ?? inline.mime_type });
  return undefined;
}

function imageFrom(source) {
  if (isText(source.url)) return { type: "image", url: source.url };
  if (!isText(source.data) || !isText(source.media_type)) return undefined;
  return { type: "image", url: `data:${source.media_type};base64,${source.data}` };
}

function proseOf(part) {
  const type = textOf(part.type);
  if (type === "thinking" || type === "reasoning" || part.thought === true) {
    const summary = Array.isArray(part.summary)
      ? part.summary.map((one) => textOf(one?.text) ?? "")
      : [];
    const text = textOf(part.thinking) ?? textOf(part.text) ?? summary.join("\n\n");
    return text === "" ? undefined : { type: "reasoning", text };
  }
  if (part.type !== undefined && !TEXTS.has(type)) return undefined;
  const text = textOf(part.text) ?? textOf(part.refusal);
  return text === undefined ? undefined : { type: "text", text };
}
