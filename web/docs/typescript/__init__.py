"""A client for Node and browsers, made of the OpenAPI document: JavaScript, and its types.

What is the same for all calls (a token, tries, events) is written by hand, in `base/`; the rest is
made of the document, so it cannot be older. Nothing has to be compiled: an npm package has
JavaScript anyway, and types next to it are all that TypeScript asks for.

A map, in the order in which one file may import another:

- `operations`  the document's operations, as methods need them
- `types`       from the document's schemas to types
- `methods`     from operations to methods, and to their types
- `package`     the folder that npm takes
- `__main__`    `python -m web.docs.typescript FOLDER`
"""
