// A conversation with a real service, and what goes wrong with one that is not there.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";

import { AgentRuntimeClient, AgentRuntimeError, Refused, ServiceUnreachable, Unchanged } from "agent-runtime-client";

const url = process.env.AGENT_RUNTIME_URL;
const client = new AgentRuntimeClient({ url: `${url}/` });
const hello = { role: "user", content: "Hello" };

const tests = {
  async "a conversation is written and read"() {
    const written = await client.appendEntries("a/b", { entries: [{ kind: "message", body: { ...hello, mine: [1] } }] });
    assert.deepEqual(written.seqs, [1]);
    assert.deepEqual((await client.history("a/b")).messages, [{ ...hello, mine: [1] }]);
    await client.putRecords("a/b", { put: [{ key: "k", value: null }] });
    const page = await client.getLog("a/b", { kind: ["record"], counting: true });
    assert.deepEqual(page.entries.map((entry) => entry.body), [{ value: null }]);
    assert.equal((await client.listSessions({ prefix: "a/", metadata: { no: "thing" } })).sessions.length, 0);
  },
  async "a call without an id gets one, and one that has one keeps it"() {
    const bodies = [];
    const own = new AgentRuntimeClient({ url, fetch: (to, init) => (bodies.push(JSON.parse(init.body)), fetch(to, init)) });
    await own.appendEntries("ids", { entries: [{ kind: "message", body: hello }], id: "mine" });
    const again = await own.appendEntries("ids", { entries: [{ kind: "message", body: hello }], id: "mine" });
    assert.deepEqual(again.seqs, [1]);
    await own.rewind("ids", { to: 0 });
    assert.equal(bodies[1].id, "mine");
    assert.match(bodies[2].id, /^[0-9a-f]{32}$/);
  },
  async "what is refused says why"() {
    await assert.rejects(client.getSession("a/../b?c#d%2F"), (error) => {
      assert(error instanceof Refused && error.status === 404);
      assert.match(error.message, /Session a\/\.\.\/b\?c#d%2F not found/);
      return true;
    });
    await assert.rejects(client.deleteSession(".."), /No URL can name/);
    await client.createSession({ session_id: "once" });
    await assert.rejects(client.createSession({ session_id: "once" }), { status: 409 });
  },
  async "a state that is known is not sent again, and one that is gone refuses a write"() {
    await client.appendMessages("tags", hello);
    const { cursor } = await client.resume("tags");
    await assert.rejects(client.history("tags", { if_none_match: `"${cursor}"` }), Unchanged);
    await client.appendMessages("tags", { messages: [hello] }, { if_match: `"${cursor}"` });
    await assert.rejects(client.appendMessages("tags", hello, { if_match: `"${cursor}"` }), { status: 412 });
  },
  async "a turn holds, and none is undefined"() {
    await client.createSession({ session_id: "turns" });
    assert.equal(await client.getTurn("turns"), undefined);
    const { turn } = await client.takeTurn("turns", { holder: "me", ttl: 30 });
    await client.appendDraft("turns", "m", { append: "Hel" }, { turn });
    assert.equal((await client.resume("turns")).drafts[0].parts.content, "Hel");
    assert.equal(await client.endTurn("turns", { outcome: "done" }, { turn }), undefined);
  },
  async "a session is followed to its end"() {
    await client.appendMessages("followed", { ...hello, content: "é" });
    const seen = [];
    for await (const event of client.followSession("followed")) {
      seen.push(event.event);
      if (event.event === "message") {
        assert.equal(event.data.body.content, "é");
        assert.match(event.id, /^1-[0-9a-f]{16}$/);
        await client.deleteSession("followed");
      }
    }
    assert.deepEqual(seen, ["message", "deleted"]);
  },
  async "a stream is left, and given up"() {
    await client.appendMessages("left", hello);
    for await (const event of client.followSession("left")) {
      assert.equal(event.data.seq, 1);
      break;
    }
    const given_up = new AbortController();
    const stream = client.followSession("left", { after: "1", signal: given_up.signal });
    const next = stream.next();
    given_up.abort(new Error("enough"));
    await assert.rejects(next, /enough/);
  },
  async "a log goes out and comes in"() {
    await client.appendMessages("log", { ...hello, large: "x".repeat(300_000) });
    const lines = [];
    for await (const line of client.exportSession("log")) lines.push(line);
    assert.equal(lines.length, 2);
    const done = await client.importSession(lines.join(""), { session_id: "log 2" });
    assert.equal(done.applied, 1);
  },
  async "the service is well"() {
    assert.equal((await client.health()).status, "healthy");
  },
  async "nobody there is said so, and asked again where that is safe"() {
    const asked = [];
    const away = new AgentRuntimeClient({ url, fetch: (_, init) => (asked.push(init.method), Promise.reject(new TypeError("cut"))) });
    await assert.rejects(away.getSession("s"), ServiceUnreachable);
    assert.equal(asked.length, 4);
    await assert.rejects(away.deleteSession("s"), AgentRuntimeError);
    assert.equal(asked.length, 5);
  },
  async "events go on behind the last one that came whole"() {
    const pieces = [
      'retry: 1\n\nid: 1-0a\nevent: message\ndata: {"seq":1}\n\nid: 2-0b\nevent: mess',
      'id: 2-0b\nevent: message\ndata: {"seq":2}\n\nevent: alive\ndata: {}\n\n',
    ];
    const places = [];
    const server = createServer((request, response) => {
      places.push(request.headers["last-event-id"]);
      const piece = pieces.shift();
      response.writeHead(piece ? 200 : 404, { "Content-Type": "text/event-stream" });
      if (!piece) return response.end("{}");
      response.write(piece, () => response.destroy());
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const own = new AgentRuntimeClient({ url: `http://127.0.0.1:${server.address().port}`, token: "t" });
    const seen = [];
    for await (const event of own.followSession("s")) seen.push([event.event, event.data.seq]);
    assert.deepEqual(seen, [["message", 1], ["message", 2], ["deleted", undefined]]);
    assert.deepEqual(places, [undefined, "1-0a", "2-0b"]);
    server.close();
  },
};

for (const [name, test] of Object.entries(tests)) {
  await test();
  console.log(name);
}
