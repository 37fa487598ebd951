"""The adapters with the frameworks that they are for, each framework in an environment of its own.

`make test-frameworks` runs all of it; `python -m tests.frameworks openai_agents` one folder. A
folder has:

- `about.py`          its row of the table, and what is installed: it imports no framework
- `constraints.txt`   the exact versions that it was checked with
- `requirements.txt`  what only the tests need, if there is such a thing
- `package.json`      what they need of Node, with its `package-lock.json`, without addresses
- `test_*.py`         own tests
- `suite.py`          the framework's own suite, if it has one: `python -m` with a folder, into
                      which it writes JUnit's `ours.xml` and, of the peer's own store, `peer.xml`

In the order in which one file may import another:

- `about`        a row
- `environment`  where a framework is installed
- `counts`       what came of a run
- `runs`         own tests and suites
- `table`        the rows, in docs/frameworks.md
- `counted`      calls of a service, counted
- `served`       a service that tests kill and start again
- `node`         a program in Node, line by line
- `shown`        examples, and code in documents, run as they stand
"""
