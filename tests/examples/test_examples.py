"""The examples, built as people build them: by the command line, in a copy; and the cookbook, recipe by recipe.

Each example is built once for a run of the tests, whatever the number of pytest's workers; tests get copies of it.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from PIL import Image

from imagebuild.core.document import parse_yaml, plain
from imagebuild.core.lock import parse_lock
from imagebuild.core.spec import ASSET_KEYS, BUDGET_KEYS, CAMPAIGN_KEYS, SETTING_KEYS
from imagebuild.core.steps.encode import format_of_path
from imagebuild.core.steps.registry import STEPS
from imagebuild.errors import Problems
from imagebuild.workspace.guard import guard
from tests.sandboxes import RunningSandbox, start_sandbox

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
NAMES = ("one-file", "spring-kettle", "make-repo")
LEFT_BEHIND = shutil.ignore_patterns(".imagebuild", "out", "site", "posters")
Built = Callable[[str], Path]


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("IMAGEBUILD_", "FORCE_COLOR"))}
    return {**kept, "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8", **more}


def imagebuild(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "imagebuild", *words], cwd=folder, env=environment(**more), text=True, encoding="utf-8",
        capture_output=True, timeout=300, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def copy_sources(name: str, into: Path) -> Path:
    folder = into / name
    shutil.copytree(EXAMPLES / name, folder, ignore=LEFT_BEHIND)
    (folder / ".imagebuild").mkdir()
    return folder


def link_or_copy(source: str, target: str) -> None:
    """Pictures and the store's objects are never written in place: a link does, and takes no time."""
    if format_of_path(source) is not None or "/store/" in source:
        os.link(source, target)
    else:
        shutil.copy2(source, target)


@pytest.fixture(scope="session")
def masters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all of pytest's workers share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def master(masters: Path) -> Built:
    def build(name: str) -> Path:
        folder = masters / "examples" / name
        done = masters / "examples" / f"{name}.done"
        done.parent.mkdir(exist_ok=True)
        with guard(str(masters / "examples" / f"{name}.guard"), command=f"build {name}"):
            if not done.exists():
                copy_sources(name, done.parent)
                (folder / "imagebuild.lock").unlink(missing_ok=True)
                built = imagebuild(folder, "build", "--quiet")
                assert built.returncode == 0, built.stderr
                done.touch()
        return folder

    return build


@pytest.fixture
def built(master: Built, tmp_path: Path) -> Built:
    """A copy of an example with everything built and in place."""

    def copy(name: str) -> Path:
        folder: Path = tmp_path / name
        shutil.copytree(master(name), folder, copy_function=link_or_copy)
        return folder

    return copy


def lock_of(folder: Path) -> dict[str, Any]:
    text = (folder / "imagebuild.lock").read_text(encoding="utf-8")
    return dict(parse_lock(text, file="imagebuild.lock").entries)


@pytest.mark.parametrize("name", NAMES)
def test_every_picture_of_an_example_is_there_in_the_size_and_format_it_should_have(name: str, master: Built) -> None:
    folder = master(name)
    outputs = {entry.output: entry for entry in lock_of(folder).values() if entry.output}
    for path, entry in outputs.items():
        assert (folder / path).stat().st_size == entry.bytes > 0, path
        with Image.open(folder / path) as picture:
            picture.load()
            assert f"{picture.width}x{picture.height}" == entry.size, path
            assert str(picture.format).lower() == format_of_path(path), path
    roots = {path.split("/")[0] for path in outputs}
    there = {str(path.relative_to(folder)) for root in roots for path in (folder / root).rglob("*") if path.is_file()}
    assert there == set(outputs)


SIZES = {
    "1x1": (1024, 1024), "16x9": (1280, 720), "9x16": (720, 1280), "og": (1200, 630), "banner": (1280, 512),
    "poster": (1024, 1280), "small": (320, 320), "window": (1024, 1024),
}  # fmt: skip


def test_the_localized_campaign_has_every_picture_of_every_market_in_its_size(master: Built) -> None:
    folder = master("spring-kettle") / "out"
    counted: Counter[str] = Counter()
    for path in (each for each in folder.rglob("*") if each.is_file()):
        with Image.open(path) as picture:
            assert picture.size == SIZES[path.stem.split("-")[1]], path
        counted[str(path.parent.relative_to(folder))] += 1
    markets = ["en-US", "de-DE", "fr-FR", "es-MX", "ar-EG", "he-IL", "hi-IN", "bn-BD", "th-TH", "ko-KR"]
    fewer = {"ja-JP": 8, "zh-Hans-CN": 8}  # two pictures each are excluded
    assert counted == {**dict.fromkeys(markets, 10), **fewer, "shared": 3, "shared/winter": 9}
    assert all(path.stat().st_size <= 120_000 for path in folder.rglob("*.webp"))


def test_posters_differ_from_language_to_language_and_heroes_do_not(master: Built) -> None:
    entries = lock_of(master("spring-kettle"))
    posters = {entry.digest for address, entry in entries.items() if address.startswith("poster[")}
    heroes = {entry.digest for address, entry in entries.items() if address.startswith("hero[")}
    assert (len(posters), len(heroes)) == (24, 8)


def test_the_one_file_campaign_has_its_twelve_pictures(master: Built) -> None:
    folder = master("one-file") / "posters"
    sizes = {}
    for path in (each for each in folder.rglob("*") if each.is_file()):
        with Image.open(path) as picture:
            sizes[str(path.relative_to(folder))] = picture.size
    times = ("dawn", "noon", "night")
    assert sizes == {
        **{f"{time}-1x1.webp": (1024, 1024) for time in times},
        **{f"{time}-16x9.webp": (1280, 720) for time in times},
        **{f"{time}-story.webp": (1080, 1920) for time in times},
        **{f"tickets/{time}.jpg": (600, 400) for time in times},
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_second_build_of_an_example_has_nothing_to_do(name: str, built: Built) -> None:
    folder = built(name)
    again = imagebuild(folder, "build")
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout.startswith("Nothing to do")
    plan = imagebuild(folder, "plan", "--json", "--detailed-exitcode")
    assert plan.returncode == 0, plan.stderr
    found = json.loads(plan.stdout)
    jsonschema.validate(found, json.loads((ROOT / "schemas" / "plan.schema.json").read_text(encoding="utf-8")))
    assert {step["verdict"] for step in found["steps"]} == {"reuse"}


# ----------------------------------------------------------------------------------------------------- make-repo


def test_the_committed_lock_names_the_requests_that_its_campaign_makes(master: Built) -> None:
    committed, fresh = lock_of(EXAMPLES / "make-repo"), lock_of(master("make-repo"))
    hint = "build examples/make-repo and commit its lock, if the change is meant"
    assert committed.keys() == fresh.keys(), hint
    for address, entry in committed.items():
        now = fresh[address]
        assert (entry.output, entry.size, entry.model) == (now.output, now.size, now.model), hint
        if entry.model is not None:
            assert entry.key == now.key, f"{address}: {hint}"  # whoever has paid for it would pay again


def test_a_fresh_clone_makes_what_the_lock_names_and_no_changed_request(tmp_path: Path) -> None:
    folder = copy_sources("make-repo", tmp_path)
    plan = json.loads(imagebuild(folder, "plan", "--json").stdout)
    paid = [step for step in plan["steps"] if step["kind"] != "local"]
    assert [step["verdict"] for step in paid] == ["make", "make"]
    assert all(not step["reason"]["changes"] for step in paid), paid
    assert plan["orphans"] == []


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., str]:
    """make, with this `imagebuild` as the one it finds."""
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    programs = tmp_path / "bin"
    programs.mkdir()
    program = programs / "imagebuild"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m imagebuild "$@"\n', encoding="utf-8")
    program.chmod(0o755)

    def run(folder: Path, *words: str) -> str:
        path = f"{programs}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["make", *words], cwd=folder, env=environment(PATH=path, LC_ALL="C.UTF-8", MAKEFLAGS=""), text=True,
            encoding="utf-8", capture_output=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_make_asks_imagebuild_once_and_then_has_nothing_to_do(make: Callable[..., str], tmp_path: Path) -> None:
    folder = copy_sources("make-repo", tmp_path)
    first = make(folder)
    assert "imagebuild build" in first
    assert {path.name for path in (folder / "site").iterdir()} == {
        "index.html", "index.webp", "index-card.jpg", "menu.html", "menu.webp", "menu-card.jpg",
    }  # fmt: skip
    assert re.search(r'src="index\.webp\?[0-9]+"', (folder / "site" / "index.html").read_text(encoding="utf-8"))
    assert make(folder) == "make: Nothing to be done for 'all'.\n"


def test_touching_the_campaign_makes_make_ask_and_no_page_is_made_again(make: Callable[..., str], built: Built) -> None:
    folder = built("make-repo")
    make(folder)
    (folder / "campaign.yaml").touch()
    said = make(folder)
    assert "Nothing to do: all 4 in place." in said
    assert "sed" not in said
    assert make(folder) == "make: Nothing to be done for 'all'.\n"


def test_make_has_a_missing_picture_put_back_and_makes_its_page_again(make: Callable[..., str], built: Built) -> None:
    folder = built("make-repo")
    make(folder)
    (folder / "out" / "menu.webp").unlink()
    said = make(folder)
    assert "restored 1" in said
    assert "pages/menu.html" in said
    assert "pages/index.html" not in said
    make(folder, "check")


def test_a_changed_subject_remakes_its_own_page_only(make: Callable[..., str], built: Built) -> None:
    folder = built("make-repo")
    make(folder)
    spec = folder / "campaign.yaml"
    spec.write_text(spec.read_text(encoding="utf-8").replace("bamboo grove", "pine grove"), encoding="utf-8")
    said = make(folder)
    assert "made 1 · drew 2 · reused 2" in said
    assert "pages/index.html" in said
    assert "pages/menu.html" not in said


# -------------------------------------------------------------------------------------------------- the cookbook

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def recipes() -> dict[str, list[tuple[str, str]]]:
    """Title → (language, text) of each block."""
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    sections = text.split("\n## ")[1:]
    return {each.split("\n", 1)[0]: _BLOCK.findall(each) for each in sections}


RECIPES = recipes()
FIRST_PAID = "pay OpenAI for the first time"
FREE = list(RECIPES)[: list(RECIPES).index(FIRST_PAID)]
PAID = list(RECIPES)[list(RECIPES).index(FIRST_PAID) :]


def merged(below: Any, above: Any) -> Any:
    """As the cookbook says: mappings go into those there are, `include` and `exclude` grow, all else is replaced."""
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    added = {name: below.get(name, []) + above[name] for name in ("include", "exclude") if name in above}
    return {**below, **{name: merged(below.get(name), value) for name, value in above.items()}, **added}


def apply_blocks(folder: Path, blocks: list[tuple[str, str]]) -> None:
    for text in (text for language, text in blocks if language == "yaml"):
        path = folder / text.splitlines()[0].removeprefix("# ")
        path.parent.mkdir(parents=True, exist_ok=True)
        before = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else None
        after = merged(before, yaml.safe_load(text))
        path.write_text(yaml.safe_dump(after, allow_unicode=True, sort_keys=False), encoding="utf-8")


def lines(blocks: list[tuple[str, str]]) -> list[str]:
    return [line for language, text in blocks if language == "sh" for line in text.splitlines() if line.strip()]


def commands(blocks: list[tuple[str, str]]) -> list[list[str]]:
    return [shlex.split(line, comments=True) for line in lines(blocks)]


@pytest.mark.parametrize("title", FREE)
def test_the_cookbook_works(title: str, built: Built, tmp_path: Path) -> None:
    folder = built("spring-kettle")
    for other in ("one-file", "make-repo"):
        copy_sources(other, tmp_path)
    apply_blocks(folder, RECIPES[title])
    more: dict[str, str] = {}
    for words in commands(RECIPES[title]) or [["imagebuild", "check"]]:
        if words[0] == "export":
            more[words[1].partition("=")[0]] = str(tmp_path / "shared")
            continue
        assert words[0] == "imagebuild"
        done = imagebuild(folder, *words[1:], **more)
        allowed = (0, 2) if "--detailed-exitcode" in words else (0,)
        assert done.returncode in allowed, f"{shlex.join(words)}: {done.stdout}{done.stderr}"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with start_sandbox() as running:
        yield running


# What each is charged, among them the picture whose connection broke. Those that are not here only look.
CHARGED = {
    FIRST_PAID: 2,
    "switch a campaign between services": 3,
    "make many pictures overnight, at half the price": 2,
    "go on after an outcome that nobody knows": 2,
    "go on after a refusal": 1,
    "take a picture that came otherwise than asked for": 1,
    "spend no more than so much a month": 1,
}


@pytest.mark.parametrize("title", PAID)
def test_the_cookbook_of_paying_works_and_is_charged_for_what_it_says(
    title: str, built: Built, tmp_path: Path, sandbox: RunningSandbox
) -> None:
    folder = built("spring-kettle")
    copy_sources("one-file", tmp_path)
    apply_blocks(folder, RECIPES[title])
    sandbox.reset()
    faults = folder / "faults.yaml"
    if faults.exists():
        sandbox.set_faults(*yaml.safe_load(faults.read_text(encoding="utf-8")))
    more = {**sandbox.environment(), "IMAGEBUILD_PROVIDER": "openai"}
    for line in lines(RECIPES[title]) or ["imagebuild check"]:
        run_as_written(folder, line, more)
    assert len(sandbox.charges()) == CHARGED.get(title, 0)


def run_as_written(folder: Path, line: str, more: dict[str, str]) -> None:
    """Run a line of the cookbook: `ID` is the one that the ledger has under `--state uncertain`, and it ends with the
    code that its comment says, by and by where it says `as long as`."""
    words, comment = shlex.split(line, comments=True), line.partition("#")[2]
    assert words[0] == "imagebuild"
    if "ID" in words:
        unknown = json.loads(imagebuild(folder, "ledger", "--state", "uncertain", "--json", **more).stdout)["payments"]
        words[words.index("ID")] = unknown[-1]["id"]
    words = words[: words.index(">")] if ">" in words else words
    told = re.search(r"\bexit (\d)", comment)
    wanted = int(told[1]) if told else 0
    done = imagebuild(folder, *words[1:], **more)
    waits = "as long as" in comment
    for _ in range(100 if waits else 0):
        if done.returncode != wanted:
            break
        done = imagebuild(folder, *words[1:], **more)
    assert done.returncode == (0 if waits else wanted), f"{line}: {done.stdout}{done.stderr}"


def plan_after(folder: Path, *words: str) -> dict[str, int]:
    """How many pictures of each asset a provider would be asked for, after a recipe."""
    done = imagebuild(folder, "plan", "--json", *words)
    assert done.returncode == 0, done.stderr
    paid = [step for step in json.loads(done.stdout)["steps"] if step["verdict"] == "make" and step["kind"] != "local"]
    return dict(Counter(step["asset"] for step in paid))


@pytest.mark.parametrize(
    ("title", "paid"),
    [
        ("change one headline in one language", {"poster": 2}),
        ("add a language", {"poster": 2}),
        ("share a scene over all languages", {}),
        ("make one picture again", {"poster": 1}),
        ("let a market fall back", {}),
        ("leave cells out", {}),
    ],
)
def test_a_recipe_pays_for_what_it_says(title: str, paid: dict[str, int], built: Built) -> None:
    folder = built("spring-kettle")
    apply_blocks(folder, RECIPES[title])
    assert plan_after(folder) == paid


def test_a_plan_that_has_become_stale_is_refused(built: Built) -> None:
    folder = built("spring-kettle")
    apply_blocks(folder, RECIPES["make one picture again"])
    assert imagebuild(folder, "plan", "--out", "plan.json").returncode == 0
    apply_blocks(folder, RECIPES["change one headline in one language"])
    done = imagebuild(folder, "build", "--plan", "plan.json")
    assert done.returncode == 1
    assert "stale" in done.stderr


# ---------------------------------------------------------------------------------------------------- the format


def written_keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, child in value.items():
            yield str(name)
            yield from written_keys(child)
    elif isinstance(value, list):
        for child in value:
            yield from written_keys(child)


def test_every_key_of_the_format_is_in_an_example_or_in_the_cookbook() -> None:
    texts = [(EXAMPLES / name / "campaign.yaml").read_text(encoding="utf-8") for name in NAMES]
    texts += [text for blocks in RECIPES.values() for language, text in blocks if language == "yaml"]
    shown = {key for text in texts for key in written_keys(yaml.safe_load(text))}
    wanted = {*CAMPAIGN_KEYS, *ASSET_KEYS, *SETTING_KEYS, *BUDGET_KEYS, *STEPS}
    assert wanted <= shown, wanted - shown


@pytest.mark.parametrize("name", NAMES)
def test_an_editor_completes_an_example_by_its_schema_and_finds_no_fault_in_it(name: str) -> None:
    text = (EXAMPLES / name / "campaign.yaml").read_text(encoding="utf-8")
    line = re.match(r"# yaml-language-server: \$schema=(\S+)\n", text)
    assert line is not None
    schema = json.loads((EXAMPLES / name / line[1]).read_text(encoding="utf-8"))
    problems = Problems()
    root = parse_yaml(text, file="campaign.yaml", problems=problems)
    assert root is not None
    jsonschema.validate(plain(root), schema)


def test_the_examples_keep_the_repository_small() -> None:
    listed = [path for path in EXAMPLES.rglob("*") if path.is_file()]
    own = [path for path in listed if not {".imagebuild", "out", "site", "posters"} & set(path.parts)]
    assert sum(path.stat().st_size for path in own) < 2_000_000
