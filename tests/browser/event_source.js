// Follows a session as a page does that knows nothing but EventSource, and tells what it sees.

const KINDS = ["message", "record", "switch", "settings", "rewind", "reset", "deleted"];

let told = Promise.resolve();

// One after the other: what is told is in the order in which it was seen.
function tell(what) {
  told = told.then(() => fetch("/told", { method: "POST", body: JSON.stringify(what) }));
}

async function main() {
  const settings = await (await fetch("/settings")).json();
  const place = `/api/v1/sessions/${encodeURIComponent(settings.session)}/events`;
  const source = new EventSource(settings.service + place);
  source.onopen = () => tell({ what: "open" });
  source.onerror = () => tell({ what: "error", gone: source.readyState === EventSource.CLOSED });
  for (const kind of KINDS) {
    source.addEventListener(kind, (event) => {
      const data = JSON.parse(event.data);
      if ("seq" in data) tell({ what: kind, id: event.lastEventId, data });
      else tell({ what: kind });
      if (kind === "deleted") source.close();
    });
  }
}

main().catch((error) => tell({ what: "failed", error: String(error) }));
