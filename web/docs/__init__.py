"""The API's description, a page to read it, and what is made of it.

A map, in the order in which one file may import another:

- `openapi`     from the table to the OpenAPI document
- `typescript`  from that document to a client for Node and browsers
- `page`        where the document is served, and its page
"""
