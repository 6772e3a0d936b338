"""The planner's memory changes nothing but the time a plan takes: with it and without it, a plan is the same.

Random histories of edits and mischief; at every step both plans are made and compared, and what is said at a glance is
held against the plan without memory. What shows on a file: of an input its size, time and inode; of an output its size
and time. `IMAGEBUILD_PROPERTY_SEEDS=500 pytest tests/properties` runs that many histories instead of a few.
"""

from __future__ import annotations

import copy
import os
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from imagebuild.cli.build import describe
from imagebuild.errors import ImagebuildError
from imagebuild.stages.build import finish
from imagebuild.stages.plan import Planned
from tests.properties.actual import Colours, at_a_glance, build, plan, plan_without_memory, project_of, seen
from tests.properties.edits import change
from tests.properties.worlds import World, first_world, picture, write_world

SEEDS = int(os.environ.get("IMAGEBUILD_PROPERTY_SEEDS", "6"))
STEPS = 45
PROVIDERS = ["openai", "hinow", "proof"]


class History:
    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.choice = random.Random(seed)
        self.world = first_world()
        self.provider = Colours()
        self.locks: list[bytes] = []
        self.worlds: list[World] = []
        self.log = [f"seed {seed}"]
        self.partial = 0  # plans that the memory answered in part
        self.glances = 0
        (folder / ".imagebuild").mkdir(parents=True)
        write_world(self.world, folder)

    # ---------------------------------------------------------------------------------------------------- mischief

    def edit(self) -> None:
        name, self.world = change(self.world, self.choice)
        write_world(self.world, self.folder)
        self.log.append(name)

    def _source(self) -> Path:
        files = [path for top in ("prompts", "strings", "brand", "data") for path in (self.folder / top).iterdir()]
        return self.choice.choice(sorted(files))

    def touch(self) -> None:
        os.utime(self._source())

    def touch_all(self) -> None:
        for path in self.folder.rglob("*"):
            if path.is_file() and ".imagebuild" not in path.parts:
                os.utime(path)

    def set_time_back(self) -> None:
        """A change of size whose time is the old one: as some archives and editors leave it."""
        tag = self.choice.choice(sorted(self.world.strings))
        path = self.folder / f"strings/{tag}.yaml"
        before = path.stat()
        self.world.strings[tag]["headline"] = "Longer words than before " + "x" * self.choice.randrange(9)
        write_world(self.world, self.folder)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    def replace_same_size(self) -> None:
        """Another file in its place, of the same size and time: the inode tells."""
        path = self.folder / "brand/kettle.png"
        if not path.exists():
            return
        before, data = path.stat(), bytearray(path.read_bytes())
        data[-20] ^= self.choice.randrange(1, 255)
        other = path.with_name("other.tmp")
        other.write_bytes(bytes(data))
        os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
        os.replace(other, path)
        self.world.pictures["brand/kettle.png"] = bytes(data)

    def twice_in_one_tick(self) -> None:
        """A file is written, planned from, and written again in place with as many bytes, all at once."""
        tag = self.choice.choice(sorted(self.world.strings))
        for letter in self.choice.sample("abcdefgh", 2):
            self.world.strings[tag]["headline"] = f"Letter {letter}"
            write_world(self.world, self.folder)
            self.compare()

    def edit_output(self) -> None:
        path = self._output()
        if path is not None:
            path.write_bytes(path.read_bytes()[:-1] + b"x")

    def delete_output(self) -> None:
        path = self._output()
        if path is not None:
            path.unlink()

    def exchange_outputs(self) -> None:
        one, two = self._output(), self._output()
        if one is not None and two is not None and one != two:
            away = one.with_name("away.tmp")
            os.rename(one, away)
            os.rename(two, one)
            os.rename(away, two)

    def delete_many_outputs(self) -> None:
        shutil.rmtree(self.folder / "out", ignore_errors=True)

    def _output(self) -> Path | None:
        there = sorted(path for path in (self.folder / "out").rglob("*") if path.is_file())
        return self.choice.choice(there) if there else None

    def lose_object(self) -> None:
        self._lose("objects")

    def lose_record(self) -> None:
        self._lose("results")

    def _lose(self, shelf: str) -> None:
        there = sorted((self.folder / ".imagebuild/store" / shelf).rglob("*.*" if shelf == "results" else "*"))
        files = [path for path in there if path.is_file()]
        for path in self.choice.sample(files, min(len(files), self.choice.choice([1, 5]))):
            path.unlink()

    def lose_store(self) -> None:
        shutil.rmtree(self.folder / ".imagebuild/store", ignore_errors=True)

    def older_lock(self) -> None:
        if self.locks:
            (self.folder / "imagebuild.lock").write_bytes(self.choice.choice(self.locks))

    def lose_lock(self) -> None:
        (self.folder / "imagebuild.lock").unlink(missing_ok=True)

    def shorter_lock(self) -> None:
        path = self.folder / "imagebuild.lock"
        if path.exists():
            lines = path.read_bytes().split(b"\n")
            if len(lines) > 3:
                del lines[self.choice.randrange(1, len(lines) - 1)]
                path.write_bytes(b"\n".join(lines))

    def older_world(self) -> None:
        if self.worlds:
            self.world = copy.deepcopy(self.choice.choice(self.worlds))
            write_world(self.world, self.folder)

    def delete_include(self) -> None:
        """A template that another includes is gone: a mistake, told the same either way."""
        path = self.folder / "prompts/style.j2"
        if path.exists():
            path.unlink()
            self.compare()
            write_world(self.world, self.folder)

    def break_campaign(self) -> None:
        path = self.folder / "prompts/poster.j2"
        if path.exists():
            path.write_text("{{ t.nothing }} {% if %}")
            self.compare()
            write_world(self.world, self.folder)

    def another_program(self) -> None:
        """The memory is of a program one of whose files had another time."""
        if os.path.exists(self.memory):
            with open(self.memory, "rb") as file:
                data = file.read()
            with open(self.memory, "wb") as file:
                file.write(re.sub(rb"(\nplace )\d([^\n]*plan\.py\n)", rb"\g<1>9\g<2>", data))  # as long as before
            assert at_a_glance(self.folder) is None

    def start_over(self) -> None:
        """Everything that was ever made is forgotten: the next build leaves a store with nothing missing."""
        shutil.rmtree(self.folder / ".imagebuild")
        shutil.rmtree(self.folder / "out", ignore_errors=True)
        (self.folder / ".imagebuild").mkdir()
        (self.folder / "imagebuild.lock").unlink(missing_ok=True)
        self.build()

    def change_text(self) -> None:
        """What the memory is for: a string, a shared template, a reference."""
        way = self.choice.randrange(3)
        if way == 0:
            self.world.strings[self.choice.choice(sorted(self.world.strings))]["cta"] = f"Now {self.choice.random()}"
        elif way == 1:
            self.world.templates["prompts/style.j2"] += f"\nMore {self.choice.random()}"
        else:
            self.world.pictures[self.choice.choice(sorted(self.world.pictures))] = picture(self.choice.randrange(9999))
        write_world(self.world, self.folder)

    def damage_memory(self) -> None:
        if os.path.exists(self.memory):
            with open(self.memory, "rb") as file:
                data = file.read()
            with open(self.memory, "wb") as file:
                file.write(data[: self.choice.randrange(len(data))])

    def move(self) -> None:
        moved = self.folder.with_name(f"moved{self.choice.randrange(10**9)}")
        os.rename(self.folder, moved)
        self.folder = moved

    def copy_elsewhere(self) -> None:
        """A copy with all its times, the original still there; then only the copy loses its store."""
        copied = self.folder.with_name(f"copied{self.choice.randrange(10**9)}")
        shutil.copytree(self.folder, copied, copy_function=shutil.copy2)
        self.folder = copied
        if self.choice.random() < 0.5:
            self.lose_store()

    def build_a_part(self) -> None:
        self._build((self.choice.choice(sorted(self.world.assets)),))

    # ---------------------------------------------------------------------------------------------------- compare

    @property
    def memory(self) -> str:
        return project_of(self.folder).memory

    def compare(self) -> None:
        provider = self.choice.choice([None, None, None, *PROVIDERS])
        select = (self.choice.choice(sorted(self.world.assets)),) if self.choice.random() < 0.1 else ()
        glance = [at_a_glance(self.folder, verb) for verb in ("build", "plan")]
        planned, told = _planned(lambda: plan(self.folder, select, provider))
        without, told_without = _planned(lambda: plan_without_memory(self.folder, select, provider))
        assert told == told_without
        if planned is not None and without is not None:
            self.partial += bool(planned.kept)
            assert seen(planned) == seen(without)
        if glance != [None, None]:
            self.glances += 1
            whole = plan_without_memory(self.folder)
            assert whole.plan.work == []
            answer, table = describe(whole)
            assert glance == [answer, table]

    def build(self) -> None:
        self._build(())

    def _build(self, select: tuple[str, ...]) -> None:
        planned = plan(self.folder, select)
        if not planned.plan.work and self.choice.random() < 0.5:
            finish(planned, None, describe)  # as the command line does when there is nothing to do
            return
        built = build(planned, self.provider)
        assert built.summary.complete, built.summary.problems
        self.locks.append((self.folder / "imagebuild.lock").read_bytes())
        self.worlds.append(copy.deepcopy(self.world))


def _planned(make: Callable[[], Planned]) -> tuple[Planned | None, list[tuple[str, str]]]:
    """The plan, or the mistakes that there is none for."""
    try:
        return make(), []
    except ImagebuildError as bad:
        return None, [(str(problem.at), problem.what) for problem in bad.problems]


MISCHIEF = {
    "touch": 2,
    "touch_all": 1,
    "set_time_back": 1,
    "replace_same_size": 1,
    "twice_in_one_tick": 1,
    "edit_output": 2,
    "delete_output": 1,
    "exchange_outputs": 1,
    "delete_many_outputs": 1,
    "lose_object": 1,
    "lose_record": 1,
    "lose_store": 1,
    "older_lock": 1,
    "lose_lock": 1,
    "shorter_lock": 1,
    "older_world": 1,
    "change_text": 5,
    "start_over": 2,
    "delete_include": 1,
    "break_campaign": 1,
    "another_program": 1,
    "damage_memory": 1,
    "move": 1,
    "copy_elsewhere": 1,
    "build_a_part": 1,
}


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_plan_is_the_same_with_the_memory_and_without_it(tmp_path: Path, seed: int) -> None:
    history = History(tmp_path / "campaign", seed)
    try:
        history.build()
        history.change_text()
        history.compare()
        for _ in range(STEPS):
            if history.choice.random() < 0.35:
                history.edit()
            else:
                name = history.choice.choices(list(MISCHIEF), list(MISCHIEF.values()))[0]
                history.log.append(name)
                getattr(history, name)()
            history.compare()
            if history.choice.random() < 0.5:
                history.log.append("build")
                history.build()
                if history.choice.random() < 0.7:
                    history.compare()
    except BaseException:
        print(" · ".join(history.log), f"\nin {history.folder}")
        raise
    assert history.partial > 0, "no plan was made with the help of the memory"
    assert history.glances > 0, "nothing was ever seen at a glance"


# ------------------------------------------------------------------------------------------------ one by one


@pytest.fixture
def built(tmp_path: Path) -> History:
    history = History(tmp_path / "campaign", 0)
    history.build()
    return history


def same_plans(history: History) -> Planned:
    """The plan, which is the same with the memory and without it."""
    planned = plan(history.folder)
    assert seen(planned) == seen(plan_without_memory(history.folder))
    return planned


def test_one_changed_string_is_planned_without_looking_at_the_other_locales(built: History) -> None:
    built.world.strings["de-DE"]["cta"] = "Jetzt"
    write_world(built.world, built.folder)
    planned = same_plans(built)
    assert planned.kept
    assert {dict(step.cell)["locale"] for step in planned.plan.work} == {"de-DE"}


def test_an_axis_file_that_a_template_includes_is_an_axis_file_all_the_same(built: History) -> None:
    built.world.templates["prompts/style.j2"] = '{% include "data/products.json" %}'
    write_world(built.world, built.folder)
    built.build()
    built.world.products.pop()
    write_world(built.world, built.folder)
    planned = same_plans(built)
    assert "hero[product=mug,locale=de-DE,ratio=og]" in {entry.address for entry in planned.plan.orphans}


def test_an_included_file_that_a_path_is_written_with_may_bring_two_outputs_to_one_path(built: History) -> None:
    built.world.templates["prompts/folder.txt"] = "posters"
    built.world.assets["poster"].output = '{% include "prompts/folder.txt" %}/{{ locale }}.png'
    write_world(built.world, built.folder)
    built.build()
    built.world.templates["prompts/folder.txt"] = "twin"
    write_world(built.world, built.folder)
    told = _planned(lambda: plan(built.folder))[1]
    assert told == _planned(lambda: plan_without_memory(built.folder))[1]
    assert "are both written to `out/twin/" in told[0][1]


def test_a_group_of_texts_in_one_language_is_no_news_for_another(built: History) -> None:
    built.world.templates["prompts/poster.j2"] += '{% if "promo" in t %}With a ribbon.{% endif %}'
    write_world(built.world, built.folder)
    built.build()
    path = built.folder / "strings/de-DE.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "promo: {text: Neu}\n", encoding="utf-8")
    planned = same_plans(built)
    assert {dict(step.cell)["locale"] for step in planned.plan.work} == {"de-DE"}


def test_a_lock_that_is_put_back_at_once_is_noticed(built: History) -> None:
    for number in range(5):
        older = (built.folder / "imagebuild.lock").read_bytes()
        built.world.strings["de-DE"]["headline"] = f"Morgen {number}"
        write_world(built.world, built.folder)
        built.build()
        (built.folder / "imagebuild.lock").write_bytes(older)
        assert at_a_glance(built.folder) is None
        same_plans(built)


def test_of_an_output_its_size_and_time_are_looked_at(built: History) -> None:
    """A file of the same size and time passes for the same, as with git; a build without the memory finds it."""
    path = built.folder / "out/banner/1x1.png"
    before, data = path.stat(), path.read_bytes()
    path.write_bytes(data[:-1] + b"x")
    assert at_a_glance(built.folder) is None
    assert [step.output for step in same_plans(built).plan.work] == ["out/banner/1x1.png"]
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert at_a_glance(built.folder) is not None
    assert [step.output for step in plan_without_memory(built.folder).plan.work] == ["out/banner/1x1.png"]


def test_another_store_another_provider_or_no_memory_wished_is_nothing_for_a_glance(built: History) -> None:
    assert at_a_glance(built.folder) is not None
    for name in ("IMAGEBUILD_STORE", "IMAGEBUILD_PROVIDER", "IMAGEBUILD_NO_MEMORY"):
        assert at_a_glance(built.folder, environment={name: "proof"}) is None


def test_without_the_memory_a_plan_has_every_step(built: History, monkeypatch: pytest.MonkeyPatch) -> None:
    built.world.strings["de-DE"]["cta"] = "Jetzt"
    write_world(built.world, built.folder)
    monkeypatch.setenv("IMAGEBUILD_NO_MEMORY", "1")
    whole = plan(built.folder)
    assert not whole.kept
    monkeypatch.delenv("IMAGEBUILD_NO_MEMORY")
    assert seen(plan(built.folder)) == seen(whole)
