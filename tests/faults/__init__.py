"""Campaigns that try to break the guarantees I1 to I6, and say how often they tried.

`python -m tests.faults` runs them all (`make faults`); their quick form is a part of `make test`.
Each module here with a `run` is one campaign; `campaign` says what they share, `ledger` decides
whether anything acknowledged was lost.
"""
