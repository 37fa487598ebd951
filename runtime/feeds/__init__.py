"""What becomes of sessions, for those who follow them while it happens.

A feed exists only while somebody follows its session. Nothing is kept for a follower beyond what it
is just being given: who is slow reads what it lacks from the session's log, like anybody else.

A map, in the order in which one file may import another:

- `news`      what a follower is told
- `waking`    many who wait for one thing, woken in portions
- `feed`      the news of one session
- `changes`   which sessions have changed, for those who follow all of them
- `feeds`     all of these, and what they are told by actors and persister
- `follower`  what one reader of a session gets next
- `events`    the same as an iterator
"""
