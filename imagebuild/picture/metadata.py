"""What a file says of itself, as XMP: the little that is written, and the little that is taken over from a master.

What is taken over is a list of what may be, not of what may not: who made a picture, what it shows, whose it is, and
how it was made. So no place where a camera stood, no serial number, no way up that no longer holds, no thumbnail of
what was cropped away, and no content credentials (C2PA), which a changed picture would belie.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from xml.sax.saxutils import escape, quoteattr

from PIL import Image

from imagebuild.lazy import lazy
from imagebuild.picture.measure import DAMAGE

if TYPE_CHECKING:
    import defusedxml.ElementTree as ElementTree
else:
    ElementTree = lazy("defusedxml.ElementTree")

__all__ = ["Metadata", "kept_of", "metadata_of", "xmp_packet"]

Metadata = Mapping[str, tuple[str, ...]]

_RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_SPACES: Final = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "xmpRights": "http://ns.adobe.com/xap/1.0/rights/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
}
_LANG: Final = "{http://www.w3.org/XML/1998/namespace}lang"
_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BYTE_MARK: Final = "\ufeff"


class _Property(NamedTuple):
    """A property of XMP: its namespace, its name, and what holds its values (`Alt`, `Seq`, `Bag`, or none)."""

    space: str
    name: str
    holder: str


_PROPERTIES: Final = {
    "title": _Property("dc", "title", "Alt"),
    "description": _Property("dc", "description", "Alt"),
    "creator": _Property("dc", "creator", "Seq"),
    "copyright": _Property("dc", "rights", "Alt"),
    "keywords": _Property("dc", "subject", "Bag"),
    "credit": _Property("photoshop", "Credit", ""),
    "terms": _Property("xmpRights", "UsageTerms", "Alt"),
    "statement": _Property("xmpRights", "WebStatement", ""),
    "source_type": _Property("Iptc4xmpExt", "DigitalSourceType", ""),
}
_EXIF: Final = {"description": 0x010E, "creator": 0x013B, "copyright": 0x8298}
_PNG: Final = {"title": "Title", "description": "Description", "creator": "Author", "copyright": "Copyright"}


def metadata_of(parameters: Mapping[str, Any], info: Mapping[str, object]) -> Metadata:
    """What a file shall say, by the canonical `metadata` of an `encode` step; `info` is what the master says."""
    kept = kept_of(info) if parameters.get("keep") else {}
    said = {name: (str(parameters[name]),) for name in _PROPERTIES if name in parameters}
    found = {**kept, **said}
    return {name: found[name] for name in _PROPERTIES if name in found}


def kept_of(info: Mapping[str, object]) -> Metadata:
    """What may be taken over of what a master says of itself. What cannot be read is left."""
    found: dict[str, tuple[str, ...]] = {}
    packet, exif = info.get("xmp"), info.get("exif")
    if isinstance(packet, bytes | str):
        found |= _of_xmp(packet.encode() if isinstance(packet, str) else packet)
    if isinstance(exif, bytes):
        found = {**_of_exif(exif), **found}
    texts = {name: (str(info[key]),) for name, key in _PNG.items() if isinstance(info.get(key), str)}
    return {**texts, **found}


def _of_xmp(packet: bytes) -> dict[str, tuple[str, ...]]:
    try:
        root = ElementTree.fromstring(packet.strip(b"\0 \r\n\t"))
    except (SyntaxError, ValueError, LookupError):
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for about in root.iter(f"{{{_RDF}}}Description"):
        for name, (space, local, _) in _PROPERTIES.items():
            tag = f"{{{_SPACES[space]}}}{local}"
            element = about.find(tag)
            values = _values(element) if element is not None else [about.get(tag) or ""]
            kept = tuple(value.strip() for value in values if value.strip())
            if kept:
                found.setdefault(name, kept)
    return found


def _values(element: Any) -> list[str]:
    items = list(element.iter(f"{{{_RDF}}}li"))
    if not items:
        return [element.text or element.get(f"{{{_RDF}}}resource") or ""]
    if element.find(f"{{{_RDF}}}Alt") is not None:
        usual = [item for item in items if item.get(_LANG) == "x-default"]
        items = (usual or items)[:1]
    return [item.text or "" for item in items]


def _of_exif(exif: bytes) -> dict[str, tuple[str, ...]]:
    tags = Image.Exif()
    try:
        tags.load(exif)
        found = {name: tags.get(tag) for name, tag in _EXIF.items()}
    except DAMAGE:
        return {}
    texts = {name: _utf8(value).replace("\0", "").strip() for name, value in found.items() if isinstance(value, str)}
    return {name: (text,) for name, text in texts.items() if text}


def _utf8(text: str) -> str:
    """What most tools wrote: Pillow takes it for Latin 1, as the standard says."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def xmp_packet(metadata: Metadata) -> bytes:
    """The properties as an XMP packet: the same bytes for the same words."""
    used = dict.fromkeys(_PROPERTIES[name].space for name in metadata)
    spaces = "".join(f" xmlns:{space}={quoteattr(_SPACES[space])}" for space in used)
    body = "".join(_element(_PROPERTIES[name], values) for name, values in metadata.items())
    text = (
        f'<?xpacket begin="{_BYTE_MARK}" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{_RDF}">'
        f'<rdf:Description rdf:about=""{spaces}>{body}</rdf:Description>'
        '</rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
    )
    return text.encode()


def _element(found: _Property, values: tuple[str, ...]) -> str:
    tag = f"{found.space}:{found.name}"
    texts = [escape(_NO_XML.sub(" ", value)) for value in values]
    if not found.holder:
        return f"<{tag}>{texts[0]}</{tag}>"
    language = ' xml:lang="x-default"' if found.holder == "Alt" else ""
    items = "".join(f"<rdf:li{language}>{text}</rdf:li>" for text in texts)
    return f"<{tag}><rdf:{found.holder}>{items}</rdf:{found.holder}></{tag}>"
