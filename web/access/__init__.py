"""Who may come in: decided from a request's head, before anything of its body is read.

A map, in the order in which one file may import another:

- `hosts`     names that the service answers to
- `origins`   web pages that may call
- `content`   what a body has to be
- `rules`     `Guard`: the order of all this, tokens, and what browsers are told
- `token`     where the token comes from
"""
