"""The approvals file on disk: many who write at once, writers that are killed, git that merges; nothing is lost."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from imagebuild.core.approvals.decision import Decision
from imagebuild.errors import ApprovalsError
from imagebuild.flock import locked
from imagebuild.workspace.approvals import add, read

REPOSITORY = Path(__file__).parents[2]
NAME = "imagebuild.approvals"
WRITER = """\
import secrets, sys, threading
from tests.workspace.test_approvals import a_decision, put
root, name, threads, count, shared = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5:]
say = threading.Lock()
def work(number):
    for index in range(count):
        ref = secrets.token_hex(16)
        put(root, a_decision(ref, asset=f"{name}-{number}-{index}"), *[a_decision(each) for each in shared])
        with say:
            print(ref, flush=True)
several = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
[each.start() for each in several]
[each.join() for each in several]
"""


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch, tmp_path_factory):
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path_factory.mktemp("home") / "none"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


def a_ref(number: int) -> str:
    return f"{number:032x}"


def a_decision(ref: str | int, *, by: str = "ana@northwind.example", asset: str = "hero", **others) -> Decision:
    return Decision(
        ref=ref if isinstance(ref, str) else a_ref(ref), at=others.pop("at", "2026-11-21T22:54:29Z"), by=by,
        decision=others.pop("decision", "approve"), asset=asset, digest="d" * 64, **others,
    )  # fmt: skip


def put(root, *decisions):
    return add(str(root), os.path.join(root, NAME), lambda _: decisions, file=NAME, campaign="small")


def history_of(root):
    return read(os.path.join(root, NAME), file=NAME)


def refs_of(root):
    return [each.ref for each in history_of(root).decisions]


def lines_of(root):
    return (Path(root) / NAME).read_text("utf-8").splitlines()


# ------------------------------------------------------------------------------------------------------ one writer


def test_where_there_is_no_file_there_is_an_empty_history(tmp_path):
    assert history_of(tmp_path).decisions == ()
    assert not list(tmp_path.iterdir())


def test_the_first_decision_makes_the_file_with_its_header(tmp_path):
    after = put(tmp_path, a_decision(1))
    header, line = lines_of(tmp_path)
    assert json.loads(header) == {"imagebuild.approvals": 1, "campaign": "small"}
    assert json.loads(line)["id"] == after.decisions[0].id
    assert (after.campaign, after.heads) == ("small", (after.decisions[0].id,))
    assert history_of(tmp_path) == after


def test_what_is_returned_is_what_a_fresh_look_finds(tmp_path):
    for number in range(4):
        after = put(tmp_path, a_decision(number, asset=f"a{number}"))
    seen = subprocess.run(
        [sys.executable, "-c", _TELL, str(tmp_path)], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert json.loads(seen.stdout) == [list(after.heads), [each.id for each in after.decisions], []]


_TELL = """\
import json, sys
from tests.workspace.test_approvals import history_of
found = history_of(sys.argv[1])
print(json.dumps([found.heads, [each.id for each in found.decisions], found.faults]))
"""


def test_only_ever_added_the_bytes_before_stay(tmp_path):
    put(tmp_path, a_decision(1))
    before = (tmp_path / NAME).read_bytes()
    put(tmp_path, a_decision(2))
    assert (tmp_path / NAME).read_bytes().startswith(before)


def test_the_same_decision_is_written_once(tmp_path):
    put(tmp_path, a_decision(1), a_decision(1))
    before = (tmp_path / NAME).read_bytes()
    put(tmp_path, a_decision(1))
    assert (tmp_path / NAME).read_bytes() == before
    assert refs_of(tmp_path) == [a_ref(1)]


def test_whoever_chooses_nothing_writes_nothing(tmp_path):
    assert put(tmp_path).decisions == ()
    assert not (tmp_path / NAME).exists()


def test_who_decides_sees_the_history_as_it_is_when_it_is_their_turn(tmp_path):
    put(tmp_path, a_decision(1))
    seen = []
    add(str(tmp_path), str(tmp_path / NAME), lambda now: seen.append(now.decisions) or [], file=NAME, campaign="small")
    assert [[each.ref for each in several] for several in seen] == [[a_ref(1)]]


def test_nothing_is_added_to_a_history_that_was_edited(tmp_path):
    put(tmp_path, a_decision(1), a_decision(2))
    path = tmp_path / NAME
    path.write_text(path.read_text("utf-8").replace("hero", "nero", 1), "utf-8")
    before = path.read_bytes()
    with pytest.raises(ApprovalsError) as caught:
        put(tmp_path, a_decision(3))
    assert caught.value.at.line == 2
    assert path.read_bytes() == before


# --------------------------------------------------------------------------------------------- an end that is torn


def test_a_last_line_that_was_cut_anywhere_is_dropped_by_the_next_writer_and_nothing_else(tmp_path):
    put(tmp_path, a_decision(1))
    whole = (tmp_path / NAME).read_bytes()
    put(tmp_path, a_decision(2, by="Zoë 熱い"))
    longer = (tmp_path / NAME).read_bytes()
    for end in range(len(whole) + 1, len(longer) - 1):  # also in the middle of a character
        (tmp_path / NAME).write_bytes(longer[:end])
        assert (refs_of(tmp_path), history_of(tmp_path).faults) == ([a_ref(1)], ())
    put(tmp_path, a_decision(3))
    assert refs_of(tmp_path) == [a_ref(1), a_ref(3)]
    assert (tmp_path / NAME).read_bytes().startswith(whole)
    assert history_of(tmp_path).torn is False


def test_zeros_at_the_end_as_a_power_cut_leaves_them_are_dropped(tmp_path):
    put(tmp_path, a_decision(1))
    with (tmp_path / NAME).open("ab") as file:
        file.write(b"\0" * 300)
    put(tmp_path, a_decision(2))
    assert refs_of(tmp_path) == [a_ref(1), a_ref(2)]
    assert b"\0" not in (tmp_path / NAME).read_bytes()


def test_a_last_line_that_only_lacks_its_line_break_stays(tmp_path):
    put(tmp_path, a_decision(1), a_decision(2))
    path = tmp_path / NAME
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    put(tmp_path, a_decision(3))
    assert refs_of(tmp_path) == [a_ref(1), a_ref(2), a_ref(3)]
    assert len(lines_of(tmp_path)) == 4


@pytest.mark.parametrize("left", [b"", b"{", b'{"imagebuild.approvals":1'])
def test_a_writer_killed_while_it_made_the_file_did_not_make_it(tmp_path, left):
    (tmp_path / NAME).write_bytes(left)
    put(tmp_path, a_decision(1))
    assert (refs_of(tmp_path), history_of(tmp_path).campaign) == ([a_ref(1)], "small")


# -------------------------------------------------------------------------------------------------- many at once


def test_processes_and_threads_at_once_lose_and_double_nothing(tmp_path):
    shared = [a_ref(number) for number in range(5)]
    words = [sys.executable, "-c", WRITER, str(tmp_path)]
    several = [
        subprocess.Popen([*words, name, "8", "5", *shared], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
        for name in ("one", "two")
    ]
    confirmed = [ref for each in several for ref in each.communicate(timeout=120)[0].split()]
    assert [each.returncode for each in several] == [0, 0]
    history = history_of(tmp_path)
    assert len(confirmed) == 2 * 8 * 5
    assert sorted(each.ref for each in history.decisions) == sorted([*confirmed, *shared])
    assert (history.faults, len(history.heads)) == ((), 1)
    assert all(len(each.after) == (index > 0) for index, each in enumerate(history.decisions))
    assert len(lines_of(tmp_path)) == 1 + len(history.decisions)


def test_writers_that_are_killed_at_any_moment_lose_nothing_that_they_confirmed(tmp_path):
    moments = random.Random(7)
    confirmed: list[str] = []
    words = [sys.executable, "-c", WRITER, str(tmp_path), "killed", "2", "100000"]
    for _ in range(8):
        child = subprocess.Popen(words, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        confirmed.append(child.stdout.readline().strip())
        time.sleep(moments.random() * 0.1)
        child.send_signal(signal.SIGKILL)
        confirmed += [line for line in child.communicate(timeout=60)[0].split() if len(line) == 32]
        history = history_of(tmp_path)
        assert (history.faults, len(history.heads)) == ((), 1)
    assert set(confirmed) <= set(refs_of(tmp_path))
    assert len(set(refs_of(tmp_path))) == len(refs_of(tmp_path))
    put(tmp_path, a_decision(1))
    assert refs_of(tmp_path)[-1] == a_ref(1)


def test_a_lock_that_somebody_keeps_is_told_after_a_while(tmp_path):
    put(tmp_path, a_decision(1))
    descriptor = os.open(tmp_path / ".imagebuild" / "approvals.lock", os.O_RDWR)
    try:
        assert locked(descriptor)
        with pytest.raises(ApprovalsError, match="somebody else has been writing") as caught:
            add(str(tmp_path), str(tmp_path / NAME), lambda _: [], file=NAME, campaign="small", patience=0.05)
    finally:
        os.close(descriptor)
    assert caught.value.hint == "let it finish, then decide again"


def test_a_file_that_git_replaces_under_the_writers_hands_is_looked_at_again(tmp_path):
    put(tmp_path, a_decision(1))
    path, calls = tmp_path / NAME, []

    def choose(now):
        if not calls:  # as `git checkout` does it: another file of that name
            other = tmp_path / "other"
            other.write_bytes(path.read_bytes())
            add(str(tmp_path / "elsewhere"), str(other), lambda _: [a_decision(5)], file=NAME, campaign="small")
            os.replace(other, path)
        calls.append(len(now.decisions))
        return [a_decision(2)]

    after = add(str(tmp_path), str(path), choose, file=NAME, campaign="small")
    assert calls == [1, 2]
    assert [each.ref for each in after.decisions] == refs_of(tmp_path) == [a_ref(1), a_ref(5), a_ref(2)]


def test_a_file_that_is_replaced_every_time_is_told(tmp_path):
    put(tmp_path, a_decision(1))
    path = tmp_path / NAME

    def choose(_now):
        (tmp_path / "other").write_bytes(path.read_bytes())
        os.replace(tmp_path / "other", path)
        return [a_decision(2)]

    with pytest.raises(ApprovalsError, match="is replaced all the time"):
        add(str(tmp_path), str(path), choose, file=NAME, campaign="small")
    assert refs_of(tmp_path) == [a_ref(1)]


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() == 0, reason="root may write everywhere")
def test_a_file_that_may_not_be_written_is_told_and_stays(tmp_path):
    put(tmp_path, a_decision(1))
    (tmp_path / NAME).chmod(0o444)
    with pytest.raises(ApprovalsError, match="cannot write") as caught:
        put(tmp_path, a_decision(2))
    assert "nothing was recorded" in caught.value.hint


def test_a_folder_in_the_files_place_is_told(tmp_path):
    (tmp_path / NAME).mkdir()
    with pytest.raises(ApprovalsError, match=f"cannot read `{NAME}`"):
        history_of(tmp_path)
    with pytest.raises(ApprovalsError, match=f"cannot read `{NAME}`"):
        put(tmp_path, a_decision(1))


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path):
    put(tmp_path, a_decision(1))
    before = (tmp_path / NAME).read_bytes()
    done = subprocess.run(
        [sys.executable, "-c", _LIMITED, str(tmp_path), str(len(before) + 40)], cwd=REPOSITORY, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert "cannot write `imagebuild.approvals`: file too large" in done.stdout, done.stderr
    assert (tmp_path / NAME).read_bytes() == before


_LIMITED = """\
import resource, signal, sys
from imagebuild.errors import ApprovalsError
from tests.workspace.test_approvals import a_decision, put
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
try:
    put(sys.argv[1], a_decision(2))
except ApprovalsError as bad:
    print(bad.what)
"""


# -------------------------------------------------------------------------------------------------------------- git


def git(folder: Path, *words: str, codes: tuple[int, ...] = (0,)) -> str:
    who = ("-c", "user.name=Ana", "-c", "user.email=ana@northwind.example", "-c", "core.editor=true")
    done = subprocess.run(["git", *who, *words], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode in codes, done.stdout + done.stderr
    return done.stdout


def commit(folder: Path, *decisions: Decision) -> None:
    put(folder, *decisions)
    git(folder, "add", "-A", ".")
    git(folder, "commit", "-q", "-m", "decided")


@pytest.fixture(params=["union", "markers", "diff3"])
def merging(request, tmp_path: Path) -> Path:
    """A repository with one decision in it, where git merges by the attribute, or leaves conflict markers."""
    git(tmp_path, "init", "-q", "-b", "main", ".")
    put(tmp_path, a_decision(1))
    if request.param != "union":
        (tmp_path / ".gitattributes").unlink()
        git(tmp_path, "config", "merge.conflictStyle", "diff3" if request.param == "diff3" else "merge")
    git(tmp_path, "add", "-A", ".")
    git(tmp_path, "commit", "-q", "-m", "first")
    return tmp_path


def test_git_is_told_to_merge_line_by_line_when_the_file_is_first_written(tmp_path):
    git(tmp_path, "init", "-q", ".")
    (tmp_path / ".gitattributes").write_text("*.png -text", "utf-8")
    put(tmp_path, a_decision(1))
    assert (tmp_path / ".gitattributes").read_text("utf-8") == "*.png -text\nimagebuild.approvals merge=union\n"
    assert git(tmp_path, "check-attr", "merge", "--", NAME).split()[-1] == "union"
    (tmp_path / ".gitattributes").unlink()
    put(tmp_path, a_decision(2))
    assert not (tmp_path / ".gitattributes").exists()


def test_what_somebody_has_said_of_merging_stays(tmp_path):
    git(tmp_path, "init", "-q", ".")
    (tmp_path / ".gitattributes").write_text("*.approvals -merge\n", "utf-8")
    put(tmp_path, a_decision(1))
    assert (tmp_path / ".gitattributes").read_text("utf-8") == "*.approvals -merge\n"


def test_without_git_no_attributes_are_written(tmp_path):
    put(tmp_path, a_decision(1))
    assert not (tmp_path / ".gitattributes").exists()


@pytest.mark.parametrize(
    "name", ["my ads.imagebuild.approvals", 'a"b.approvals', "a[1]*.approvals", "#x.approvals", "!y"]
)
def test_a_file_of_any_name_is_merged_line_by_line(tmp_path, name):
    git(tmp_path, "init", "-q", ".")
    add(str(tmp_path), str(tmp_path / name), lambda _: [a_decision(1)], file=name, campaign="small")
    assert git(tmp_path, "check-attr", "-z", "merge", "--", name).split("\0")[2] == "union"
    assert git(tmp_path, "check-attr", "merge", "--", "a1x.approvals").split()[-1] == "unspecified"


def test_two_branches_that_decide_about_different_pictures_and_the_same_are_merged(merging):
    git(merging, "checkout", "-q", "-b", "legal")
    commit(merging, a_decision(10, by="lea@northwind.example"), a_decision(11, asset="poster"))
    commit(merging, a_decision(12, by="lea@northwind.example", decision="reject", why="<b>no</b>", asset="badge"))
    git(merging, "checkout", "-q", "main")
    commit(merging, a_decision(20, by="ben@northwind.example"), a_decision(21, asset="winter"))
    git(merging, "merge", "-q", "legal", codes=(0, 1))
    history = history_of(merging)
    assert history.faults == ()
    assert sorted(refs_of(merging)) == [a_ref(number) for number in (1, 10, 11, 12, 20, 21)]
    assert {each.by.partition("@")[0] for each in history.by_asset["hero"]} == {"ana", "lea", "ben"}
    assert len(history.heads) == 2
    after = put(merging, a_decision(30))
    assert after.decisions[-1].after == history.heads
    assert len(after.heads) == 1
    again = history_of(merging)
    assert (again.faults, again.conflicted, again.heads) == ((), False, after.heads)
    assert len(refs_of(merging)) == len(set(refs_of(merging))) == 7
    assert all(line.startswith("{") for line in lines_of(merging))


def test_the_same_decision_imported_on_two_branches_counts_once(merging):
    git(merging, "checkout", "-q", "-b", "other")
    commit(merging, a_decision(10), a_decision(11))
    git(merging, "checkout", "-q", "main")
    commit(merging, a_decision(12), a_decision(10))
    git(merging, "merge", "-q", "other", codes=(0, 1))
    assert sorted(refs_of(merging)) == [a_ref(number) for number in (1, 10, 11, 12)]
    assert put(merging, a_decision(13), a_decision(10)).faults == ()
    assert len(history_of(merging).heads) == 1


def test_two_first_decisions_without_a_common_file_are_merged(merging):
    git(merging, "checkout", "-q", "--orphan", "other")
    git(merging, "rm", "-q", "-r", "-f", ".")
    put(merging, a_decision(10))
    git(merging, "add", NAME)
    git(merging, "commit", "-q", "-m", "other")
    git(merging, "clean", "-q", "-f", ".gitattributes")
    git(merging, "merge", "-q", "--allow-unrelated-histories", "main", codes=(0, 1))
    assert (sorted(refs_of(merging)), history_of(merging).faults) == ([a_ref(1), a_ref(10)], ())
    assert len(put(merging, a_decision(11)).heads) == 1


@pytest.mark.parametrize("way", ["rebase", "cherry-pick"])
def test_a_decision_that_is_replayed_elsewhere_is_there_once(merging, way):
    git(merging, "checkout", "-q", "-b", "other")
    commit(merging, a_decision(10))
    commit(merging, a_decision(11))
    git(merging, "checkout", "-q", "main")
    commit(merging, a_decision(20))
    if way == "rebase":
        git(merging, "checkout", "-q", "other")
        git(merging, "rebase", "-q", "main", codes=(0, 1))
    else:
        git(merging, "cherry-pick", "other", codes=(0, 1))
    for number in (90, 91):  # git stops at each conflict: the next decision settles it, and it goes on
        assert history_of(merging).faults == ()
        if history_of(merging).conflicted:
            put(merging, a_decision(number))
            git(merging, "add", NAME)
            git(merging, way, "--continue", codes=(0, 1))
    history = history_of(merging)
    assert (history.faults, history.conflicted) == ((), False)
    assert set(refs_of(merging)) - {a_ref(90), a_ref(91)} == {a_ref(number) for number in (1, 10, 11, 20)}
    if way == "cherry-pick":
        git(merging, "merge", "-q", "other", codes=(0, 1))
        assert set(refs_of(merging)) - {a_ref(90), a_ref(91)} == {a_ref(number) for number in (1, 10, 11, 20)}
    assert len(put(merging, a_decision(30)).heads) == 1
    assert history_of(merging).faults == ()


def test_threads_that_write_two_campaigns_of_one_project_do_not_meet(tmp_path):
    paths = [tmp_path / folder / NAME for folder in ("a", "b")]
    for path in paths:
        path.parent.mkdir()
        path.write_text(f"<<<<<<< ours\n{_header()}=======\n>>>>>>> theirs\n", "utf-8")

    def work(path: Path) -> None:
        for number in range(5):
            decisions = [a_decision(number)]
            add(str(tmp_path), str(path), lambda _, new=decisions: new, file=str(path), campaign="small")

    several = [threading.Thread(target=work, args=(path,)) for path in paths for _ in range(2)]
    for each in several:
        each.start()
    for each in several:
        each.join()
    for path in paths:
        found = read(str(path), file=str(path))
        assert ([each.ref for each in found.decisions], found.faults) == ([a_ref(number) for number in range(5)], ())


def _header() -> str:
    return '{"imagebuild.approvals":1,"campaign":"small"}\n'
