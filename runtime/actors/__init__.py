"""Sessions as tasks: the actor, its commands, and the directory of active ones."""
