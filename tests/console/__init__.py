"""The page at `/`, in a real browser.

- `conftest` one browser for all files, and one service for each
- `sample` sessions as people have them, and how they are made
- `screenshots` the pictures in `docs/`: `python -m tests.console.screenshots`
- `frames` how long its frames are: `python -m tests.console.frames`
"""
