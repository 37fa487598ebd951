"""The pictures of docs/performance.md, as SVG files.

- `drawing`   a picture from results; it needs matplotlib
- `gallery`   which pictures there are, and of which rows
"""
