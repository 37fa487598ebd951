"""The page at `/`: for a person who opens the service's address in a browser.

It is a client of the API like others, of plain HTML, CSS and ES modules in `page/`: what is there
is what is served, nothing is built, and nothing is loaded from elsewhere. A map:

- `files`  those files, as answers
"""
