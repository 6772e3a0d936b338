"""`imagebuild build` as people and machines meet it: interrupted, twice at once, over damage, among their own files."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from imagebuild.build.run import Stop
from imagebuild.core.key import digest_of
from imagebuild.core.lock import Lock, parse_lock
from imagebuild.stages.build import run_build
from imagebuild.stages.plan import plan_campaign
from imagebuild.stages.project import find_project
from tests.bench.campaigns import Quick
from tests.cli.conftest import edit, run_imagebuild, say_in, tree, write_campaign
from tests.running import ended, started, until

if sys.platform == "win32":
    pytest.skip("signals, terminals and process groups of POSIX", allow_module_level=True)
else:
    import fcntl
    import pty
    import termios

PICTURES = 9  # of the campaign, without the master that `winter` is encoded from


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    folder = tmp_path / "fresh"
    write_campaign(folder)
    return folder


@pytest.fixture
def long(fresh: Path) -> Path:
    """The campaign with so much to draw that whoever stops a build of it comes in time, on a busy machine too."""
    numbers = ", ".join(f"n{number}" for number in range(1, 121))
    edit(fresh, "campaign.yaml", "assets:\n", f"  number: [{numbers}]\nassets:\n")
    with (fresh / "campaign.yaml").open("a", encoding="utf-8") as file:
        file.write(
            '  tile: {over: [number], from: scene, steps: [fit: {cover: [48, 30]}], output: "{{ number }}.png"}\n'
        )
    return fresh


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("campaign") / "built"
    write_campaign(folder)
    done = run_imagebuild(folder, "build", "--quiet")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def built(once: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(once, tmp_path / "built", symlinks=True, copy_function=shutil.copy2))


def lock_of(folder: Path) -> Lock:
    return parse_lock((folder / "imagebuild.lock").read_text(encoding="utf-8"), file="imagebuild.lock")


def events_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def assert_all_in_place(folder: Path) -> None:
    """Every output has the bytes that the lock says, and nothing is left to do."""
    for entry in lock_of(folder).entries.values():
        if entry.output:
            assert digest_of((folder / entry.output).read_bytes()) == entry.digest
    assert plan_campaign(find_project(None, {}, str(folder))).plan.work == []


# ---------------------------------------------------------------------------------------------------- being stopped


@pytest.mark.parametrize(
    ("number", "name"),
    [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM"), (signal.SIGHUP, "SIGHUP")],
)
def test_stopped_once_it_finishes_what_is_in_flight_and_the_next_build_does_only_the_rest(long, number, name):
    with started(long, "build", "--json", "--jobs", "1") as process:
        lines = until(process.stdout, '"made"')
        os.killpg(process.pid, number)
        rest, errors = ended(process)
    events = events_of("".join(lines) + rest)
    end = events[-1]
    assert process.returncode == end["exit"] == 2
    assert end["stopped"] == f"stopped by {name}"
    assert "stopping: what is under way is finished and saved; once more to break off" in errors
    begun = {event["address"] for event in events if event["event"] == "start"}
    made = {event["address"] for event in events if event["event"] == "made"}
    assert begun == made
    assert end["left"] > 0
    assert made <= set(lock_of(long).entries)
    again = events_of(run_imagebuild(long, "build", "--json").stdout)
    assert again[-1]["exit"] == 0
    assert made.isdisjoint(event["address"] for event in again if event["event"] in ("start", "made"))
    assert_all_in_place(long)


def test_the_summary_of_a_stopped_build_says_so(long):
    with started(long, "build", "--jobs", "1") as process:
        until(process.stderr, "] made")
        os.killpg(process.pid, signal.SIGINT)
        said, errors = ended(process)
    assert re.fullmatch(r"Not done \(stopped by Ctrl-C\): made \d.* · left \d+ · spent \$0\.00 · \d+\.\d s\n", said)
    assert "] left" not in errors


def test_stopped_twice_it_breaks_off_at_once_and_nothing_is_broken(long):
    with started(long, "build", "--json", "--jobs", "1") as process:
        first = json.loads(until(process.stdout, '"made"')[-1])["address"]
        os.killpg(process.pid, signal.SIGINT)
        until(process.stderr, "stopping")
        os.killpg(process.pid, signal.SIGINT)
        _, errors = ended(process)
    assert process.returncode == 2
    assert errors == "broken off: what was finished is saved, and the next build goes on from there\n"
    assert first in lock_of(long).entries
    again = events_of(run_imagebuild(long, "build", "--json").stdout)
    assert first not in {event["address"] for event in again if event["event"] == "start"}
    assert_all_in_place(long)


def test_a_reader_that_goes_away_ends_the_build_but_not_what_was_made(long):
    with started(long, "build", "--json", "--jobs", "1") as process:
        assert '"start"' in process.stdout.readline()
        process.stdout.close()
        assert process.wait(timeout=60) == 1
        assert process.stderr.read() == ""
    assert len(lock_of(long).entries) > 0
    assert run_imagebuild(long, "build").returncode == 0
    assert_all_in_place(long)


def test_a_build_that_begins_with_signals_ignored_goes_on_through_them(fresh):
    """As under nohup, or as a shell starts a job in the background."""
    begin = "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
    words = [sys.executable, "-c", begin, sys.executable, "-m", "imagebuild", "build", "--json", "--jobs", "1"]
    with subprocess.Popen(words, cwd=fresh, stdout=subprocess.PIPE, text=True) as process:
        first = process.stdout.readline()
        process.send_signal(signal.SIGHUP)
        rest, _ = ended(process)
    assert events_of(first + rest)[-1]["exit"] == process.returncode == 0


# ------------------------------------------------------------------------------------------------------ two at once


@contextlib.contextmanager
def stopped_in_the_middle(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A build that holds the project and stands still until it is let go on."""
    with started(folder, "build", "--json", "--jobs", "1") as first:
        assert '"start"' in first.stdout.readline()
        first.send_signal(signal.SIGSTOP)
        yield first


def test_a_second_build_waits_for_the_first_and_then_finds_nothing_to_do(fresh):
    with stopped_in_the_middle(fresh) as first, started(fresh, "build") as second:
        line = second.stderr.readline()
        assert line.startswith(f"waiting for another build (pid {first.pid}, `imagebuild build --json`, since 20")
        first.send_signal(signal.SIGCONT)
        said, errors = ended(second)
        rest, _ = ended(first)
    assert (said, errors, second.returncode) == (f"Nothing to do: all {PICTURES} in place.\n", "", 0)
    assert events_of(rest)[-1]["made"] == 5
    assert_all_in_place(fresh)


def test_dropping_what_no_lock_names_waits_for_the_build_too(built):
    say_in(built, "de-DE", "Heiße Morgen")
    with stopped_in_the_middle(built) as first, started(built, "cache", "gc", "--drop") as sweeper:
        assert sweeper.stderr.readline().startswith("waiting for another build (pid ")
        first.send_signal(signal.SIGCONT)
        ended(sweeper)
        ended(first)
    assert (first.returncode, sweeper.returncode) == (0, 0)
    assert_all_in_place(built)


def test_waiting_can_be_stopped(fresh):
    with stopped_in_the_middle(fresh), started(fresh, "build") as second:
        assert second.stderr.readline().startswith("waiting")
        second.send_signal(signal.SIGINT)
        _, errors = ended(second)
    assert (errors, second.returncode) == ("stopped\n", 2)


def test_what_a_killed_build_held_is_free_at_once(fresh):
    with stopped_in_the_middle(fresh) as first:
        first.kill()
        first.wait()
        done = run_imagebuild(fresh, "build")
    assert done.returncode == 0
    assert "waiting" not in done.stderr
    assert_all_in_place(fresh)


# ----------------------------------------------------------------------------------------------------------- damage


def object_of(folder: Path, address: str) -> Path:
    digest = lock_of(folder).entries[address].digest
    return folder / ".imagebuild" / "store" / "objects" / digest[:2] / digest


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.chmod(0o644)
    path.write_bytes(data)


def truncate(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-7])


@pytest.mark.parametrize("hurt", [flip_a_bit, truncate])
@pytest.mark.parametrize(
    ("address", "output"), [("poster[locale=de-DE]", "out/de-DE/poster.png"), ("hero", "out/hero.webp")]
)
def test_a_damaged_picture_is_named_set_aside_and_made_again_in_one_command(built, hurt, address, output):
    good = (built / output).read_bytes()
    (built / output).unlink()
    hurt(object_of(built, address))
    done = run_imagebuild(built, "build")
    assert done.returncode == 0
    digest = digest_of(good)
    assert done.stderr.count(f"{address}: the store's object `{digest[:12]}` is damaged, and was set aside as") == 1
    assert "\nplanning again around the damage\n" in done.stderr
    (aside,) = (built / ".imagebuild" / "store" / "aside").iterdir()
    assert aside.name.startswith(digest)
    assert (built / output).read_bytes() == good
    assert re.search(r"failed 0 ", done.stdout)
    assert_all_in_place(built)


def test_a_damaged_picture_is_taken_from_an_output_that_still_has_it(built):
    """The badges are one picture in three files."""
    object_file = object_of(built, "badge[locale=de-DE]")
    good = object_file.read_bytes()
    (built / "out" / "de-DE" / "badge.png").unlink()
    flip_a_bit(object_file)
    done = run_imagebuild(built, "build", "--json")
    events = events_of(done.stdout)
    assert events[-1]["exit"] == 0
    assert (events[-1]["made"], events[-1]["drawn"]) == (0, 0)
    assert (built / "out" / "de-DE" / "badge.png").read_bytes() == good == object_file.read_bytes()
    assert_all_in_place(built)


def test_nothing_is_drawn_from_a_damaged_master_and_the_master_is_made_again_in_the_same_command(built):
    flip_a_bit(object_of(built, "scene"))
    edit(built, "campaign.yaml", "cover: [320, 200]", "cover: [160, 100]")
    done = run_imagebuild(built, "build")
    assert done.returncode == 0
    assert "is damaged, and was set aside as" in done.stderr
    assert done.stdout.startswith(f"Done: made 1 · drew 1 · reused {PICTURES - 2} · restored 0 · failed 0")
    assert_all_in_place(built)


def test_damage_that_nothing_needs_is_no_business_of_a_build(built):
    flip_a_bit(object_of(built, "hero"))
    assert_all_in_place(built)


@pytest.fixture
def paid(fresh: Path) -> Path:
    """A campaign whose pictures were paid for: made by a stand-in for the service."""
    edit(fresh, "campaign.yaml", "budget:", "provider: openai\nbudget:")
    project = find_project(None, {}, str(fresh))
    built = run_build(plan_campaign(project), listener=lambda event: None, stop=Stop(), provider=Quick())
    assert built.summary.complete
    return fresh


def test_a_damaged_picture_is_not_paid_for_again_unasked(paid):
    (paid / "out" / "de-DE" / "poster.png").unlink()
    flip_a_bit(object_of(paid, "poster[locale=de-DE]"))
    done = run_imagebuild(paid, "build")
    assert done.returncode == 1
    assert "error: damaged pictures would have to be paid again, for $0.0" in done.stderr
    assert not (paid / "out" / "de-DE" / "poster.png").exists()
    assert "failed 1" in done.stdout


@pytest.mark.parametrize("words", [(), ("--frozen",)])
def test_paid_pictures_are_put_in_place_without_a_client_a_key_or_the_network(paid, words):
    before = tree(paid / "out")
    shutil.rmtree(paid / "out")
    done = run_imagebuild(paid, "build", *words)
    assert done.returncode == 0, done.stderr
    assert "made 0 · reused 1 · restored 8 · failed 0 · spent $0.00" in done.stdout
    assert tree(paid / "out") == before


# ------------------------------------------------------------------------------------------------ files of people


def kept_in(folder: Path, name: str) -> list[bytes]:
    return [path.read_bytes() for path in (folder / ".imagebuild" / "aside").rglob(name)]


def test_an_edited_output_is_put_right_and_said_where_the_edit_is(built):
    (built / "out" / "hero.webp").write_bytes(b"retouched")
    done = run_imagebuild(built, "build")
    said = r"^what was at out/hero\.webp is kept as \.imagebuild/aside/\w+/out/hero\.webp$"
    assert re.search(said, done.stderr, re.M)
    assert kept_in(built, "hero.webp") == [b"retouched"]
    assert_all_in_place(built)


def test_an_edited_output_is_kept_also_when_its_picture_is_made_anew(built):
    (built / "out" / "de-DE" / "poster.png").write_bytes(b"retouched")
    say_in(built, "de-DE", "Heiße Morgen")
    done = run_imagebuild(built, "build")
    assert "what was at out/de-DE/poster.png is kept as" in done.stderr
    assert kept_in(built, "poster.png") == [b"retouched"]
    assert_all_in_place(built)


def test_a_file_that_was_there_before_the_first_build_is_kept(fresh):
    (fresh / "out").mkdir()
    (fresh / "out" / "hero.webp").write_bytes(b"a photograph of my own")
    done = run_imagebuild(fresh, "build")
    assert done.returncode == 0
    assert kept_in(fresh, "hero.webp") == [b"a photograph of my own"]
    assert_all_in_place(fresh)


def test_an_earlier_picture_of_ours_is_replaced_without_keeping_it_twice(built):
    say_in(built, "de-DE", "Heiße Morgen")
    run_imagebuild(built, "build", "--quiet")
    assert not (built / ".imagebuild" / "aside").exists()


def test_a_link_in_an_outputs_place_is_replaced_and_what_it_leads_to_is_left_alone(built, tmp_path):
    other = tmp_path / "mine.webp"
    other.write_bytes(b"mine")
    (built / "out" / "hero.webp").unlink()
    (built / "out" / "hero.webp").symlink_to(other)
    assert run_imagebuild(built, "build").returncode == 0
    assert other.read_bytes() == b"mine"
    assert not (built / "out" / "hero.webp").is_symlink()
    assert_all_in_place(built)


def test_a_folder_in_an_outputs_place_is_an_error_for_that_output_only(built):
    (built / "out" / "hero.webp").unlink()
    (built / "out" / "hero.webp").mkdir()
    (built / "out" / "winter.jpg").unlink()
    done = run_imagebuild(built, "build")
    assert done.returncode == 1
    assert "error: hero: cannot write `out/hero.webp`: a folder is in the way" in done.stderr
    assert "  hint: move the folder `out/hero.webp` away, or name another output" in done.stderr
    assert "restored 1 · failed 1" in done.stdout
    assert (built / "out" / "winter.jpg").is_file()


def test_an_output_folder_that_leads_out_of_the_project_is_refused(built, tmp_path):
    shutil.rmtree(built / "out")
    (tmp_path / "elsewhere").mkdir()
    (built / "out").symlink_to(tmp_path / "elsewhere")
    done = run_imagebuild(built, "build")
    assert done.returncode == 1
    assert "outside the project" in done.stderr
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_lock_that_cannot_be_written_is_told_and_what_was_made_is_not_lost(built):
    say_in(built, "de-DE", "Heiße Morgen")
    (built / "imagebuild.lock").unlink()
    (built / "imagebuild.lock").symlink_to("nowhere/imagebuild.lock")
    done = run_imagebuild(built, "build")
    assert done.returncode == 0
    assert not (built / "imagebuild.lock").is_symlink()
    assert_all_in_place(built)


# ------------------------------------------------------------------------------------------------ frozen and prune


def test_frozen_writes_nothing_at_all_when_something_is_missing(fresh):
    shutil.rmtree(fresh / ".imagebuild")
    before = tree(fresh)
    done = run_imagebuild(fresh, "build", "--frozen")
    assert done.returncode == 1
    assert "error: `--frozen`: 10 pictures are neither in place nor in the store" in done.stderr
    assert "hero → out/hero.webp" in done.stderr
    assert tree(fresh) == before
    assert not (fresh / ".imagebuild").exists()


def test_prune_removes_what_the_campaign_no_longer_has_but_not_what_was_edited(built):
    text = (built / "campaign.yaml").read_text(encoding="utf-8")
    edit(built, "campaign.yaml", text[text.index("  badge:") : text.index("  poster:")], "")
    (built / "out" / "ar-EG" / "badge.png").write_bytes(b"edited")
    assert run_imagebuild(built, "build").returncode == 0
    assert (built / "out" / "de-DE" / "badge.png").exists()
    done = run_imagebuild(built, "build", "--prune")
    assert done.returncode == 0
    said = [line for line in done.stderr.splitlines() if line.startswith("removed")]
    assert said == ["removed out/de-DE/badge.png", "removed out/en-US/badge.png"]
    assert not (built / "out" / "de-DE" / "badge.png").exists()
    assert (built / "out" / "ar-EG" / "badge.png").read_bytes() == b"edited"
    assert not any(address.startswith("badge") for address in lock_of(built).entries)
    after = run_imagebuild(built, "plan").stdout
    assert "badge" not in after
    assert after.rstrip().endswith("Nothing to do: all 6 in place.")


# ------------------------------------------------------------------------------------------------------ saved plans


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        (lambda folder: edit(folder, "campaign.yaml", "A kettle", "Two kettles"), r"\d steps differ, .*`scene` \(was"),
        (lambda folder: say_in(folder, "de-DE", "Kühle Morgen"), r"`poster\[locale=de-DE\]`"),
        (lambda folder: (folder / "out/winter.jpg").unlink(), r"`winter` \(was `nothing to do`, is `restore` now\)"),
    ],
    ids=["spec", "string", "output"],
)
def test_a_saved_plan_is_refused_once_anything_it_decided_on_has_changed(built, change, differs):
    say_in(built, "de-DE", "Heiße Morgen")
    run_imagebuild(built, "plan", "--out", "plan.json")
    change(built)
    before = tree(built)
    done = run_imagebuild(built, "build", "--plan", "plan.json")
    assert (done.returncode, done.stdout) == (1, "")
    assert re.search(r"^error: the plan `plan\.json` is stale: .*" + differs, done.stderr)
    assert "hint: plan again: `imagebuild plan --out plan.json`; nothing was built" in done.stderr
    assert tree(built) == before


def test_a_saved_plan_of_a_part_stays_a_plan_of_that_part_when_damage_makes_it_plan_again(built):
    say_in(built, "ar-EG", "ليل")
    good = (built / "out" / "hero.webp").read_bytes()
    (built / "out" / "hero.webp").unlink()
    run_imagebuild(built, "plan", "hero", "--out", "plan.json")
    flip_a_bit(object_of(built, "hero"))
    done = run_imagebuild(built, "build", "--plan", "plan.json", "--json")
    events = events_of(done.stdout)
    assert events[-1]["exit"] == 0
    assert {event["address"] for event in events[:-1]} == {"hero"}
    assert (built / "out" / "hero.webp").read_bytes() == good


# ---------------------------------------------------------------------------------------------------- what it prints


def test_every_event_has_its_beginning_and_the_end_counts_them(fresh):
    done = run_imagebuild(fresh, "build", "--json")
    events = events_of(done.stdout)
    assert [event["event"] for event in events].count("end") == 1
    begun = [event["address"] for event in events if event["event"] == "start"]
    for event in events:
        if event["event"] == "made":
            assert event["address"] in begun
    counted = [event["event"] for event in events]
    assert counted.count("made") == events[-1]["made"] + events[-1]["drawn"]
    assert counted.count("reused") == events[-1]["reused"]
    assert done.stderr == ""


def test_the_counts_are_the_same_whether_a_memory_helped_or_not(built):
    run_imagebuild(built, "build")  # remembers
    say_in(built, "de-DE", "Heiße Morgen")
    with_memory = events_of(run_imagebuild(built, "build", "--json").stdout)[-1]
    say_in(built, "de-DE", "Kühle Morgen")
    without = events_of(run_imagebuild(built, "build", "--json", IMAGEBUILD_NO_MEMORY="1").stdout)[-1]
    assert {**with_memory, "seconds": 0} == {**without, "seconds": 0}
    assert (without["made"], without["reused"]) == (1, PICTURES - 1)


def on_a_terminal(
    folder: Path, *words: str, type_at: tuple[bytes, bytes] | None = None, **environment: str
) -> tuple[str, int]:
    """What a terminal shows, and the exit code. `type_at`: when this is seen, type that."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, b"\x1e\0\x64\0\0\0\0\0")  # 30 lines of 100 columns
    take = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
    process = subprocess.Popen(
        [sys.executable, "-c", take, sys.executable, "-m", "imagebuild", *words], cwd=folder, stdin=theirs,
        stdout=theirs, stderr=theirs, start_new_session=True, env={**kept, "TERM": "xterm-256color", **environment},
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    with os.fdopen(ours, "r+b", buffering=0) as screen:
        while True:
            try:
                data = screen.read(65536)
            except OSError:  # the terminal's last user has gone
                break
            if not data:
                break
            shown += data
            if type_at is not None and type_at[0] in shown:
                screen.write(type_at[1])
                type_at = None
    return shown.decode(), process.wait(timeout=60)


HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"
COLOR = re.compile(r"\x1b\[[0-9;]*3[0-9][0-9;]*m")


def test_a_terminal_shows_a_live_view_that_cleans_up_after_itself(fresh):
    shown, code = on_a_terminal(fresh, "build")
    assert code == 0
    assert "building" in shown
    assert "/10" in shown
    assert shown.count(HIDE) == shown.count(SHOW) == 1
    after = shown[shown.index(SHOW) :]
    assert "building" not in after
    assert re.search(r"Done\x1b\[0m: made 5 · drew 3 · reused 2 ", after)
    assert COLOR.search(shown)


def test_a_terminal_without_colour_still_shows_it(fresh):
    shown, code = on_a_terminal(fresh, "build", NO_COLOR="1")
    assert code == 0
    assert HIDE in shown
    assert not COLOR.search(shown)


def test_a_dumb_terminal_gets_plain_lines(fresh):
    shown, code = on_a_terminal(fresh, "build", TERM="dumb")
    assert code == 0
    assert "\x1b" not in shown
    assert re.search(r"^\[ 1/10\] made (scene|poster)", shown, re.M)  # of those that wait for nothing, any


def test_a_pipe_gets_plain_lines_without_a_terminals_commands(fresh):
    done = run_imagebuild(fresh, "build")
    assert "\x1b" not in done.stderr + done.stdout
    numbers = re.findall(r"^\[ ?(\d+)/10\] (?:made|drew|reused) \S+", done.stderr, re.M)
    assert numbers == [str(number) for number in range(1, 11)]


def test_ctrl_c_on_a_terminal_is_seen_at_once_and_leaves_the_terminal_whole(fresh):
    shown, code = on_a_terminal(fresh, "build", "--jobs", "1", type_at=(b"scene  0s", b"\x03"))
    assert code == 2
    assert "stopping: what is under way is finished and saved" in shown[shown.index(HIDE) : shown.index(SHOW)]
    assert "(stopped by Ctrl-C)" in shown[shown.index(SHOW) :]
    assert shown.count(HIDE) == shown.count(SHOW) == 1
    assert run_imagebuild(fresh, "build").returncode == 0
    assert_all_in_place(fresh)


def test_ctrl_c_twice_on_a_terminal_leaves_the_terminal_whole(fresh):
    shown, code = on_a_terminal(fresh, "build", "--jobs", "1", type_at=(b"scene  0s", b"\x03\x03"))
    assert code == 2
    assert shown.count(HIDE) == shown.count(SHOW) == 1
    assert "Traceback" not in shown
    assert run_imagebuild(fresh, "build").returncode == 0
    assert_all_in_place(fresh)
