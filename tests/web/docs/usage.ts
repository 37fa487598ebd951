// What a compiler is asked to find right, and wrong.
import { AgentRuntimeClient, Refused, type MessageEntry, type SessionOut } from "agent-runtime-client";

const client = new AgentRuntimeClient({ url: "http://127.0.0.1:1", token: "t" });

export async function right(): Promise<SessionOut> {
  const written = await client.appendEntries(
    "s",
    { entries: [{ kind: "message", body: { role: "user", content: "Hi", anything: [1] } }], once: true },
    { if_match: '"1-00"', turn: 3 },
  );
  const first: number = written.seqs[0];
  for await (const event of client.followSession("s", { after: `${first}`, kind: ["message", "draft"], patience: 5 })) {
    if ("kind" in event.data && event.data.kind === "message") {
      const entry: MessageEntry = event.data;
      console.log(entry.body.role, event.id?.length);
    }
  }
  for await (const line of client.exportSession("s")) console.log(line.length);
  const turn = await client.getTurn("s");
  if (turn !== undefined) await client.endTurn("s", { outcome: "done" }, { turn: turn.turn });
  await client.appendMessages("s", { role: "user", content: "Hi", of_my_own: true });
  await client.reportUsage("s", { model: "m", tokens: 3 });
  await client.listSessions({ metadata: { cwd: "/" }, limit: 3 });
  await client.importSession("a line\n", { session_id: "t" });
  return client.getSession("s", { signal: AbortSignal.timeout(5) });
}

export async function wrong(): Promise<void> {
  // @ts-expect-error: no such parameter
  await client.getSession("s", { nonsense: 1 });
  // @ts-expect-error: no such kind
  await client.appendEntries("s", { entries: [{ kind: "nonsense", body: {} }] });
  // @ts-expect-error: nothing may be left out
  await client.askApproval("s", { title: "May I?" });
  // @ts-expect-error: it may be undefined
  (await client.getTurn("s")).turn;
}

export const status = (error: unknown): number => (error instanceof Refused ? error.status : 0);
