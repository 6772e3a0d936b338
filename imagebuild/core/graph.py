"""What is made from what: the way from a picture down to what was paid for, and the drawing of it as Mermaid or DOT.

Knows the actions that follow from a campaign; not what has been made of them, nor where the text goes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from imagebuild.core.action import Action, texts_within

__all__ = ["Drawing", "Edge", "Node", "asset_drawing", "cell_drawing", "dot", "down_to", "mermaid", "uses_of"]

KINDS: Mapping[str, str] = {
    "generate": "paid: generate",
    "edit": "paid: edit",
    "local": "drawn here",
    "check": "checked here",
    "file": "reference file",
}
_FILE = "file:"  # no asset's name has a colon


class Node(NamedTuple):
    """`kind` is a word of `KINDS`; `lines` say what it is, the first of them its name."""

    identity: str
    kind: str
    lines: tuple[str, ...]


class Edge(NamedTuple):
    """`target` is made from `source`; `role` says as what: a word of `_ROLES`."""

    source: str
    target: str
    role: str


class Drawing(NamedTuple):
    title: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


# ---------------------------------------------------------------------------------------------- following the ways


def down_to(actions: Mapping[str, Action], addresses: Iterable[str]) -> list[str]:
    """The addresses and everything they are made from, in the campaign's order: inputs come first."""
    found: set[str] = set()
    waiting = list(addresses)
    while waiting:
        address = waiting.pop()
        if address not in found:
            found.add(address)
            waiting.extend(source for _, source in actions[address].inputs)
    return [address for address in actions if address in found]


def uses_of(actions: Mapping[str, Action]) -> dict[str, int]:
    """For every address, how many outputs it goes into, its own included."""
    reached: dict[str, set[str]] = {address: set() for address in actions}
    for address in reversed(list(actions)):
        action = actions[address]
        if action.output is not None:
            reached[address].add(address)
        for _, source in action.inputs:
            reached[source] |= reached[address]
    return {address: len(outputs) for address, outputs in reached.items()}


# -------------------------------------------------------------------------------------------------- what to draw


def cell_drawing(
    title: str, actions: Mapping[str, Action], wanted: Collection[str], files: Mapping[str, str]
) -> Drawing:
    """Every action of the wanted addresses as a node. `files` is digest → path of the pictures the campaign names."""
    nodes: list[Node] = []
    edges: list[Edge] = []
    paths: dict[str, None] = {}
    for address in wanted:
        action = actions[address]
        size = f"{action.size[0]}x{action.size[1]}" if action.size else ""
        lines = (address, " · ".join(filter(None, (KINDS[action.kind], size))), action.output or "")
        nodes.append(Node(address, action.kind, tuple(filter(None, lines))))
        for source, role in _origins(action, files):
            if source.startswith(_FILE):
                paths[source] = None
            edges.append(Edge(source, address, role))
    return Drawing(title, (*_file_nodes(paths), *nodes), tuple(edges))


def asset_drawing(
    title: str,
    actions: Mapping[str, Action],
    wanted: Collection[str],
    files: Mapping[str, str],
    over: Mapping[str, tuple[str, ...]],
) -> Drawing:
    """One node an asset, with how many cells of it are wanted; `over` is asset → its axes."""
    cells: dict[str, set[tuple[tuple[str, str], ...]]] = {}
    kinds: dict[str, str] = {}
    edges: dict[Edge, None] = {}
    paths: dict[str, None] = {}
    for address in wanted:
        action = actions[address]
        cells.setdefault(action.asset, set()).add(action.cell)
        if action.paid or action.asset not in kinds:
            kinds[action.asset] = action.kind
        for source, role in _origins(action, files):
            if source.startswith(_FILE):
                paths[source] = None
                edges[Edge(source, action.asset, role)] = None
            elif actions[source].asset != action.asset:
                edges[Edge(actions[source].asset, action.asset, role)] = None
    nodes = []
    for asset, found in cells.items():
        axes = " × ".join(over.get(asset, ()))
        count = f"{len(found)} {'picture' if len(found) == 1 else 'pictures'}"
        nodes.append(Node(asset, kinds[asset], (asset, KINDS[kinds[asset]], f"{count}: {axes}" if axes else count)))
    return Drawing(title, (*_file_nodes(paths), *nodes), tuple(edges))


def _origins(action: Action, files: Mapping[str, str]) -> list[tuple[str, str]]:
    """What it is made from, and as what: addresses of actions, and files, as `file:` and their path."""
    found: list[tuple[str, str]] = []
    for slot, source in action.inputs:
        first = action.kind == "edit" and slot == "references[0]"
        found.append((source, "input" if slot == "input" or first else _role(slot)))
    references = action.manifest.get("references")
    digests = references if isinstance(references, list) else []
    found.extend((_FILE + files[digest], "references") for digest in digests if digest in files)
    mask = action.manifest.get("mask")
    if isinstance(mask, str) and mask in files:
        found.append((_FILE + files[mask], "mask"))
    named = dict.fromkeys(texts_within(action.manifest.get("steps", ())))
    found.extend((_FILE + files[digest], "picture") for digest in named if digest in files)
    return found


def _role(slot: str) -> str:
    return "references" if slot.startswith("references") else "compared" if slot.startswith("checks") else "picture"


def _file_nodes(paths: Iterable[str]) -> tuple[Node, ...]:
    return tuple(Node(path, "file", (path.removeprefix(_FILE), KINDS["file"])) for path in paths)


# --------------------------------------------------------------------------------------------------- as a text

# Shape and words say the kind; the colour only helps.
_MERMAID_SHAPES = {
    "generate": '(["{}"])', "edit": '(["{}"])', "local": '["{}"]', "check": '{{"{}"}}', "file": '[/"{}"/]',
}  # fmt: skip
_MERMAID_CLASSES = (
    ("paid", "fill:#ffe9c7,stroke:#b36b00,color:#1a1a1a"),
    ("drawn", "fill:#e3eefb,stroke:#3a6ea5,color:#1a1a1a"),
    ("checked", "fill:#e2f3e5,stroke:#3b7d46,color:#1a1a1a"),
    ("file", "fill:#f3f3f3,stroke:#8a8a8a,color:#1a1a1a"),
)
_CLASS_OF = {"generate": "paid", "edit": "paid", "local": "drawn", "check": "checked", "file": "file"}
_ENTITIES = str.maketrans(
    {"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "&": "#amp;", "`": "#96;", "\\": "#92;", "%": "#37;"}
)
_DOT_SHAPES = {
    "generate": 'shape=box, style="rounded,filled", fillcolor="#ffe9c7", color="#b36b00"',
    "edit": 'shape=box, style="rounded,filled", fillcolor="#ffe9c7", color="#b36b00"',
    "local": 'shape=box, style="filled", fillcolor="#e3eefb", color="#3a6ea5"',
    "check": 'shape=hexagon, style="filled", fillcolor="#e2f3e5", color="#3b7d46"',
    "file": 'shape=note, style="filled", fillcolor="#f3f3f3", color="#8a8a8a"',
}
# An input needs no word, it is the rule.
_ROLES = {"input": "", "references": "reference", "mask": "mask", "picture": "picture", "compared": "compared"}


def mermaid(drawing: Drawing) -> str:
    """A Mermaid flowchart, as GitHub shows it. Names are quoted labels of numbered nodes: no name can break it."""
    numbers = {node.identity: f"n{index}" for index, node in enumerate(drawing.nodes)}
    lines = ["flowchart LR"]
    for node in drawing.nodes:
        label = "<br/>".join(_mermaid_label(line) for line in node.lines)
        shape = _MERMAID_SHAPES[node.kind].replace("{}", label)
        lines.append(f"    {numbers[node.identity]}{shape}:::{_CLASS_OF[node.kind]}")
    for source, target, role in drawing.edges:
        word = _ROLES[role]
        arrow = f'-- "{word}" -->' if word else "-->"
        lines.append(f"    {numbers[source]} {arrow} {numbers[target]}")
    used = {_CLASS_OF[node.kind] for node in drawing.nodes}
    lines.extend(f"    classDef {name} {style}" for name, style in _MERMAID_CLASSES if name in used)
    return "\n".join(lines) + "\n"


def _mermaid_label(text: str) -> str:
    return " ".join(text.split()).translate(_ENTITIES)


def dot(drawing: Drawing) -> str:
    """A Graphviz digraph."""
    lines = [f"digraph {_dot_text(drawing.title)} {{", "    rankdir=LR;", '    node [fontname="sans-serif"];']
    for node in drawing.nodes:
        label = _dot_text("\n".join(node.lines))
        lines.append(f"    {_dot_text(node.identity)} [label={label}, {_DOT_SHAPES[node.kind]}];")
    for source, target, role in drawing.edges:
        word = _ROLES[role]
        label = f" [label={_dot_text(word)}]" if word else ""
        lines.append(f"    {_dot_text(source)} -> {_dot_text(target)}{label};")
    lines.append("}")
    return "\n".join(lines) + "\n"


def _dot_text(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
