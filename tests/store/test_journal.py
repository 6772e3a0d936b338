"""The local journal: the contract, and what only files can do: be torn, be damaged, be written by killed processes."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebuild.core.attempt import STATES, Attempt, settled
from imagebuild.core.key import Key, digest_of
from imagebuild.errors import StoreError
from imagebuild.flock import locked
from imagebuild.store.batches import Batches
from imagebuild.store.files import Writer
from imagebuild.store.journal import LocalJournal
from imagebuild.store.journal_text import (
    decode_attempt,
    decode_payment,
    encode_attempt,
    encode_payment,
    is_torn,
)
from tests.store.journal_contract import JournalContract, a_payment, an_attempt

REPOSITORY = Path(__file__).parents[2]
OLD = time.time() - 2 * 24 * 3600


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def reopen(root: Path):
    return lambda: LocalJournal(str(root))


@pytest.fixture
def journal(reopen) -> LocalJournal:
    return reopen()


def entry(root: Path, attempt: Attempt) -> Path:
    return root / "journal" / f"{attempt.key}.json"


def month(root: Path) -> Path:
    return root / "ledger" / "2026-11.jsonl"


def program(root: Path, code: str, *words: str) -> subprocess.Popen[bytes]:
    """Another process with a journal of this place."""
    head = (
        "import os, sys\n"
        "from decimal import Decimal\n"
        "from imagebuild.store.journal import LocalJournal\n"
        "from tests.store.journal_contract import a_payment, an_attempt\n"
        "journal = LocalJournal(sys.argv[1])\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", head + code, str(root), *words], cwd=REPOSITORY, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )  # fmt: skip


class TestLocalJournal(JournalContract):
    pass


# ------------------------------------------------------------------------------------------------- where things are


def test_reading_makes_nothing(journal: LocalJournal, root: Path):
    key = an_attempt().key
    assert (journal.attempt(key), list(journal.attempts()), list(journal.payments())) == (None, [], [])
    assert not journal.is_claimed(key)
    journal.close(key)
    journal.close_many([key])
    journal.open_many([])
    assert not root.exists()


def test_an_entry_can_be_read_by_people_and_nothing_is_left_beside_it(journal: LocalJournal, root: Path):
    attempt = an_attempt()
    journal.open(attempt)
    lines = entry(root, attempt).read_text(encoding="utf-8").splitlines()
    assert lines[1] == f'"id":"{attempt.id}",'
    assert '"estimate":"0.0420",' in lines
    assert os.listdir(root / "journal") == [entry(root, attempt).name]
    assert os.listdir(root / "tmp") == []
    with journal.claim(attempt.key):
        assert os.listdir(root / "claims") == [attempt.key]
    assert os.listdir(root / "claims") == []


def test_a_store_that_cannot_be_written_to_says_who_and_what_to_do(tmp_path: Path):
    (tmp_path / "store").write_text("a file where the folder should be")
    journal = LocalJournal(str(tmp_path / "store"))
    for write in (
        lambda: journal.open(an_attempt()),
        lambda: journal.pay(a_payment()),
        lambda: journal.claim(an_attempt().key).__enter__(),
        lambda: journal.reply_file(an_attempt().key),
        lambda: journal.open_many([an_attempt()]),
    ):
        with pytest.raises(StoreError, match=r"cannot write to .*store"):
            write()


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="needs permissions that hold")
def test_a_folder_that_may_not_be_read_is_told(journal: LocalJournal, root: Path):
    journal.open(an_attempt())
    entry(root, an_attempt()).chmod(0)
    with pytest.raises(StoreError, match="cannot read the store") as caught:
        journal.attempt(an_attempt().key)
    assert "who owns" in (caught.value.hint or "")


def test_a_payment_of_no_month_is_refused(journal: LocalJournal, root: Path):
    with pytest.raises(StoreError, match="of no month"):
        journal.pay(a_payment(at="../../../etc"))
    assert not root.exists()


# ------------------------------------------------------------------------------------------------------------ damage


def test_a_damaged_entry_is_named_and_never_dropped(journal: LocalJournal, root: Path):
    attempt = an_attempt(request_id="req_1")
    whole = encode_attempt(attempt)
    damages = [whole[:end] for end in range(len(whole))]
    damages += [whole[:at] + b"~" + whole[at + 1 :] for at in range(len(whole))]
    damages += [whole + b"\n", encode_attempt(an_attempt(1))]
    journal.open(attempt)
    path = entry(root, attempt)
    for damaged in damages:
        path.write_bytes(damaged)
        with pytest.raises(StoreError) as caught:
            journal.attempt(attempt.key)
        assert str(path) in caught.value.what
        assert "billed" in (caught.value.hint or "")
        with pytest.raises(StoreError, match="damaged"):
            list(journal.attempts())
        assert path.read_bytes() == damaged
    path.write_bytes(whole)
    assert journal.attempt(attempt.key) == attempt


def test_what_a_newer_version_wrote_is_read_and_written_back(journal: LocalJournal):
    newer = an_attempt(extra={"priority": "high", "billed_to": ["a", "b"]})
    journal.open(newer)
    read = journal.attempt(newer.key)
    assert read is not None
    journal.open(read._replace(state="lost"))
    assert journal.attempt(newer.key) == newer._replace(state="lost")


def test_a_ledger_torn_at_any_byte_loses_that_line_and_no_other(root: Path):
    lines = [encode_payment(a_payment(number, words="“é”")) for number in range(3)]
    whole = b"".join(lines)
    month(root).parent.mkdir(parents=True)
    for end in range(len(lines[0]) + 1, len(whole) + 1):
        month(root).write_bytes(whole[:end])
        journal = LocalJournal(str(root))
        kept = [number for number in range(3) if len(b"".join(lines[: number + 1])) <= end]
        if end == len(whole) - 1 or end == len(lines[0] + lines[1]) - 1:  # only the line break is missing
            kept.append(len(kept))
        assert [each.id for each in journal.payments()] == [a_payment(number).id for number in kept]
        journal.pay(a_payment(7))
        assert [each.id for each in journal.payments()] == [a_payment(number).id for number in (*kept, 7)]


def test_a_hole_that_a_power_cut_left_is_passed_over(journal: LocalJournal, root: Path):
    journal.pay(a_payment(0))
    line = encode_payment(a_payment(1))
    with open(month(root), "ab") as file:
        file.write(line[:40] + bytes(len(line) - 140) + line[-100:])
        file.write(bytes(100))
    journal.pay(a_payment(2))
    assert [each.id for each in journal.payments()] == [a_payment(0).id, a_payment(2).id]


def test_a_line_of_the_ledger_that_was_changed_is_told_with_its_number(journal: LocalJournal, root: Path):
    for number in range(3):
        journal.pay(a_payment(number, billed=Decimal("0.0410")))
    data = month(root).read_bytes()
    month(root).write_bytes(data.replace(b"0.0410", b"0.0001", 2).replace(b"0.0001", b"0.0410", 1))
    with pytest.raises(StoreError) as caught:
        list(journal.payments())
    assert f"line 2 of the ledger `{month(root)}` is damaged" in caught.value.what
    assert caught.value.hint


def test_other_files_in_the_ledgers_folder_are_left_alone(journal: LocalJournal, root: Path):
    journal.pay(a_payment())
    (root / "ledger" / "2026-11.jsonl~").write_text("an editor's")
    (root / "ledger" / "notes.txt").write_text("a person's")
    assert len(list(journal.payments())) == 1


# ------------------------------------------------------------------------------------------------------------- texts

texts = st.text(max_size=40)
money = st.decimals(min_value=0, max_value=10_000, allow_nan=False, allow_infinity=False, places=6)
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
trees = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
mappings = st.dictionaries(texts, trees, max_size=4)
own_names = set(Attempt._fields) | {"batch", "check"}
extras = mappings.map(lambda found: {name: value for name, value in found.items() if name not in own_names})
keys = st.binary(max_size=4).map(lambda data: Key(digest_of(data)))
attempts = st.builds(
    Attempt, id=texts, key=keys, state=st.sampled_from(list(STATES)), answered=st.just(False),
    held=st.just(False), provider=texts,
    model=texts, campaign=texts, address=texts, estimate=money, at=texts, manifest=mappings,
    sources=mappings, task=mappings, request_id=st.none() | texts, words=texts, digest=st.none() | texts,
    billed=st.none() | money, floating=st.booleans(), extra=extras,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(attempt=attempts, line=st.booleans())
def test_any_attempt_is_read_as_it_was_written(attempt: Attempt, line: bool):
    data = encode_attempt(attempt, line=line)
    assert decode_attempt(data) == attempt
    assert not is_torn(data)
    assert data.count(b"\n") == 1 or not line


@settings(max_examples=200, deadline=None)
@given(attempt=attempts, end=st.integers(min_value=0), state=texts, batch=st.none() | texts)
def test_no_part_of_a_payment_passes_for_a_whole_one(attempt: Attempt, end: int, state: str, batch: str | None):
    payment = a_payment()._replace(
        id=attempt.id, state=state, words=attempt.words, billed=attempt.billed, batch=batch, extra=attempt.extra
    )
    data = encode_payment(payment)
    assert decode_payment(data) == payment
    part = data[: end % len(data)]
    assert is_torn(part)
    with pytest.raises(ValueError, match="not whole"):
        decode_payment(part)


# ------------------------------------------------------------------------------------------------------------ killed


def test_processes_that_pay_at_once_mix_no_lines(root: Path):
    code = (
        "for number in range(int(sys.argv[2]), int(sys.argv[2]) + 40):\n"
        "    journal.pay(a_payment(number, words='x' * (number * 37 % 9000)))\n"
        "    journal.open(an_attempt(number))\n"
        "    number % 3 or journal.close(an_attempt(number).key)\n"
    )
    others = [program(root, code, str(100 * number)) for number in range(4)]
    for each in others:
        each.communicate()
        assert each.returncode == 0
    journal = LocalJournal(str(root))
    wanted = [100 * number + more for number in range(4) for more in range(40)]
    found = [each.id for each in journal.payments()]
    assert sorted(found) == sorted(a_payment(number).id for number in wanted)
    for number in range(4):  # each process's own lines stand in its own order
        own = [a_payment(100 * number + more).id for more in range(40)]
        assert [each for each in found if each in set(own)] == own
    assert {each.id for each in journal.attempts()} == {an_attempt(n).id for n in wanted if n % 3}


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_whatever_was_said_to_be_written_is_there_after_a_kill(root: Path):
    """Each process says a number once it is written down, and is killed somewhere in the middle of the next."""
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    code = (
        "for number in range(int(sys.argv[2]), 10**9):\n"
        "    with journal.claim(an_attempt(number).key) as mine:\n"
        "        assert mine\n"
        "        journal.open(an_attempt(number))\n"
        "        journal.pay(a_payment(number, words='x' * 20_000))\n"
        "        if number % 5 == 0:\n"
        "            journal.close(an_attempt(number).key)\n"
        "        os.write(1, b'%d\\n' % number)\n"
    )
    said: list[int] = []
    for turn in range(6):
        process = program(root, code, str(1000 * turn))
        lines = [process.stdout.readline() for _ in range(chance.randrange(1, 30))]
        time.sleep(chance.random() * 0.004)
        process.send_signal(signal.SIGKILL)
        lines += process.communicate()[0].splitlines()
        said += [int(line) for line in lines if line.strip()]
    journal = LocalJournal(str(root))
    paid = {each.id for each in settled(journal.payments())}
    assert paid >= {a_payment(number).id for number in said}, f"seed {seed}"
    assert len(paid) <= len(said) + 6, f"seed {seed}"
    opened = {each.id for each in journal.attempts()}
    assert opened >= {an_attempt(number).id for number in said if number % 5}, f"seed {seed}"
    assert not opened & {an_attempt(number).id for number in said if number % 5 == 0}, f"seed {seed}"
    for name in os.listdir(root / "claims"):  # what the killed ones had
        with journal.claim(Key(name)) as mine:
            assert mine, f"seed {seed}"
    assert os.listdir(root / "claims") == [], f"seed {seed}"
    journal.open(an_attempt(9999))
    assert os.listdir(root / "tmp") == [], f"seed {seed}"


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_claim_goes_with_its_process(root: Path):
    code = (
        "with journal.claim(an_attempt().key) as mine:\n"
        "    os.write(1, b'mine' if mine else b'not!')\n"
        "    sys.stdin.readline()\n"
    )
    holder, journal = program(root, code), LocalJournal(str(root))
    assert holder.stdout.read(4) == b"mine"
    assert journal.is_claimed(an_attempt().key)
    with journal.claim(an_attempt().key) as mine:
        assert not mine
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    assert not journal.is_claimed(an_attempt().key)
    with journal.claim(an_attempt().key) as mine:
        assert mine


def test_of_two_processes_that_want_a_key_never_do_both_have_it(root: Path):
    """Inside the claim each makes a file that must not be there, and removes it again."""
    code = (
        "inside, key, had = os.path.join(sys.argv[1], 'inside'), an_attempt().key, 0\n"
        "while had < 500:\n"
        "    with journal.claim(key) as mine:\n"
        "        if mine:\n"
        "            os.close(os.open(inside, os.O_CREAT | os.O_EXCL))\n"
        "            had += 1\n"
        "            os.unlink(inside)\n"
    )
    others = [program(root, code) for _ in range(2)]
    for each in others:
        each.communicate()
    assert [each.returncode for each in others] == [0, 0]


# ------------------------------------------------------------------------------------------------------------- claims


def test_where_files_cannot_be_locked_no_claim_is_given(root: Path):
    def no_locks(_: int) -> bool:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    journal = LocalJournal(str(root), lock=no_locks)
    with pytest.raises(StoreError, match="cannot lock files in the store") as caught, journal.claim(an_attempt().key):
        pytest.fail("nobody may pay here")
    assert "IMAGEBUILD_STORE" in (caught.value.hint or "")


def test_a_claim_whose_file_its_last_holder_removed_meanwhile_is_made_anew(root: Path, reopen):
    key, turns = an_attempt().key, []

    def lock_late(descriptor: int) -> bool:
        turns.append(descriptor)
        if len(turns) == 1:  # between our opening and our locking, another is done
            (root / "claims" / key).unlink()
        return locked(descriptor)

    with LocalJournal(str(root), lock=lock_late).claim(key) as mine:
        assert mine
        assert len(turns) == 2
        with reopen().claim(key) as second:
            assert not second


def test_old_claims_that_nobody_has_are_swept(reopen, root: Path):
    (root / "claims").mkdir(parents=True)
    old, young = root / "claims" / an_attempt(1).key, root / "claims" / an_attempt(2).key
    for path in (old, young):
        path.touch()
    os.utime(old, (OLD, OLD))
    with reopen().claim(an_attempt().key):
        assert sorted(os.listdir(root / "claims")) == sorted([an_attempt().key, young.name])


# ------------------------------------------------------------------------------------------------------------ replies


def test_old_replies_that_answer_nothing_are_swept(reopen, root: Path):
    first = reopen()
    kept, gone, young = an_attempt(1), an_attempt(2), an_attempt(3)
    first.open(kept)
    first.open_many([an_attempt(4)])
    for attempt in (kept, gone, young, an_attempt(4)):
        for ending in ("", ".part"):
            path = Path(first.reply_file(attempt.key) + ending)
            path.write_bytes(b"reply")
            if attempt != young:
                os.utime(path, (OLD, OLD))
    reopen().open(an_attempt())
    names = {path.name.split(".")[0] for path in (root / "journal").iterdir() if ".reply" in path.name}
    assert names == {kept.key, young.key, an_attempt(4).key}


def test_a_reply_left_by_a_kill_in_the_middle_of_closing_is_read_by_nobody(journal: LocalJournal, root: Path):
    attempt = an_attempt()
    journal.open(attempt)
    Path(journal.reply_file(attempt.key)).write_bytes(b"429")
    entry(root, attempt).unlink()  # as far as closing had come
    assert journal.attempt(attempt.key) is None
    assert list(journal.attempts()) == []
    journal.open(an_attempt(id="second"))
    assert journal.attempt(attempt.key) == an_attempt(id="second")


# ------------------------------------------------------------------------------------------------------------ batches


def batch_files(root: Path) -> list[str]:
    return sorted(path.name.rpartition("-")[0] for path in (root / "journal" / "batches").iterdir())


def test_a_batch_is_written_down_as_one_and_read_as_many(reopen, root: Path):
    many = [an_attempt(number) for number in range(200)]
    reopen().open_many(many)
    for journal in (reopen(), reopen()):
        assert sorted(journal.attempts()) == sorted(many)
        assert journal.attempt(many[7].key) == many[7]
        assert journal.attempt(an_attempt(999).key) is None
    assert len(batch_files(root)) == 1
    assert len(os.listdir(root / "journal")) == 1


def test_a_batch_goes_on_as_one_and_the_earlier_file_goes(reopen, root: Path):
    one, other = reopen(), reopen()
    many = [an_attempt(number) for number in range(20)]
    one.open_many(many)
    assert len(list(other.attempts())) == 20
    one.open_many(each._replace(state="task", task={"batch": "b_1"}) for each in many)
    assert {each.state for each in other.attempts()} == {"task"}
    assert batch_files(root) == ["000002"]


def test_one_attempt_of_a_batch_can_become_something_else_and_be_closed(reopen):
    one, other = reopen(), reopen()
    many = [an_attempt(number, state="task") for number in range(5)]
    one.open_many(many)
    one.open(many[2]._replace(state="refused", words="no"))
    assert other.attempt(many[2].key) == many[2]._replace(state="refused", words="no")
    assert sorted(each.state for each in other.attempts()) == ["refused", "task", "task", "task", "task"]
    one.close(many[2].key)
    one.close(many[3].key)
    for journal in (one, other, reopen()):
        assert journal.attempt(many[2].key) is None
        assert {each.key for each in journal.attempts()} == {many[0].key, many[1].key, many[4].key}


def test_a_batch_takes_the_place_of_entries_of_their_own(journal: LocalJournal, root: Path):
    journal.open(an_attempt(1, state="uncertain"))
    Path(journal.reply_file(an_attempt(1).key)).write_bytes(b"an earlier reply")
    journal.open_many([an_attempt(1, id="second"), an_attempt(2)])
    assert journal.attempt(an_attempt(1).key) == an_attempt(1, id="second")
    assert os.listdir(root / "journal") == ["batches"]


def test_when_all_of_a_batch_is_closed_nothing_is_left(reopen, root: Path):
    one, other = reopen(), reopen()
    keys = [an_attempt(number).key for number in range(30)]
    one.open_many(an_attempt(number) for number in range(30))
    Path(one.reply_file(keys[3])).write_bytes(b"reply")
    for key in keys[:15]:
        one.close(key)
    other.close_many(keys[10:])
    for journal in (one, other, reopen()):
        assert list(journal.attempts()) == []
        assert journal.attempt(keys[0]) is None
    assert os.listdir(root / "journal" / "batches") == []
    assert os.listdir(root / "journal") == ["batches"]


def test_a_batch_closed_by_several_threads_and_journals_is_closed_whole(reopen, root: Path):
    journals = [reopen(), reopen(), reopen()]
    journals[0].open_many(an_attempt(number) for number in range(90))
    with ThreadPoolExecutor(9) as pool:
        list(pool.map(lambda number: journals[number % 3].close(an_attempt(number).key), range(90)))
    assert list(reopen().attempts()) == []
    assert os.listdir(root / "journal" / "batches") == []


def test_a_list_of_closed_keys_torn_at_any_byte_opens_at_most_its_last(reopen, root: Path):
    many = [an_attempt(number) for number in range(6)]
    reopen().open_many(many)
    for each in many[:3]:
        reopen().close(each.key)
    closed = next(path for path in (root / "journal" / "batches").iterdir() if path.name.endswith(".closed"))
    whole = closed.read_bytes()
    for end in range(len(whole)):
        closed.write_bytes(whole[:end])
        journal = reopen()
        count = whole[:end].count(b"\n")
        assert {each.key for each in journal.attempts()} == {each.key for each in many[count:]}
        journal.close(many[5].key)
        count = sum(len(line) == 64 for line in whole[:end].split(b"\n"))  # the line break was given back
        assert {each.key for each in reopen().attempts()} == {each.key for each in many[count:5]}


def test_a_damaged_batch_is_named_and_never_dropped(reopen, root: Path):
    many = [an_attempt(number) for number in range(3)]
    reopen().open_many(many)
    path = next((root / "journal" / "batches").iterdir())
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    damages = [whole[: -len(lines[-1])], whole.replace(b"0.0420", b"0.0421", 1), whole[:-5], b"", lines[0]]
    damages += [whole.replace(many[0].key.encode(), many[1].key.encode(), 1)]
    for damaged in damages:
        path.write_bytes(damaged)
        with pytest.raises(StoreError) as caught:
            list(reopen().attempts())
        assert str(path) in caught.value.what
        assert path.read_bytes() == damaged
    path.write_bytes(whole)
    assert sorted(reopen().attempts()) == sorted(many)


def test_where_a_kill_left_two_batches_with_a_key_the_later_holds(reopen, root: Path):
    many = [an_attempt(number) for number in range(3)]
    journal = reopen()
    journal.open_many(many)
    earlier = next((root / "journal" / "batches").iterdir())
    data = earlier.read_bytes()
    later = [each._replace(state="task") for each in many[:2]]
    journal.open_many(later)
    for path in (root / "journal" / "batches").glob("*.closed"):
        path.unlink()
    earlier.write_bytes(data)  # as if the earlier one had not been closed yet
    for each in (journal, reopen()):
        assert sorted(each.attempts()) == sorted([*later, many[2]])
        assert [each.attempt(one.key) for one in many] == [*later, many[2]]


def test_a_closed_key_is_seen_when_all_of_its_line_is_there(reopen, root: Path):
    many = [an_attempt(number) for number in range(3)]
    journal = reopen()
    journal.open_many(many)
    batch = next((root / "journal" / "batches").iterdir())
    line = f"{many[1].key}\n".encode()
    with open(f"{batch}.closed", "ab", buffering=0) as closed:
        closed.write(line[:30])
        assert len(list(journal.attempts())) == 3
        closed.write(line[30:])
        assert {each.key for each in journal.attempts()} == {many[0].key, many[2].key}


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_batch_that_is_killed_while_it_goes_on_is_whole_in_one_state_or_the_other(root: Path):
    code = (
        "many = [an_attempt(number) for number in range(300)]\n"
        "journal.open_many(many)\n"
        "os.write(1, b'!')\n"
        "while True:\n"
        "    journal.open_many(each._replace(state='task', task={'batch': 'b_1'}) for each in many)\n"
    )
    for turn in range(5):
        process = program(root, code)
        assert process.stdout.read(1) == b"!"
        time.sleep(0.003 * turn)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        journal = LocalJournal(str(root))
        assert {each.key for each in journal.attempts()} == {an_attempt(number).key for number in range(300)}
        journal.close_many(an_attempt(number).key for number in range(300))
        assert list(LocalJournal(str(root)).attempts()) == []


class Interrupted(Batches):
    """Between its listing of the batches and its look at what is closed in them, somebody else writes."""

    meanwhile: list[Callable[[], None]]

    def _batches(self) -> list[Any]:
        found = super()._batches()
        while self.meanwhile:
            self.meanwhile.pop()()
        return [each.refresh() for each in found]


@pytest.mark.parametrize("ask", ["attempt", "attempts"])
def test_a_key_that_goes_from_one_batch_into_another_is_open_at_every_moment(tmp_path: Path, ask: str) -> None:
    other, key = LocalJournal(str(tmp_path)), Key(digest_of(b"key"))

    def entry(mark: str) -> Attempt:
        return Attempt(
            id=mark, key=key, state="task", provider="openai", model="m", campaign="c", address="a",
            estimate=Decimal(1), at="2026-11-21T10:00:00Z", manifest={},
        )  # fmt: skip

    other.open_many([entry("old")])
    reader = Interrupted(Writer(str(tmp_path)), str(tmp_path / "journal" / "batches"))
    reader.meanwhile = [lambda: other.open_many([entry("new")])]
    found = reader.attempt(key) if ask == "attempt" else next(iter(reader.attempts()), None)
    assert found is not None
    assert found.id == "new"
