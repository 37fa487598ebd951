"""The API's description, and a page to read it.

A map, in the order in which one file may import another:

- `openapi`   from the table to the OpenAPI document
- `page`      where both are served
"""
