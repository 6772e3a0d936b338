"""Bad campaigns as text: each case is a small edit of the good one in `base/`, followed by all that a person is told.

    === a key is written twice
    @ campaign.yaml
    < campaign: spring-kettle
    > campaign: spring-kettle
    > campaign: again
    ---
    campaign.yaml:3:1: error: duplicate key `campaign`
    …

`<` lines are taken out (they must stand in the file exactly once) and the `>` lines that follow come in their place;
`>` lines alone are the whole file; `@ file gone` removes it, `@ file empty` leaves nothing in it. In `>` lines
`\\xNN`, `\\t`, `\\r`, `\\\\` and `\\uNNNN` are read as in Python.

`python -m tests.mistakes.cases` writes down what is told today: read the difference before committing it.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import resource
import shutil
import signal
import sys
import tempfile
import traceback
from dataclasses import dataclass, field
from pathlib import Path

from imagebuild.cli.main import main

HERE = Path(__file__).parent
BASE = HERE / "base"
_ESCAPE = re.compile(r"\\(x[0-9a-f]{2}|u[0-9a-f]{4}|[tr\\])")


@dataclass
class Edit:
    file: str
    state: str = ""
    pieces: list[tuple[list[str], list[str]]] = field(default_factory=list)

    def apply(self, folder: Path) -> None:
        path = folder / self.file
        if self.state == "gone":
            path.unlink()
            return
        if self.state == "empty" or not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"")
        text = path.read_text("utf-8")
        for old, new in self.pieces:
            fresh = "\n".join(_unescaped(line) for line in new)
            if old:
                assert text.count("\n".join(old)) == 1, f"{old} must stand once in {self.file}"
                text = text.replace("\n".join(old), fresh)
            else:
                text = fresh + "\n"
        path.write_bytes(text.encode("utf-8"))


@dataclass
class Case:
    group: str
    title: str
    source: list[str]
    edits: list[Edit]
    told: str

    def prepare(self, folder: Path) -> None:
        shutil.copytree(BASE, folder, dirs_exist_ok=True)
        for edit in self.edits:
            edit.apply(folder)


def _unescaped(line: str) -> str:
    return _ESCAPE.sub(lambda found: found[0].encode().decode("unicode_escape"), line)


def read_cases(path: Path) -> list[Case]:
    found: list[Case] = []
    for block in re.split(r"(?m)^=== ", path.read_text("utf-8"))[1:]:
        head, _, told = block.partition("\n---\n")
        title, *source = head.rstrip("\n").split("\n")
        found.append(Case(path.stem, title, source, _edits(source), told.rstrip("\n")))
    return found


def _edits(source: list[str]) -> list[Edit]:
    edits: list[Edit] = []
    before = ""
    for line in source:
        mark, text = line[:1], line[2:]
        if mark == "@":
            name, _, state = text.partition(" ")
            edits.append(Edit(name, state))
        elif mark == "<":
            if before != "<":
                edits[-1].pieces.append(([], []))
            edits[-1].pieces[-1][0].append(text)
        elif mark == ">":
            if not edits[-1].pieces:
                edits[-1].pieces.append(([], []))
            edits[-1].pieces[-1][1].append(text)
        before = mark
    return edits


def all_cases() -> list[Case]:
    return [case for path in sorted(HERE.glob("*.txt")) for case in read_cases(path)]


def tell(folder: Path, verb: str = "plan") -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a verb run in a folder."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([verb])
    return code, out.getvalue(), err.getvalue().rstrip("\n")


def record(names: list[str]) -> None:
    """Write down what is told today, by all groups or by those named."""
    resource.setrlimit(resource.RLIMIT_AS, (3_000_000_000, 3_000_000_000))
    for path in sorted(HERE.glob("*.txt")):
        if names and path.stem not in names:
            continue
        blocks = []
        for case in read_cases(path):
            with tempfile.TemporaryDirectory() as folder:
                case.prepare(Path(folder))
                signal.alarm(20)
                try:
                    code, _, told = tell(Path(folder))
                except Exception:
                    code, told = 1, "TRACEBACK " + traceback.format_exc(limit=-2)
                signal.alarm(0)
            told = told if code == 1 else f"NOT AN ERROR (exit code {code})"
            blocks.append("\n".join([f"=== {case.title}", *case.source, "---", told]) + "\n")
        path.write_text("\n".join(blocks), "utf-8")


if __name__ == "__main__":
    os.environ.pop("IMAGEBUILD_STORE", None)
    record(sys.argv[1:])
