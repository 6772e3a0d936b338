"""What a request may say beside its words: quality, size, background and the like, in `defaults`, assets and cells."""

from __future__ import annotations

from imagebuild.core import fields
from imagebuild.core.address import MOST_VARIANTS
from imagebuild.core.document import Node
from imagebuild.core.sizes import Size, parse_size
from imagebuild.core.spec import BACKGROUNDS, MASTER_FORMATS, MOST_TAKES, QUALITIES, RESOLUTIONS, SETTING_KEYS, Settings
from imagebuild.errors import Place, Problems

__all__ = ["CHOICES", "parse_settings"]

CHOICES = {"quality": QUALITIES, "resolution": RESOLUTIONS, "background": BACKGROUNDS, "format": MASTER_FORMATS}
_MOST = {"take": MOST_TAKES, "variants": MOST_VARIANTS, "pick": MOST_VARIANTS}
_SIZE_HINT = "width x height in pixels, e.g. `1536x1024`"


def parse_settings(node: Node, where: str, problems: Problems) -> Settings:
    """The settings among a mapping's keys; its other keys are somebody else's."""
    said: dict[str, object] = {}
    places: dict[str, Place] = {}
    for name in SETTING_KEYS:
        value = node.get(name)
        if value is not None:
            said[name] = _setting(name, value, f"{where}: `{name}`", problems)
            places[name] = value.place
    return Settings(**said, places=places)  # type: ignore[arg-type]


def _setting(name: str, node: Node, what: str, problems: Problems) -> object:
    if name in _MOST:
        return fields.whole_number(node, what, problems, most=_MOST[name])
    if name == "size":
        return _size(node, what, problems)
    if name == "quality" and node.value == "auto":
        problems.add(f"{what}: `auto` leaves the price open", at=node.place, hint="choose low, medium or high")
        return None
    return fields.choice(node, what, CHOICES[name], problems)


def _size(node: Node, what: str, problems: Problems) -> Size | None:
    if not isinstance(node.value, str):
        fields.wrong(node, what, "a size", problems, _SIZE_HINT)
        return None
    size = parse_size(node.value)
    if size is None:
        problems.add(f"{what}: `{node.value}` is not a size", at=node.place, hint=_SIZE_HINT)
    return size
