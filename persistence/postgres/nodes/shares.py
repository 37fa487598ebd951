"""Who is to have which shards: each node its quota, and as few as possible change hands.

It follows from who is there and who owns what, and from nothing else. So all nodes that have read
the same come to the same, and none takes what another one is to have.
"""

from collections.abc import Collection, Mapping, Sequence

Owners = Sequence[str | None]
"""By shard, the id of the node that owns it; `None`: it is free."""


def quotas(nodes: Collection[str], shards: int) -> Mapping[str, int]:
    """How many shards each of the nodes is to have: as many as the others, or one more."""
    if not nodes:
        return {}
    least, more = divmod(shards, len(nodes))
    return {node: least + (place < more) for place, node in enumerate(sorted(nodes))}


def moves(owners: Owners, nodes: Collection[str]) -> Mapping[int, str]:
    """The shards that are to change hands, and who is to have them.

    `nodes`: those that are there to stay. Free shards come first, as nobody has to be waited for:
    the first of them go to the first of the nodes that have too few.
    """
    quota = quotas(nodes, len(owners))
    if not quota:
        return {}
    room = dict(quota)
    free, surplus = [], []
    for shard, owner in enumerate(owners):
        if owner is None:
            free.append(shard)
        elif room.get(owner, 0) > 0:
            room[owner] -= 1
        else:  # beyond its quota, or its owner leaves
            surplus.append(shard)
    takers = [node for node in sorted(room) for _ in range(room[node])]
    # As many are to be had as are wanted: all of them are somebody's quota.
    return dict(zip(free + surplus, takers, strict=True))
