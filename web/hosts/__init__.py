"""Servers of others that the app can stand on. Nothing of them is imported before it is used.

A map, in the order in which one file may import another:

- `tls`         a certificate and its key
- `connection`  one connection as Hypercorn sees it
- `contained`   Hypercorn, for HTTPS and HTTP/2: a connection that fails fails alone
"""
