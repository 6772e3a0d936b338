"""Every mistake a person can make in a campaign is told as a good compiler tells it, and nothing is written.

The table is in `mistakes/*.txt`: each case a small edit of a good campaign, then all that is told, letter by letter.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mistakes.cases import BASE, Case, all_cases, tell

CASES = all_cases()
A_DOZEN = CASES[:: max(len(CASES) // 12, 1)][:12]


def name_of(case: Case) -> str:
    return f"{case.group}: {case.title}"


def tree(folder: Path) -> dict[str, str]:
    """Everything below a folder: path → what is in it."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in sorted(folder.rglob("*"))
    }


def in_a_process(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in ("IMAGEBUILD_STORE", "FORCE_COLOR")}
    return subprocess.run(
        [sys.executable, "-m", "imagebuild", *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )


def test_the_campaign_that_the_mistakes_are_made_in_has_none(tmp_path):
    Case("", "", [], [], "").prepare(tmp_path)
    before = tree(tmp_path)
    code, told, errors = tell(tmp_path)
    assert (code, errors) == (0, "")
    assert "Price" in told
    assert tree(tmp_path) == before


def test_the_table_holds_more_than_two_hundred_mistakes_each_under_its_own_name():
    names = [name_of(case) for case in CASES]
    assert len(names) > 200
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_a_mistake_is_told_letter_by_letter_and_nothing_is_written(case, tmp_path):
    case.prepare(tmp_path)
    before = tree(tmp_path)
    code, printed, told = tell(tmp_path)
    assert told == case.told
    assert (code, printed) == (1, "")
    assert tree(tmp_path) == before


@pytest.mark.parametrize("case", A_DOZEN, ids=name_of)
def test_each_verb_tells_the_same_from_the_command_line(case, tmp_path):
    case.prepare(tmp_path)
    before = tree(tmp_path)
    for verb in ("plan", "build"):
        done = in_a_process(tmp_path, verb)
        assert done.stderr.rstrip("\n") == case.told
        assert (done.returncode, done.stdout) == (1, "")
    assert tree(tmp_path) == before


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_every_message_names_a_place_and_is_no_traceback(case):
    assert "Traceback" not in case.told
    assert "NOT AN ERROR" not in case.told
    for line in case.told.split("\n"):
        if ": error: " in line:
            file, number, *_ = line.split(":")
            assert file
            assert number.isdigit() or "cannot be read from" in line


def edited(folder: Path, path: str, data: bytes) -> tuple[int, str, str]:
    Case("", "", [], [], "").prepare(folder)
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(data)
    return tell(folder)


GOOD = (BASE / "campaign.yaml").read_bytes()


@pytest.mark.parametrize(
    "data",
    [b"\xef\xbb\xbf" + GOOD, GOOD.replace(b"\n", b"\r\n"), GOOD.rstrip(b"\n"), b"---\n" + GOOD, GOOD + b"...\n"],
    ids=["a byte order mark", "line ends of Windows", "no line end at the end", "a document's start", "and its end"],
)
def test_what_editors_add_to_a_file_is_no_mistake(data, tmp_path):
    expected = edited(tmp_path / "good", "campaign.yaml", GOOD)
    assert edited(tmp_path / "other", "campaign.yaml", data) == expected
    assert expected[0] == 0


NOT_TEXT = [
    (
        "campaign.yaml",
        GOOD.replace(b"Northwind", b"Nordw\xe4rts"),
        "campaign.yaml:18:15: error: not UTF-8: the byte 0xe4\n"
        "   18 |   brand: Nordw\ufffdrts\n"
        "      |               ^\n"
        "  hint: save the file as UTF-8",
    ),
    (
        "campaign.yaml",
        GOOD.decode().encode("utf-16"),
        "campaign.yaml:1: error: not UTF-8: the file is UTF-16\n  hint: save the file as UTF-8",
    ),
    (
        "prompts/scene.j2",
        b"A kettle, \xff\n",
        "prompts/scene.j2:1:11: error: not UTF-8: the byte 0xff\n"
        "    1 | A kettle, \ufffd\n"
        "      |           ^\n"
        "  hint: save the file as UTF-8",
    ),
    (
        "strings/de-DE.yaml",
        b"headline: Sch\xf6n\n",
        "strings/de-DE.yaml:1:14: error: not UTF-8: the byte 0xf6\n"
        "    1 | headline: Sch\ufffdn\n"
        "      |              ^\n"
        "  hint: save the file as UTF-8",
    ),
    (
        "data/products.yaml",
        b"- kettle\n- \x80\n",
        "data/products.yaml:2:3: error: not UTF-8: the byte 0x80\n"
        "    2 | - \ufffd\n"
        "      |   ^\n"
        "  hint: save the file as UTF-8",
    ),
]


@pytest.mark.parametrize(
    ("path", "data", "message"), NOT_TEXT, ids=[f"{path} {data[:4]!r}" for path, data, _ in NOT_TEXT]
)
def test_a_file_that_is_not_utf8_is_told_with_the_byte(path, data, message, tmp_path):
    assert edited(tmp_path, path, data) == (1, "", message)


def test_a_folder_in_the_place_of_the_campaign_is_told(tmp_path):
    (tmp_path / "campaign.yaml").mkdir()
    code, _, told = tell(tmp_path)
    assert code == 1
    assert told.startswith("error: no campaign file `campaign.yaml")


def test_nesting_without_end_is_told_and_not_followed(tmp_path):
    code, _, told = edited(tmp_path, "campaign.yaml", b"vars: " + b"[" * 5000 + b"]" * 5000 + b"\n")
    assert code == 1
    assert told.startswith("campaign.yaml:1:107: error: nested deeper than 100 levels")


def test_a_huge_file_is_read_within_the_bounds_of_a_campaign(tmp_path):
    rows = b"".join(b"- {id: p%d, name: Product}\n" % number for number in range(3000))
    code, _, told = edited(tmp_path, "data/products.yaml", rows + b"- {id: p7}\n")
    assert code == 1
    assert told.startswith("data/products.yaml:3001:8: error: `p7` stands twice in axis `product`")


def test_of_a_thousand_mistakes_the_first_hundred_are_shown_and_all_are_counted(tmp_path):
    code, _, told = edited(tmp_path, "data/products.yaml", b"- [x]\n" * 1000)
    assert code == 1
    assert told.count(": error: ") == 100
    assert told.endswith("1000 mistakes, the first 100 shown; nothing was written")


def test_a_message_cannot_steer_the_terminal_it_is_shown_in(tmp_path):
    text = GOOD.replace(b"brand: Northwind", b'brand: "\\e[31mred"\n  \xe2\x80\xae"\\e[2J": 1')
    code, _, told = edited(tmp_path, "campaign.yaml", text)
    assert code == 1
    assert not any(character in told for character in "\x1b\u202e")
