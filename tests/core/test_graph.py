"""Drawing what is made from what: no name can break the drawing's own language."""

from __future__ import annotations

import re

import pytest

from imagebuild.core.action import Action
from imagebuild.core.graph import Drawing, Edge, Node, asset_drawing, cell_drawing, dot, down_to, mermaid, uses_of


def _action(
    address: str, kind: str, inputs: tuple[tuple[str, str], ...] = (), output: str | None = None, **extra: object
) -> Action:
    asset = address.split("[")[0].split(":")[0]
    return Action(address, asset, kind, (), {"operation": kind, **extra}, inputs, output, (64, 64), None)


ACTIONS = {
    action.address: action
    for action in (
        _action("scene", "generate"),
        _action("hero", "local", (("input", "scene"),), "hero.webp"),
        _action("winter:master", "edit", (("references[0]", "scene"),), references=[None, "d1"], mask="d2"),
        _action("winter", "local", (("input", "winter:master"),), "winter.jpg"),
        _action("poster", "generate", (("references[0]", "hero"),), "poster.png", references=[None]),
    )
}
FILES = {"d1": "brand.png", "d2": "mask.png"}


def test_everything_a_picture_is_made_from_is_found_inputs_first() -> None:
    assert down_to(ACTIONS, ["winter"]) == ["scene", "winter:master", "winter"]
    assert down_to(ACTIONS, ["poster", "scene"]) == ["scene", "hero", "poster"]


def test_uses_count_the_outputs_a_picture_goes_into() -> None:
    assert uses_of(ACTIONS) == {"scene": 3, "hero": 2, "winter:master": 1, "winter": 1, "poster": 1}


def test_an_asset_is_one_node_and_its_master_none_of_its_own() -> None:
    drawing = asset_drawing("c", ACTIONS, list(ACTIONS), FILES, {"hero": ("locale", "ratio")})
    assert [node.identity for node in drawing.nodes] == [
        "file:brand.png", "file:mask.png", "scene", "hero", "winter", "poster",
    ]  # fmt: skip
    assert {(edge.source, edge.target, edge.role) for edge in drawing.edges} == {
        ("scene", "hero", "input"),
        ("scene", "winter", "input"),
        ("file:brand.png", "winter", "references"),
        ("file:mask.png", "winter", "mask"),
        ("hero", "poster", "references"),
    }
    assert [node.kind for node in drawing.nodes if node.identity == "winter"] == ["edit"]


def test_a_file_with_the_name_of_an_asset_is_another_node() -> None:
    actions = {"brand.png": _action("brand.png", "generate", references=["d1"])}
    drawing = cell_drawing("c", actions, list(actions), FILES)
    assert [(node.identity, node.lines[0]) for node in drawing.nodes] == [
        ("file:brand.png", "brand.png"), ("brand.png", "brand.png"),
    ]  # fmt: skip


AWKWARD = ['a"b', "x`y`", "end", "[z]", "#quot;", "<b>", "back\\slash", "%%{init}%%", "a\nb", "صباحات", "a|b", "--> n1"]


@pytest.mark.parametrize("name", AWKWARD)
def test_mermaid_labels_hold_any_name(name: str) -> None:
    drawing = Drawing("t", (Node(name, "local", (name,)), Node("o", "file", ("o",))), (Edge(name, "o", "input"),))
    lines = mermaid(drawing).splitlines()
    assert len(lines) == 6  # a name never ends its line
    inside = re.fullmatch(r'    n0\["([^"]*)"\]:::drawn', lines[1])
    assert inside is not None
    assert not set("<>`\\%") & set(inside[1])
    assert lines[3] == "    n0 --> n1"


@pytest.mark.parametrize("name", AWKWARD)
def test_dot_texts_hold_any_name(name: str) -> None:
    drawing = Drawing(name, (Node(name, "local", (name,)), Node("o", "file", ("o",))), (Edge(name, "o", "mask"),))
    lines = dot(drawing).splitlines()
    assert len(lines) == 7
    quoted = re.match(r'    ("(?:[^"\\]|\\.)*") \[label=("(?:[^"\\]|\\.)*"), ', lines[3])
    assert quoted is not None
    read = quoted[1][1:-1].replace("\\n", "\n").replace('\\"', '"').replace("\\\\", "\\")
    assert read == name
    assert lines[5] == f'    {quoted[1]} -> "o" [label="mask"];'
