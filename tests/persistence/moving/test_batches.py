"""What is written at once: never more than is good for memory, whatever comes."""

import pytest

from persistence import transfer
from persistence.auditing.rows import DraftRow, LifeRow, SettingsRow
from persistence.transfer import Batch, Batches
from persistence.used import UsedRow
from runtime import Row


def life(no: int, metadata: bytes = b"") -> LifeRow:
    settings = SettingsRow(None, False, metadata, None, None, None)
    return LifeRow(no, "s", b"", "", "", 0, 0, "", 0, None, 0, None, settings, None)


def entry(seq: int, body: bytes = b"") -> Row:
    return seq, "message", None, "", body, b"", None, 0, None


@pytest.fixture
def written() -> list[Batch]:
    return []


@pytest.fixture
def batches(written: list[Batch], monkeypatch: pytest.MonkeyPatch) -> Batches:
    monkeypatch.setattr(transfer, "BATCH_ROWS", 4)
    monkeypatch.setattr(transfer, "BATCH_BYTES", 10)
    return Batches(written.append)


def test_rows_of_all_kinds_are_gathered_to_a_number(batches: Batches, written: list[Batch]) -> None:
    batches.life(life(1))
    batches.entry(1, entry(1))
    batches.used(UsedRow(1, "2025-12-31", "a", "m", "n", 0, 1, None))
    assert not written
    batches.draft(DraftRow(1, "k", 0, "user", "", b""))
    [batch] = written
    assert [len(rows) for rows in (batch.lives, batch.entries, batch.used, batch.drafts)] == [1] * 4


@pytest.mark.parametrize("large", ["life", "entry", "draft"])
def test_rows_that_are_large_are_written_before_there_are_so_many(
    batches: Batches, written: list[Batch], large: str
) -> None:
    match large:
        case "life":
            batches.life(life(1, b"x" * 10))
        case "entry":
            batches.entry(1, entry(1, b"x" * 10))
        case "draft":
            batches.draft(DraftRow(1, "k", 0, "user", "", b"x" * 10))
    assert len(written) == 1


def test_the_rest_is_written_when_somebody_says_that_it_is_the_rest(
    batches: Batches, written: list[Batch]
) -> None:
    for seq in range(1, 6):
        batches.entry(1, entry(seq))
    batches.flush()
    assert [[row[0] for _, row in batch.entries] for batch in written] == [[1, 2, 3, 4], [5]]
