"""Every node answers every request: what another node owns is asked of that one.

Many processes, *nodes*, may share one store, and each session is owned by one of them (see
`runtime.ownership`). A client may ask any: the node that it asks, the *entry*, passes the request
on to the owner, and the answer back. A map, in the order in which one file may import another:

- `hop`         how a request between nodes differs from a client's
- `reader`      from bytes to an answer
- `peers`       connections to the other nodes
- `roll`        who is there, and has how much
- `call`        a request whose endpoint is known, and which may be asked elsewhere
- `passing`     one node is asked, and what it says becomes our answer
- `everywhere`  all nodes are asked, for what each has a part of
- `merging`     the changes of all nodes in one stream
- `forwarding`  who is asked, how often, and what is said when nobody answers
- `telling`     what the log says of the nodes
"""
