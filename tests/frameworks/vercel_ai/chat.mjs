// A chat of the AI SDK, as a page has it, told what to do in lines of JSON. It tells in such lines
// what the chat is after each change.

import {
  AbstractChat,
  DefaultChatTransport,
  convertToModelMessages,
  lastAssistantMessageIsCompleteWithToolCalls,
  validateUIMessages,
} from "ai";
import { createInterface } from "node:readline";

const [url, id] = process.argv.slice(2);

const tell = (what) => process.stdout.write(JSON.stringify(what) + "\n");

class State {
  #status = "ready";
  #messages = [];
  error = undefined;
  asides = [];

  get status() {
    return this.#status;
  }
  set status(status) {
    this.#status = status;
    this.tell();
  }
  get messages() {
    return this.#messages;
  }
  set messages(messages) {
    this.#messages = messages;
    this.tell();
  }
  pushMessage = (message) => {
    this.messages = [...this.#messages, message];
  };
  popMessage = () => {
    this.messages = this.#messages.slice(0, -1);
  };
  replaceMessage = (place, message) => {
    const changed = [...this.#messages];
    changed[place] = structuredClone(message);
    this.messages = changed;
  };
  snapshot = (thing) => structuredClone(thing);

  tell() {
    const { status, messages, asides, error } = this;
    tell({ status, messages, asides, error: error?.message ?? null });
  }
}

class Chat extends AbstractChat {}

const state = new State();
const chat = new Chat({
  id,
  state,
  transport: new DefaultChatTransport({ api: `${url}/ai/chat` }),
  onData: (part) => state.asides.push(part),
  sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithToolCalls,
});

const does = {
  async load() {
    const answer = await fetch(`${url}/ai/chat/${encodeURIComponent(id)}`);
    const { messages } = await answer.json();
    chat.messages = await validateUIMessages({ messages });
  },
  async model() {
    tell({ model: await convertToModelMessages(chat.messages) });
  },
  resume: () => chat.resumeStream(),
  send: ({ text, messageId }) => chat.sendMessage({ text, messageId }),
  regenerate: () => chat.regenerate(),
  output: ({ tool, toolCallId, output }) => chat.addToolOutput({ tool, toolCallId, output }),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { what, ...given } = JSON.parse(line);
  // Not waited for: what is told next may be what lets it end.
  does[what](given).then(
    () => tell({ done: what }),
    (error) => tell({ failed: what, error: String(error) }),
  );
}
