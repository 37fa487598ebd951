"""From dirty state to the store: the dirty set, the persister, its threads."""
