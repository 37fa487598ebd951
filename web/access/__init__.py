"""Who may come in: decided before anything of a request's body is read.

A map, in the order in which one file may import another:

- `rules`   hosts, origins, tokens, bodies: what a request's head must be
- `token`   where the token comes from
"""
