"""A request that does not become one: the status that says why."""

REASONS = {
    400: "The request is not valid HTTP/1.1",
    408: "The request did not arrive in time",
    431: "The head of the request is too large",
    500: "The service failed internally; its log says how",
    501: "Neither this method, nor a transfer coding other than chunked, is known here",
    503: "The service has as many connections as it can take; try again",
    505: "HTTP/1.1 is all that is spoken here",
}


class Refusal(Exception):
    """What came is no request that can be answered. `status` says so; the connection ends."""

    def __init__(self, status: int) -> None:
        super().__init__(REASONS[status])
        self.status = status
