"""What is done to a cluster. Each is a function of the stage, and returns when it is over.

- `deaths`        nodes that die, hang, or lose the database
- `comings`       nodes that come and go in order
- `transactions`  what becomes of a commit on its way
- `databases`     what the database does, and what is between it and the nodes
"""
