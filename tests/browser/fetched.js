// Follows a session that needs a token, which EventSource cannot send: so with fetch.

let told = Promise.resolve();

// One after the other: what is told is in the order in which it was seen.
function tell(what) {
  told = told.then(() => fetch("/told", { method: "POST", body: JSON.stringify(what) }));
}

let cursor = null;

function take(frame) {
  const fields = Object.fromEntries(
    frame.split("\n").map((line) => [line.slice(0, line.indexOf(": ")), line.slice(line.indexOf(": ") + 2)]),
  );
  if (fields.id === undefined) return;
  cursor = fields.id;
  const data = JSON.parse(fields.data);
  if ("seq" in data) tell({ what: fields.event, id: fields.id, data });
  else tell({ what: fields.event });
}

async function follow(url, headers) {
  const answer = await fetch(url, { headers: cursor ? { ...headers, "Last-Event-ID": cursor } : headers });
  tell({ what: "open", status: answer.status });
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const frames = (rest + value).split("\n\n");
    rest = frames.pop();
    frames.forEach(take);
  }
}

async function main() {
  const settings = await (await fetch("/settings")).json();
  const url = `${settings.service}/api/v1/sessions/${encodeURIComponent(settings.session)}/events`;
  tell({ what: "without a token", status: (await fetch(url)).status });
  for (;;) {
    try {
      await follow(url, { Authorization: `Bearer ${settings.token}` });
    } catch (error) {
      tell({ what: "error", error: String(error) });
    }
    await new Promise((resume) => setTimeout(resume, 100));
  }
}

main().catch((error) => tell({ what: "failed", error: String(error) }));
