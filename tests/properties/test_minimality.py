"""A build makes what has to be made and nothing else: after hundreds of random edits, as a brute-force oracle says.

`IMAGEBUILD_PROPERTY_SEEDS=500 pytest tests/properties` runs that many histories instead of a few.
"""

from __future__ import annotations

import copy
import os
import random
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.properties.actual import (
    Built,
    Colours,
    at_a_glance,
    build,
    lock_of,
    outputs_of,
    plan,
    plan_without_memory,
    seen,
    sha,
)
from tests.properties.edits import change
from tests.properties.oracle import Cell, Decision, Oracle, cells_of
from tests.properties.worlds import World, first_world, write_world

SEEDS = int(os.environ.get("IMAGEBUILD_PROPERTY_SEEDS", "6"))
ROUNDS = 30  # builds a history, each after one to three edits or mishaps


@dataclass(slots=True)
class Snapshot:
    world: World
    lock: bytes
    oracle: Oracle
    outputs: dict[str, bytes]


class History:
    """One campaign through its life: the folder, the world that is written in it, and the oracle that knows of both."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.choice = random.Random(seed)
        self.world = first_world()
        self.oracle = Oracle()
        self.provider = Colours()
        self.keys: dict[object, str] = {}
        self.past: list[Snapshot] = []
        self.log: list[str] = [f"seed {seed}"]
        (folder / ".imagebuild").mkdir(parents=True)
        write_world(self.world, folder)

    # ------------------------------------------------------------------------------------------ edits and mishaps

    def edit(self) -> None:
        if self.choice.random() < 0.65:
            name, self.world = change(self.world, self.choice)
            write_world(self.world, self.folder)
        else:
            name = self.choice.choices(list(MISHAPS), list(MISHAPS.values()))[0]
            getattr(self, name)()
        self.log.append(name)

    def touch_files(self) -> None:
        for path in self.folder.rglob("*"):
            if path.is_file() and self.choice.random() < 0.5:
                os.utime(path)

    def delete_outputs(self) -> None:
        for path in self._some_outputs():
            (self.folder / path).unlink()
            del self.oracle.outputs[path]

    def edit_outputs(self) -> None:
        for path in self._some_outputs():
            data = f"scribbled {self.choice.random()}".encode()
            (self.folder / path).write_bytes(data)
            self.oracle.outputs[path] = sha(data)

    def _some_outputs(self) -> list[str]:
        there = sorted(self.oracle.outputs)
        return self.choice.sample(there, min(len(there), self.choice.choice([1, 2, 9])))

    def lose_objects(self) -> None:
        for digest in self.choice.sample(
            sorted(self.oracle.objects), min(len(self.oracle.objects), self.choice.choice([1, 3, 20]))
        ):
            (self.folder / ".imagebuild/store/objects" / digest[:2] / digest).unlink()
            self.oracle.objects.discard(digest)

    def lose_store(self) -> None:
        shutil.rmtree(self.folder / ".imagebuild/store", ignore_errors=True)
        self.oracle.objects.clear()
        self.oracle.records.clear()

    def lose_private_folder(self) -> None:
        shutil.rmtree(self.folder / ".imagebuild")
        (self.folder / ".imagebuild").mkdir()
        self.oracle.objects.clear()
        self.oracle.records.clear()

    def lose_lock(self) -> None:
        (self.folder / "imagebuild.lock").unlink(missing_ok=True)
        self.oracle.lock.clear()

    def move_folder(self) -> None:
        moved = self.folder.with_name(f"moved{self.choice.randrange(10**9)}")
        os.rename(self.folder, moved)
        self.folder = moved

    def clone(self) -> None:
        """A fresh clone: what is committed (sources, lock, deliverables) and nothing else."""
        cloned = self.folder.with_name(f"cloned{self.choice.randrange(10**9)}")
        shutil.copytree(self.folder, cloned, ignore=shutil.ignore_patterns(".imagebuild"))
        (cloned / ".imagebuild").mkdir()
        shutil.rmtree(self.folder)
        self.folder = cloned
        self.oracle.objects.clear()
        self.oracle.records.clear()

    def go_back(self) -> None:
        """An older state of the campaign; with its lock and its deliverables, where they are committed too."""
        if not self.past:
            return
        old = self.choice.choice(self.past)
        self.world = copy.deepcopy(old.world)
        write_world(self.world, self.folder)
        how = self.choice.randrange(3)
        if how >= 1:
            (self.folder / "imagebuild.lock").write_bytes(old.lock)
            self.oracle.lock = dict(old.oracle.lock)
        if how == 2:
            shutil.rmtree(self.folder / "out", ignore_errors=True)
            for path, data in old.outputs.items():
                (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
                (self.folder / path).write_bytes(data)
            self.oracle.outputs = {path: sha(data) for path, data in old.outputs.items()}

    # ------------------------------------------------------------------------------------------------------ builds

    def build(self) -> int:
        """Plan, compare with the oracle, build, compare again. How many actions were made."""
        cells = cells_of(self.world)
        selected, words = self._selection(cells)
        decision = self.oracle.decide(cells, selected)
        planned = plan(self.folder, words)
        assert seen(planned) == seen(plan_without_memory(self.folder, words))
        steps = {step.address: step for step in planned.plan.steps}
        makes = [step.address for step in planned.plan.steps if step.verdict == "make" and step.merged is None]
        paid = {address for address in makes if cells[address].paid}
        if not planned.plan.kept_by_asset:
            assert {address: step.verdict for address, step in steps.items()} == decision.verdicts
        else:
            assert {address: verdict for address, verdict in decision.verdicts.items() if verdict != "reuse"} == {
                step.address: step.verdict for step in planned.plan.work
            }
        owners = {decision.identities[address]: address for address in makes}
        assert owners.keys() == decision.makes.keys()
        assert len(owners) == len(makes)
        assert {address for address, step in steps.items() if step.price} == paid
        built = build(planned, self.provider)
        decision.makes = owners
        self._compare(cells, decision, built, paid)
        if selected is None:
            self._nothing_is_left(cells)
        self._remember()
        return len(makes)

    def _selection(self, cells: dict[str, Cell]) -> tuple[set[str] | None, tuple[str, ...]]:
        if self.choice.random() > 0.12:
            return None, ()
        name = self.choice.choice(sorted(self.world.assets))
        self.log.append(f"build {name}")
        return {
            address for address, cell in cells.items() if cell.asset == name and ":" not in address.rpartition("]")[2]
        }, (name,)

    def _compare(self, cells: dict[str, Cell], decision: Decision, built: Built, paid: set[str]) -> None:
        assert built.summary.complete, built.summary.problems
        assert sorted(label for label, _, _ in built.asked) == sorted(paid)
        assert {name for name, kind in built.events.items() if kind == "made"} == set(decision.makes.values())
        lines = lock_of(self.folder)
        made = {owner: lines[owner]["digest"] for owner in decision.makes.values()}
        assert {label: digest for label, _, digest in built.asked} == {
            name: digest for name, digest in made.items() if name in paid
        }
        self.oracle.apply(cells, decision, made)
        for label, reached, _ in built.asked:
            assert reached == self.oracle.lock[label].identity
        assert outputs_of(self.folder) == self.oracle.outputs
        assert {name: (row["digest"], row.get("output")) for name, row in lines.items()} == {
            name: (entry.digest, entry.output) for name, entry in self.oracle.lock.items()
        }
        for name, row in lines.items():
            assert self.keys.setdefault(self.oracle.lock[name].identity, row["key"]) == row["key"]
        assert len(set(self.keys.values())) == len(self.keys), "two identities have one key"

    def _nothing_is_left(self, cells: dict[str, Cell]) -> None:
        again = plan(self.folder)
        assert again.plan.work == []
        assert again.plan.price == 0
        for name, cell in cells.items():
            if cell.output is not None:
                assert self.oracle.outputs[cell.output] == self.oracle.lock[name].digest
        if not again.plan.skipped:
            assert at_a_glance(self.folder) in (None, f"Nothing to do: all {again.plan.in_place} in place.")

    def _remember(self) -> None:
        lock = (self.folder / "imagebuild.lock").read_bytes()
        outputs = {path: (self.folder / path).read_bytes() for path in self.oracle.outputs}
        self.past.append(Snapshot(copy.deepcopy(self.world), lock, copy.deepcopy(self.oracle), outputs))


MISHAPS = {
    "touch_files": 1,
    "delete_outputs": 1,
    "edit_outputs": 1,
    "lose_objects": 1,
    "lose_store": 1,
    "lose_private_folder": 1,
    "lose_lock": 1,
    "move_folder": 1,
    "clone": 1,
    "go_back": 4,
}


@pytest.mark.parametrize("seed", range(SEEDS))
def test_what_is_made_is_what_the_oracle_says_after_every_edit(tmp_path: Path, seed: int) -> None:
    history = History(tmp_path / "campaign", seed)
    made = 0
    try:
        history.build()
        for _ in range(ROUNDS):
            for _ in range(history.choice.choice([1, 1, 1, 2, 3])):
                history.edit()
            history.log.append("build")
            made += history.build()
    except BaseException:
        print(" · ".join(history.log), f"\nin {history.folder}")
        raise
    assert made > 0, "a history in which nothing was ever made tests nothing"
