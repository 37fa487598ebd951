"""Pages of plain JavaScript in a real browser: what other origins do with the service.

- `chromium` a browser that dies with its test
- `devtools` the same, driven: clicks, keys, pictures, and what it asks for
- `pages` a server of the test's own, which has the pages, and to which they tell what they see
- `event_source.js`, `fetched.js` the pages
"""
