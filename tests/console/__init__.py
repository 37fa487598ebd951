"""The page at `/`, in a real browser.

- `conftest` one service and one browser for a file
- `sample` sessions as people have them, and how they are made
- `screenshots` the pictures in `docs/`: `python -m tests.console.screenshots`
- `frames` how long its frames are: `python -m tests.console.frames`
"""
