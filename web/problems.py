"""What an operator is told."""


class CannotServe(Exception):
    """The service does not start. For the operator: what is wrong, and what to do next."""

    def __init__(self, problem: str, hint: str) -> None:
        super().__init__(f"{problem}\n  {hint}")
        self.problem = problem
        self.hint = hint


class CannotAsk(Exception):
    """A running service cannot be asked. For the operator: what is wrong, and what to do next."""

    def __init__(self, problem: str, hint: str) -> None:
        super().__init__(f"{problem}\n  {hint}")
