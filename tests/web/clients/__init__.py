"""The clients, and what the adapters share, without a framework."""
