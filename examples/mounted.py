"""A larger app, of Quart-Trio, that has the service as a part of it, in the same process.

The app's own pages stand beside the service's calls, which are below /chats, and use the runtime
without a connection in between. Here a page is a summary of a chat, and a client asks for both.
Run it as it stands; it keeps nothing.
"""

import trio
from quart_trio import QuartTrio

from persistence import open_store
from runtime import Message, open_runtime
from web import create_blueprint


async def main() -> None:
    async with open_runtime(open_store("memory://")) as runtime:
        app = QuartTrio("my_ide")
        # Without `rules=Guard()` it is the app around that decides who comes in.
        app.register_blueprint(create_blueprint(runtime), url_prefix="/chats")

        @app.get("/summary/<chat_id>")
        async def summary(chat_id: str) -> str:
            page = await runtime.session(chat_id).messages(last=1)
            return f"{page.message_count} messages; the last one is number {page.entries[-1].seq}"

        # What an IDE does over HTTP, and what the app does by itself, are one conversation.
        client = app.test_client()
        said = {"role": "user", "content": "Hello"}
        await client.post("/chats/api/v1/sessions/mine/messages", json=said)
        await runtime.session("mine").append(Message(role="assistant", content="Hi"))
        history = await (await client.get("/chats/api/v1/sessions/mine/history")).get_json()
        print([message["content"] for message in history["messages"]])
        print(await (await client.get("/summary/mine")).get_data(as_text=True))
        # For a server: `await hypercorn.trio.serve(app, config)`; and before it is to stop,
        runtime.end_following()


trio.run(main)
