"""What a database must pass before a store works on it, and how one takes its place."""
