"""The floors of the house: imports point one way, down, and stand at the top of a file."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import imagebuild

HOUSE = Path(imagebuild.__file__).parent
GROUND = {"errors", "flock", "lazy", "__init__", "version"}
HANDS = {"store", "workspace", "providers", "picture", "sandbox", "review"}
MAY_IMPORT = {
    **dict.fromkeys(GROUND, GROUND),
    "core": {"core"},
    **{hand: {"core", hand} for hand in HANDS},
    "build": {"core", "store.base", "providers.base", "providers.batches", "picture", "build"},
    "stages": {"core", *HANDS, "build", "stages"},
    "cli": {"core", *HANDS, "build", "stages", "cli"},
    "__main__": {"cli"},
}
FACADE = "__init__"  # `from imagebuild import …` loads what is asked for, from any floor


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(HOUSE.rglob("*.py")):
        inside = path.relative_to(HOUSE).with_suffix("").as_posix().replace("/", ".")
        yield inside.removesuffix(".__init__"), ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.AST) -> Iterator[tuple[ast.stmt, str]]:
    """Every import of this package's own, as `core.key`; `from imagebuild.core import key` is `core.key` too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"a relative import in line {node.lineno}"
            own = node.module or ""
            is_file = (HOUSE.parent / (own.replace(".", "/") + ".py")).exists()
            names = [own] if is_file else [f"{own}.{each.name}" for each in node.names]
        else:
            continue
        yield from ((node, name.removeprefix("imagebuild.")) for name in names if name.startswith("imagebuild."))


def is_allowed(floor: str, target: str) -> bool:
    allowed = MAY_IMPORT[floor] | GROUND
    return any(target == each or target.startswith(each + ".") for each in allowed)


def test_no_module_imports_upwards_or_sideways_from_hand_to_hand():
    wrong = [
        f"{name} imports {target}"
        for name, tree in modules()
        for _, target in imported(tree)
        if name != FACADE and not is_allowed(name.partition(".")[0], target)
    ]
    assert wrong == []


def test_imports_stand_at_the_top_but_in_the_door_which_loads_a_verb_when_it_is_called():
    wrong = [
        f"{name}:{inner.lineno}"
        for name, tree in modules()
        if name != FACADE and name.partition(".")[0] != "cli"
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]
    assert wrong == []


def test_no_modules_import_each_other_in_a_ring():
    needs = {name: {target for _, target in imported(tree)} for name, tree in modules() if name != FACADE}
    while leaves := [name for name, found in needs.items() if not found & needs.keys()]:
        for name in leaves:
            del needs[name]
    assert needs == {}
