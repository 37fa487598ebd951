"""Nodes that share a database.

A map, in the order in which one file may import another:

- `writer`  the one connection that commits
"""
