"""The agent behind a page that is made with the AI SDK's `useChat`, here without the page.

The page has `new DefaultChatTransport({ api: "http://127.0.0.1:8001/ai/chat" })`: it sends what a
person says to the service, and is streamed what this program writes, also after the page was
loaded again, or the service was killed, in the middle of an answer. Start the service
(`agent-runtime serve`), which is found by AGENT_RUNTIME_URL.
"""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from web.clients.vercel_ai import AgentRuntimeChat


def answer() -> Iterator[dict[str, Any]]:
    """What a model streams, in the AI SDK's chunks; this one needs no network."""
    yield {"type": "start"}
    yield {"type": "text-start", "id": "1"}
    for word in ("It ", "is ", "in ", "Kiel."):
        yield {"type": "text-delta", "id": "1", "delta": word}
    yield {"type": "text-end", "id": "1"}
    yield {"type": "finish"}


with AgentRuntimeChat(f"example-chat-{uuid4().hex[:8]}") as chat:
    # The page's part: what a person says.
    question = {"type": "text", "text": "Where is parcel 7?"}
    chat.save([{"id": "question", "role": "user", "parts": [question]}])
    # The agent's: whoever resumes the stream sees each word, and `finish` makes it a message.
    for _chunk in chat.keep(answer()):
        pass  # or send it to a page that the agent itself serves
    for message in chat.load():
        print(f"{message['role']}: {message['parts'][-1]['text']}")
