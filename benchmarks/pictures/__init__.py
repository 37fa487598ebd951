"""The pictures of docs/performance.md, as SVG files.

A map; each line's file imports only from those further down:

- `drawing`   a picture from results
- `panels`    the three kinds of diagram
- `axes`      scales, and ticks with their units
- `names`     what is written beside lines and bars

Those need matplotlib; these do not:

- `gallery`   which pictures there are, and of which rows
- `description`   what a picture is made of
- `palette`   colours for a light and a dark page
"""
