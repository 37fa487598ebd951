"""A path means what it says: nothing is repaired, joined or redirected."""

import pytest

from tests.web.conftest import Api


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", ["/sessions//messages", "/sessions/..%2f/messages", "//sessions"])
async def test_two_slashes_are_not_made_one(api: Api, method: str, path: str) -> None:
    answer = await api.call(method, f"/api/v1{path}")
    assert answer.status_code == 404
    assert "Location" not in answer.headers
