from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from imagebuild.picture.kept import Kept


def test_what_was_made_is_made_once_until_others_were_used_more_lately():
    kept, made = Kept(2), []

    def value(key):
        return kept.get(key, lambda: made.append(key) or key.upper())

    assert [value(key) for key in ("a", "b", "a", "c", "a", "b")] == ["A", "B", "A", "C", "A", "B"]
    assert made == ["a", "b", "c", "b"]


def test_a_value_that_could_not_be_made_is_tried_again():
    kept = Kept(2)
    for _ in range(2):
        try:
            kept.get("a", lambda: 1 / 0)
        except ZeroDivisionError:
            continue
        raise AssertionError("a failure was kept")
    assert kept.get("a", lambda: 5) == 5


def test_all_threads_have_the_same_value():
    kept = Kept(4)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda number: kept.get(number % 4, object), range(400)))
    assert len({id(value) for value in found}) == 4
