"""The command line itself: help, mistakes, completion."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from imagebuild.cli.verbs import VERBS
from tests.cli.conftest import Run


def test_the_version_is_the_packages(tmp_path: Path, imagebuild: Run) -> None:
    done = imagebuild(tmp_path, "--version")
    assert (done.returncode, done.stdout) == (0, f"imagebuild {version('imagebuild-campaigns')}\n")


def test_without_a_verb_the_help_is_shown(tmp_path: Path, imagebuild: Run) -> None:
    done = imagebuild(tmp_path)
    assert done.returncode == 0
    assert "make for paid pictures" in done.stdout


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(tmp_path: Path, imagebuild: Run, verb: str) -> None:
    done = imagebuild(tmp_path, verb, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"usage: imagebuild {verb} ")


def test_the_help_of_build_shows_how_money_is_saved_and_what_to_do_about_what_is_not_known(
    tmp_path: Path, imagebuild: Run
) -> None:
    options, _, examples = imagebuild(tmp_path, "build", "--help").stdout.partition("examples:")
    assert "make pictures with this provider" in " ".join(options.split())
    assert "imagebuild build --batch " in examples
    assert "imagebuild build --on-uncertain ask " in examples


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["pln"], "error: no verb `pln`\n  hint: did you mean `plan`?\n"),
        (["plan", "--jsn"], "error: `imagebuild plan` takes no `--jsn`\n  hint: `imagebuild plan --help`\n"),
        (["init", "a", "b"], "error: `imagebuild init` takes no `b`\n  hint: `imagebuild init --help`\n"),
        (["cache", "size", "--drop"], "error: `--drop`, `--paid` and `--also` go with `gc`\n"),
    ],
)  # fmt: skip
def test_a_wrong_command_line_is_told_and_ends_with_1(
    tmp_path: Path, imagebuild: Run, words: list[str], said: str
) -> None:
    done = imagebuild(tmp_path, *words)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(said)


def test_a_wrong_choice_is_not_taken_for_a_verb(tmp_path: Path, imagebuild: Run) -> None:
    done = imagebuild(tmp_path, "graph", "--format", "svg")
    assert done.returncode == 1
    assert "--format" in done.stderr
    assert "hint: `imagebuild graph --help`" in done.stderr


# ------------------------------------------------------------------------------------------------------- completion


def _completed(folder: Path, line: str, shell: str = "bash") -> list[str]:
    """What the shell would be offered: argcomplete's own protocol, the answers on file descriptor 8."""
    answers = folder / "answers"
    environment = {
        **os.environ, "_ARGCOMPLETE": "1", "_ARGCOMPLETE_SHELL": shell, "_ARGCOMPLETE_IFS": "\n", "COMP_LINE": line,
        "COMP_POINT": str(len(line.encode())), "COMP_TYPE": "9", "_ARGCOMPLETE_STDOUT_FILENAME": str(answers),
    }  # fmt: skip
    subprocess.run([sys.executable, "-m", "imagebuild"], cwd=folder, env=environment, timeout=60, check=True)
    return [word.strip() for word in answers.read_text(encoding="utf-8").split("\n") if word.strip()]


def test_verbs_and_options_complete(fresh: Path) -> None:
    assert set(_completed(fresh, "imagebuild p")) == {"plan", "placements"}
    assert _completed(fresh, "imagebuild fi") == ["fit"]
    assert "--detailed-exitcode" in _completed(fresh, "imagebuild plan --d")
    assert set(_completed(fresh, "imagebuild graph --format ")) == {"mermaid", "dot"}
    assert "openai" in _completed(fresh, "imagebuild plan --provider ")


def test_assets_and_axes_complete_before_the_first_build(fresh: Path) -> None:
    assert _completed(fresh, "imagebuild why po") == ["poster"]
    assert set(_completed(fresh, "imagebuild plan locale=")) == {"locale=en-US", "locale=de-DE", "locale=ar-EG"}


def test_addresses_complete_from_the_lock(built: Path) -> None:
    assert _completed(built, "imagebuild why poster[locale=d", "fish") == ["poster[locale=de-DE]"]
    assert _completed(built, "imagebuild why wint") == ["winter"]


def test_a_broken_campaign_completes_to_nothing(fresh: Path) -> None:
    (fresh / "campaign.yaml").write_text("imagebuild: [", encoding="utf-8")
    assert _completed(fresh, "imagebuild why po") == []


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_bash_completes_with_the_printed_lines(built: Path, imagebuild: Run) -> None:
    lines = imagebuild(built, "completion", "bash").stdout
    script = f"""
    imagebuild() {{ '{sys.executable}' -m imagebuild "$@"; }}
    {lines}
    COMP_LINE='imagebuild why po'; COMP_POINT=17; COMP_TYPE=9; COMP_WORDS=(imagebuild why po); COMP_CWORD=2
    _python_argcomplete imagebuild po why
    printf '%s' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(
        ["bash", "-c", script], cwd=built, capture_output=True, text=True, timeout=60, check=True, env=dict(os.environ)
    )
    assert done.stdout.strip() == "poster"


@pytest.mark.parametrize(("shell", "sign"), [("zsh", "#compdef imagebuild"), ("fish", "complete --command imagebuild")])
def test_the_other_shells_have_lines_of_their_own(tmp_path: Path, imagebuild: Run, shell: str, sign: str) -> None:
    done = imagebuild(tmp_path, "completion", shell)
    assert done.returncode == 0
    assert sign in done.stdout
