"""`imagebuild graph`."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Run

ASSETS = """\
flowchart LR
    n0[/"brand.png<br/>reference file"/]:::file
    n1(["scene<br/>paid: generate<br/>1 picture"]):::paid
    n2(["poster<br/>paid: generate<br/>3 pictures: locale"]):::paid
    n3["hero<br/>drawn here<br/>1 picture"]:::drawn
    n4["badge<br/>drawn here<br/>3 pictures: locale"]:::drawn
    n5(["winter<br/>paid: edit<br/>1 picture"]):::paid
"""


def test_assets_are_drawn_with_their_kinds_counts_and_files(fresh: Path, imagebuild: Run) -> None:
    done = imagebuild(fresh, "graph")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert sorted(line.split(maxsplit=1)[-1][2:] for line in lines if '"]' in line or '"/]' in line) == sorted(
        line.split(maxsplit=1)[-1][2:] for line in ASSETS.splitlines()[1:]
    )
    nodes = [line for line in lines if ":::" in line]
    names = {node.split('"')[1].split("<")[0]: node.split("[")[0].split("(")[0].strip() for node in nodes}
    edges = {tuple(line.split()) for line in lines if "-->" in line}
    assert edges == {
        (names["scene"], "-->", names["hero"]),
        (names["scene"], "-->", names["badge"]),
        (names["scene"], "-->", names["winter"]),
        (names["brand.png"], "--", '"reference"', "-->", names["winter"]),
    }


def test_a_selection_keeps_what_it_is_made_from(fresh: Path, imagebuild: Run) -> None:
    text = imagebuild(fresh, "graph", "hero").stdout
    assert '"scene<br/>' in text
    assert '"hero<br/>' in text
    assert "badge" not in text
    assert "brand.png" not in text


def test_cells_are_drawn_each_by_its_address(fresh: Path, imagebuild: Run) -> None:
    text = imagebuild(fresh, "graph", "--cells", "--format", "dot", "winter").stdout
    assert text.startswith('digraph "small" {\n')
    assert '    "scene" -> "winter:master";\n' in text
    assert '    "file:brand.png" -> "winter:master" [label="reference"];\n' in text
    assert '    "winter:master" -> "winter";\n' in text
    assert '"winter" [label="winter\\ndrawn here · 1024x640\\nout/winter.jpg"' in text
