"""A service like `agent-runtime` whose commits are not fenced: the database takes what is not its.

To be run as a script, in any folder.
"""

from web.cli.commands import main

if __name__ == "__main__":
    main()
