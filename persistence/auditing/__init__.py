"""Whether what a store keeps is what was written: the checks that all stores have in common.

Each store reads its tables in its own way, and knows best what can be wrong with its own places
and indexes. What it reads of a life is looked at here: whether the numbers have no gaps, the chain
fits, the row follows from the entries. So a life that is whole in one store is whole in another,
and what was looked at can be handed on to one.

A map, in the order in which one file may import another (a test enforces it):

- `rows`      what stores read of a life, and who may get it
- `report`    problems, and what is said of them
- `telling`   how far it has got
- `json`      what has to be JSON
- `life`      one life: its row, its settings, its entries
- `keys`      ids that count twice
- `drafts`    whether the pieces of drafts follow on each other
"""
