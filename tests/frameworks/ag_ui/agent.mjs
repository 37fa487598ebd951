// An agent of AG-UI, as an interface has it, told what to do in lines of JSON. It tells in such lines
// each event, and what its messages and its state are behind it.

import { HttpAgent } from "@ag-ui/client";
import { createInterface } from "node:readline";

const [url, id] = process.argv.slice(2);

const tell = (what) => process.stdout.write(JSON.stringify(what) + "\n");

const agent = new HttpAgent({ url: `${url}/ag-ui/${encodeURIComponent(id)}`, threadId: id });

// Where a connection is cut, the agent tells its caller; and leaves a promise of its own unheard.
process.on("unhandledRejection", () => {});

let events = 0;
agent.subscribe({
  onEvent: ({ event }) => {
    events += 1;
    tell({ event });
  },
  onMessagesChanged: ({ messages }) => tell({ messages }),
  onStateChanged: ({ state }) => tell({ state }),
});

const does = {
  run: ({ text, id, state }) => {
    if (text !== undefined) agent.addMessage({ id, role: "user", content: text });
    if (state !== undefined) agent.setState(state);
    return agent.runAgent({ tools: [{ name: "paint", description: "Paints", parameters: {} }] });
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { what, ...given } = JSON.parse(line);
  // Not waited for: what is told next may be what lets it end.
  does[what](given).then(
    () => tell({ done: what, messages: agent.messages, state: agent.state, events }),
    (error) => tell({ failed: what, error: String(error), messages: agent.messages }),
  );
}
