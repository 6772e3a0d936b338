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
from PIL import Image, ImageChops, ImageOps, ImageStat

from imagebuild.core.checks import CHECK_NAMES
from imagebuild.core.document import parse_yaml, plain
from imagebuild.core.lock import parse_lock
from imagebuild.core.spec import ASSET_KEYS, BUDGET_KEYS, CAMPAIGN_KEYS, SETTING_KEYS
from imagebuild.core.steps.encode import format_of_path
from imagebuild.core.steps.registry import STEPS
from imagebuild.errors import Problems
from imagebuild.picture.reading.tesseract import find_tesseract
from imagebuild.workspace.guard import guard
from tests.sandboxes import RunningSandbox, start_sandbox

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
NAMES = ("one-file", "spring-kettle", "make-repo", "launch", "approved")
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


# -------------------------------------------------------------------------------------------------------- launch

PLACES = {"og": (1200, 630), "square": (1080, 1080), "story": (1080, 1920), "banner": (728, 90)}
MARKETS = (
    "ar-EG", "bn-BD", "de-DE", "el-GR", "en-US", "fr-FR", "he-IL", "hi-IN", "ja-JP", "ko-KR", "ru-RU", "th-TH",
    "zh-Hans-CN", "zh-Hant-TW",
)  # fmt: skip


def steps_of(folder: Path) -> list[dict[str, Any]]:
    plan = imagebuild(folder, "plan", "--json")
    assert plan.returncode == 0, plan.stderr
    return list(json.loads(plan.stdout)["steps"])


def test_the_launch_has_every_banner_of_every_market_at_its_exact_pixels(master: Built) -> None:
    folder = master("launch") / "out"
    found = {}
    for path in folder.rglob("*.jpg"):
        with Image.open(path) as picture:
            found[str(path.relative_to(folder))] = (picture.format, picture.size)
    assert found == {f"{market}/{place}.jpg": ("JPEG", size) for market in MARKETS for place, size in PLACES.items()}
    assert all(path.stat().st_size <= 150_000 for path in folder.rglob("banner.jpg"))


def test_the_launch_pays_for_four_plates_and_checks_all_of_its_banners(master: Built) -> None:
    steps = steps_of(master("launch"))
    assert Counter(step["kind"] for step in steps) == {"generate": 4, "local": 57, "check": 56}
    assert {step["verdict"] for step in steps} == {"reuse"}


def test_all_copy_of_the_launch_fits(master: Built) -> None:
    done = imagebuild(master("launch"), "fit")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "252 texts in 14 locales and 4 sizes (56 pictures): all of it fits\n"


def test_a_changed_german_headline_remakes_the_german_banners_and_the_sheet_and_pays_nobody(built: Built) -> None:
    folder = built("launch")
    before = {path: path.read_bytes() for path in (folder / "out").rglob("*.*")}
    strings = folder / "strings" / "de-DE.yaml"
    text = strings.read_text(encoding="utf-8")
    strings.write_text(text.replace("Kocht in neunzig Sekunden", "Kocht in neun Sekunden"), encoding="utf-8")
    todo = [step for step in steps_of(folder) if step["verdict"] == "make"]
    drawn = {step["address"].removesuffix(":drawn") for step in todo if step["kind"] != "check"}
    assert drawn == {*(f"hero[locale=de-DE,ratio={place}]" for place in PLACES), "overview"}
    compared = {step["address"] for step in todo if step["kind"] == "check"}  # German, and what comes after it
    assert len(compared) == 4 * 13
    assert not any("en-US" in address for address in compared)
    done = imagebuild(folder, "build", "--quiet")
    assert done.returncode == 0, done.stderr
    assert "made 0 · drew 5 · checked 52 · " in done.stdout + done.stderr
    changed = {str(path.relative_to(folder / "out")) for path, data in before.items() if path.read_bytes() != data}
    assert changed == {*(f"de-DE/{place}.jpg" for place in PLACES), "overview.webp"}


@pytest.mark.parametrize("market", ["ar-EG", "he-IL"])
def test_what_is_read_from_right_to_left_has_the_plate_the_other_way_round(market: str, master: Built) -> None:
    subject = (700, 60, 1180, 520)  # of `og`: to the right of the copy, above the small print
    with Image.open(master("launch") / "out/en-US/og.jpg") as english, Image.open(
        master("launch") / f"out/{market}/og.jpg"
    ) as other:  # fmt: skip
        same = difference(english.crop(subject), ImageOps.mirror(other).crop(subject))
        turned = difference(english.crop(subject), other.crop(subject))
    assert same < 1 < 10 < turned


def test_the_page_that_the_documentation_shows_is_the_one_that_is_built(master: Built) -> None:
    committed = EXAMPLES / "launch" / "sheet.webp"
    with Image.open(committed) as shown, Image.open(master("launch") / "out/overview.webp") as sheet:
        assert shown.size == sheet.size
        assert difference(shown, sheet) < 0.5, "build examples/launch and copy its overview to sheet.webp"
    assert committed.stat().st_size <= 400_000


def difference(one: Image.Image, other: Image.Image) -> float:
    """How far apart two pictures are on the mean, of 255."""
    mean: list[float] = ImageStat.Stat(ImageChops.difference(one.convert("RGB"), other.convert("RGB"))).mean
    return max(mean)


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
    for language, text in ((language, text) for language, text in blocks if language in ("yaml", "python")):
        path = folder / text.splitlines()[0].removeprefix("# ")
        path.parent.mkdir(parents=True, exist_ok=True)
        if language == "python":
            path.write_text(text, encoding="utf-8")
            continue
        before = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else None
        after = merged(before, yaml.safe_load(text))
        path.write_text(yaml.safe_dump(after, allow_unicode=True, sort_keys=False), encoding="utf-8")


def lines(blocks: list[tuple[str, str]]) -> list[str]:
    return [line for language, text in blocks if language == "sh" for line in text.splitlines() if line.strip()]


def commands(blocks: list[tuple[str, str]]) -> list[list[str]]:
    return [shlex.split(line, comments=True) for line in lines(blocks)]


READ = "see that a picture says what it should"


@pytest.mark.parametrize("title", FREE)
def test_the_cookbook_works(title: str, built: Built, tmp_path: Path) -> None:
    if title == READ:
        need_tesseract()
    folder = built("spring-kettle")
    for other in ("one-file", "make-repo", "launch"):
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


def need_tesseract() -> None:
    """What reads English; skipped without it, unless IMAGEBUILD_TEST_ENGINES says that it has to be there."""
    reader = find_tesseract()
    if reader is None or not reader.can_read("en"):
        required = os.environ.get("IMAGEBUILD_TEST_ENGINES", "").split(",")
        if "tesseract" in required or "all" in required:
            pytest.fail("not installed: tesseract")
        pytest.skip("not installed: tesseract")


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


PAID_KINDS = ("generate", "edit")


def plan_after(folder: Path, *words: str) -> dict[str, int]:
    """How many pictures of each asset a provider would be asked for, after a recipe."""
    done = imagebuild(folder, "plan", "--json", *words)
    assert done.returncode == 0, done.stderr
    made = [step for step in json.loads(done.stdout)["steps"] if step["verdict"] == "make"]
    return dict(Counter(step["asset"] for step in made if step["kind"] in PAID_KINDS))


@pytest.mark.parametrize(
    ("title", "paid"),
    [
        ("change one headline in one language", {"poster": 2}),
        ("add a language", {"poster": 2}),
        ("share a scene over all languages", {}),
        ("make one picture again", {"poster": 1}),
        ("let a market fall back", {}),
        ("leave cells out", {}),
        ("set copy exactly, in every language", {}),
        ("put a logo on every picture", {}),
        ("mirror what is read from right to left", {}),
        ("show all languages on one page", {}),
        ("make several and pick one", {"window": 2}),
        ("change one part of a picture and nothing else", {"dusk": 2}),
        ("use a step of your own", {}),
        ("write the title and the rights into the file", {}),
        ("keep a banner below 150 kB", {}),
    ],
)
def test_a_recipe_pays_for_what_it_says(title: str, paid: dict[str, int], built: Built) -> None:
    folder = built("spring-kettle")
    copy_sources("launch", folder.parent)
    apply_blocks(folder, RECIPES[title])
    assert plan_after(folder) == paid


def after(folder: Path, titles: list[str], *what: str) -> Path:
    """The output folder after these recipes and a build."""
    copy_sources("launch", folder.parent)
    for title in titles:
        apply_blocks(folder, RECIPES[title])
    done = imagebuild(folder, "build", *what)
    assert done.returncode == 0, done.stderr
    return folder / "out"


def test_what_the_recipes_of_finishing_promise_is_so(built: Built) -> None:
    folder = built("spring-kettle")
    titles = [
        "change one part of a picture and nothing else", "use a step of your own", "make several and pick one",
        "write the title and the rights into the file", "keep a banner below 150 kB",
    ]  # fmt: skip
    out = after(folder, titles, "dusk", "thumbnail", "window", "banner", "hero[product=mug,locale=ja-JP,ratio=og]")
    source = lock_of(folder)["scene[product=mug,ratio=1:1]"].digest
    stored = folder / ".imagebuild" / "store" / "objects" / source[:2] / source
    with Image.open(stored) as scene, Image.open(out / "shared/mug-dusk.png") as dusk:
        left, below = (round(scene.width * 0.4) + 16, round(scene.height * 0.5) + 16)
        for outside in ((left, 0, *scene.size), (0, below, *scene.size)):
            assert dusk.crop(outside).convert("RGB").tobytes() == scene.crop(outside).convert("RGB").tobytes()
        inside = (0, 0, left - 32, below - 32)
        assert difference(scene.crop(inside), dusk.crop(inside)) > 5
    with Image.open(out / "shared/mug-small.avif") as small:  # between #12466a and #fdf3e0, in one line
        reds, _, blues = (band.tobytes() for band in small.convert("RGB").split())
        line = [0x6A + (red - 0x12) * (0xE0 - 0x6A) / (0xFD - 0x12) for red in reds]
        assert sum(abs(blue - on) for blue, on in zip(blues, line, strict=True)) / len(blues) < 3
    delivered = (out / "shared/kettle-window.png").read_bytes()
    variants = sorted((out / "variants").rglob("*.png"))
    assert [path.read_bytes() == delivered for path in variants] == [False, True, False]
    banner = out / "shared/mug-970x250.jpg"
    with Image.open(banner) as picture:
        assert (picture.size, picture.format) == ((970, 250), "JPEG")
    assert banner.stat().st_size <= 150_000
    headline = "ゆったりとした朝は、ここから。".encode()
    written = (out / "ja-JP/mug-og.webp").read_bytes()
    assert all(each in written for each in (headline, "© 2027 Northwind".encode(), b"ICCP"))


def test_a_logo_lies_where_the_recipe_says_and_nowhere_else(built: Built) -> None:
    folder = built("spring-kettle")
    path = "en-US/kettle-16x9.webp"
    with Image.open(folder / "out" / path) as plain_hero, Image.open(
        after(folder, ["put a logo on every picture"], "hero[product=kettle,locale=en-US,ratio=16:9]") / path
    ) as hero:  # fmt: skip
        assert difference(plain_hero.crop((36, 36, 292, 85)), hero.crop((36, 36, 292, 85))) > 5
        assert difference(plain_hero.crop((0, 200, 1280, 720)), hero.crop((0, 200, 1280, 720))) < 2


def test_a_mirrored_hero_is_the_other_way_round_in_arabic_alone(built: Built) -> None:
    folder = built("spring-kettle")
    heroes = ["hero[product=kettle,locale=ar-EG,ratio=16:9]", "hero[product=kettle,locale=en-US,ratio=16:9]"]
    out = after(folder, ["mirror what is read from right to left"], *heroes)
    with Image.open(out / "ar-EG/kettle-16x9.webp") as arabic, Image.open(out / "en-US/kettle-16x9.webp") as english:
        assert difference(ImageOps.mirror(arabic), english) < 2 < difference(arabic, english)


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


def steps_in(value: Any) -> Iterator[str]:
    """Names of steps, those without parameters too."""
    if isinstance(value, dict):
        for name, child in value.items():
            if name == "steps" and isinstance(child, list):
                yield from (each if isinstance(each, str) else next(iter(each)) for each in child)
            yield from steps_in(child)
    elif isinstance(value, list):
        for child in value:
            yield from steps_in(child)


def test_every_key_of_the_format_is_in_an_example_or_in_the_cookbook() -> None:
    texts = [(EXAMPLES / name / "campaign.yaml").read_text(encoding="utf-8") for name in NAMES]
    texts += [text for blocks in RECIPES.values() for language, text in blocks if language == "yaml"]
    shown = {key for text in texts for key in written_keys(yaml.safe_load(text))}
    wanted = {*CAMPAIGN_KEYS, *ASSET_KEYS, *SETTING_KEYS, *BUDGET_KEYS, *CHECK_NAMES}
    steps = {name for text in texts for name in steps_in(yaml.safe_load(text))}
    assert steps >= {*STEPS}, {*STEPS} - steps
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
