"""Histories of sessions as their clients saw them, and whether they are linearizable.

- `model`      what a session is: the specification, sequential and small
- `calls`      what can be asked of it, and what it then answers
- `recorded`   a call as a client saw it: from when to when, and with which answer
- `checker`    whether there is an order of the calls that explains all the answers
- `callers`    clients of a real service, which record such histories
"""
