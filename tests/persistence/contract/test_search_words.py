"""What is a word, and what a query of words finds."""

import pytest

from runtime.store.store import Store
from tests.persistence.builders import born
from tests.persistence.contract.stores import WHOLE, committed
from tests.persistence.contract.texts import hits, taken

STORES = WHOLE

FOX = "The quick brown fox jumps over the lazy dog"


@pytest.mark.parametrize(
    ("query", "is_found"),
    [
        ("fox", True),
        ("FOX", True),
        ("fo", False),
        ("fo*", True),
        ("dog lazy the", True),
        ("fox cat", False),
        ('"quick brown fox"', True),
        ('"brown quick"', False),
        ('"quick fox"', False),
        ('"brown fo"*', True),
        ('"brown fo"', False),
        ("quick-brown", True),
        ("brown-quick", False),
        ("AND OR NOT", False),
        ("fox AND", False),
        ("fox) OR (1=1", False),
        ("fox'; --", True),
        ('fox"', True),
        ("text:fox", False),
        ("the", True),
    ],
)
def test_a_message_is_found_by_all_words_of_a_query(
    store: Store, query: str, is_found: bool
) -> None:
    committed(store, born("s", FOX), born("other", "something else"))
    taken(store)
    assert hits(store, query) == ({("s", 1)} if is_found else set())


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("Ёлка и дом", "елка"),
        ("ЁЛКА", "ёлк*"),
        ("Straße über die Elbe", "strasse UBER"),
        ("cafe\u0301 au lait", '"café au"'),
        ("数据库连接超时", "连接"),
        ("数据库连接超时", "连*"),
        ("open_runtime(store)", "runtime"),
        ("open_runtime(store)", "open_runtime"),
        ("see web/api/search.py:12", "search.py"),
        ("a\0b \x01\x02 c", "b"),
        ("한국어 문장", "한국*"),
        ("\U0001f600 smile", "\U0001f600smile"),
        ("x" * 300, "x" * 300),
        ("ﬁne", "fine"),
    ],
)
def test_words_are_the_same_in_all_stores(store: Store, text: str, query: str) -> None:
    committed(store, born("s", text), born("other", "nothing of it"))
    taken(store)
    assert hits(store, query) == {("s", 1)}
