"""What the runtime needs of a store, and the values that cross between them.

A map, in the order in which one file may import another:

- `entries`    a log's entries, and which of them are wanted
- `stored`     a living session as the store has it
- `used`       what sessions used, by day, agent and model
- `steps`      what a commit does with one life of a session
- `deltas`     what a commit is given, and what became of it
- `listing`    the list of living sessions
- `by_number`  living sessions found by what is in them, in the order of their numbers
- `trash`      the trash
- `store`      `Store`: what a store does
"""
