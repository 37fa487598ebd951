"""Whether a database is whole.

A map, in the order in which one file may import another:

- `auditing`  reads sessions for an audit, and looks whether their places are right
- `verify`    finds out whether a database is whole
"""
