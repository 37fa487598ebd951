"""From changed state to the store.

A map, in the order in which one file may import another:

- `errand`     what the store has to do with a session that is not in memory
- `dirty`      the dirty set: what the store does not have yet, and who waits for it
- `threads`    a blocking call in a worker thread
- `persister`  the only task that writes to the store
"""
