"""The nodes that share the store."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType, field

from runtime import SHARDS, Node
from web.call.rendering import json_answer
from web.call.resources import Resources
from web.call.route import Route
from web.call.types import Timestamp
from web.http.message import Request, Response


class NodeOut(Struct, omit_defaults=True):
    """A process that serves a part of the sessions."""

    id: Annotated[str, Meta(description="A new one at each start")]
    shards: Annotated[
        int, Meta(ge=0, le=SHARDS, description=f"How many of the {SHARDS} parts of all sessions")
    ]
    seen: Annotated[Timestamp, Meta(description="When it last said that it is there")]
    address: (
        Annotated[str, Meta(description="`host:port`, where the other nodes ask it")] | UnsetType
    ) = UNSET
    is_leaving: Annotated[bool, Meta(description="Whether it gives up what it has")] = field(
        default=False, name="leaving"
    )
    is_self: Annotated[bool, Meta(description="Whether it gives this answer")] = field(
        default=False, name="self"
    )

    @classmethod
    def of(cls, node: Node) -> "NodeOut":
        return cls(
            id=node.id,
            shards=node.shards,
            seen=node.seen,
            address=UNSET if node.address is None else node.address,
            is_leaving=node.is_leaving,
            is_self=node.is_self,
        )


class NodesOut(Struct):
    """All of them, in the order of their ids; none, where the store is one process's own."""

    nodes: list[NodeOut]


async def list_nodes(resources: Resources, _: Request) -> Response:
    """The nodes that share the store, as this one last found them."""
    return json_answer(NodesOut([NodeOut.of(node) for node in resources.runtime.nodes()]))


ROUTES = (Route("GET", "/nodes", list_nodes, {200: NodesOut}),)
