import pytest

from web.http.listen import addresses, open_listeners
from web.problems import CannotServe


async def test_an_address_that_is_taken_is_told_to_the_operator() -> None:
    (listener,) = await open_listeners("127.0.0.1", 0)
    async with listener:
        port = listener.socket.getsockname()[1]
        with pytest.raises(CannotServe, match=f"127.0.0.1 port {port}") as caught:
            await open_listeners("127.0.0.1", port)
        assert caught.value.hint


async def test_the_bound_addresses_are_reported() -> None:
    (listener,) = await open_listeners("127.0.0.1", 0)
    async with listener:
        port = listener.socket.getsockname()[1]
        assert addresses([listener]) == [f"http://127.0.0.1:{port}"]
