"""One session, pure: its messages, its state, its answers."""
