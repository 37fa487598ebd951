"""Drafts: messages that are still being written.

A map, in the order in which one file may import another:

- `text`   a text that only grows
- `draft`  messages that are still being written
- `seen`   what of them a reader has been given
"""
