"""Language tags (BCP 47), where a tag falls back to (CLDR), and what a locale is called and which way it is written.

What nearly every campaign asks (tags, fallback, direction) is answered from small tables kept here, in step with CLDR
by a test; the rest loads Babel. Knows nothing of strings or files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from imagebuild.lazy import lazy

if TYPE_CHECKING:
    from imagebuild.core import cldr
else:
    cldr = lazy("imagebuild.core.cldr")

__all__ = ["Locale", "canonical_tag", "fallback_chain", "language_of"]

# RFC 5646's langtag. Languages of four letters and more are well formed there but none is registered, and letting
# them pass would take `german` for a language.
PSEUDO_LOCALES = frozenset(["en-XA", "ar-XB"])

_TAG = re.compile(
    r"(?P<language>[a-z]{2,3})(?:-(?P<extlang>[a-z]{3})(?:-[a-z]{3}){0,2})?"
    r"(?:-(?P<script>[a-z]{4}))?"
    r"(?:-(?P<region>[a-z]{2}|[0-9]{3}))?"
    r"(?P<variants>(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*)"
    r"(?P<extensions>(?:-[a-wyz0-9](?:-[a-z0-9]{2,8})+)*)"
    r"(?P<private>-x(?:-[a-z0-9]{1,8})+)?\Z"
)
_PRIVATE = re.compile(r"x(?:-[a-z0-9]{1,8})+\Z")
_SINGLETON = re.compile(r"-(?=[a-z0-9]-)")

_RIGHT_TO_LEFT = "Adlm Arab Aran Hebr Mand Mend Nkoo Rohg Samr Syrc Thaa Yezi"
RIGHT_TO_LEFT = frozenset(_RIGHT_TO_LEFT.split())

_LIKELY_SCRIPTS = {
    "Arab": "ar ckb fa ks ps sd ug ur",
    "Armn": "hy",
    "Beng": "as bn mni",
    "Cyrl": "be bg kk ky mk mn ru sr tg tt uk",
    "Deva": "bho hi mai mr ne sa",
    "Ethi": "am ti",
    "Geor": "ka",
    "Grek": "el",
    "Gujr": "gu",
    "Guru": "pa",
    "Hans": "zh",
    "Hant": "yue",
    "Hebr": "he yi",
    "Jpan": "ja",
    "Khmr": "km",
    "Knda": "kn",
    "Kore": "ko",
    "Laoo": "lo",
    "Latn": "af az bs ca cs cy da de en es et eu fi fil fr ga gl ha hr hu id is it lt lv ms mt nb nl nn no "
    "pl pt ro sk sl so sq sv sw tk tr uz vi yo zu",
    "Mlym": "ml",
    "Mymr": "my",
    "Orya": "or",
    "Sinh": "si",
    "Taml": "ta",
    "Telu": "te",
    "Thaa": "dv",
    "Thai": "th",
}
LIKELY_SCRIPT = {language: script for script, languages in _LIKELY_SCRIPTS.items() for language in languages.split()}

_TRADITIONAL = "AU BN GB GF HK ID MO PA PF PH SR TH TW US VN"

# Regions that write a language of the table above in another script than the language's own.
_REGION_SCRIPTS = {
    "az": {"IQ": "Arab", "IR": "Arab", "RU": "Cyrl"},
    "ha": {"CM": "Arab", "SD": "Arab"},
    "kk": {"AF": "Arab", "CN": "Arab", "IR": "Arab", "MN": "Arab"},
    "ky": {"CN": "Arab", "TR": "Latn"},
    "mn": {"CN": "Mong"},
    "ms": {"CC": "Arab"},
    "pa": {"PK": "Arab"},
    "sd": {"IN": "Deva"},
    "sr": {"ME": "Latn", "RO": "Latn", "TR": "Latn"},
    "tg": {"PK": "Arab"},
    "ug": {"KZ": "Cyrl", "MN": "Cyrl"},
    "uz": {"AF": "Arab", "CN": "Cyrl"},
    "yue": {"CN": "Hans"},
    "zh": dict.fromkeys(_TRADITIONAL.split(), "Hant"),
}

# Languages written in several scripts: a region's tag has a form with its script on the way up.
_SEVERAL = "az bal bm bs ff ha hnj iu kaa kk kok ks kxv ky mn mni ms pa sat sd shi sr su tg ug uz vai yue zh"
_SEVERAL_SCRIPTS = frozenset(_SEVERAL.split())

# CLDR's parents that are not found by cutting the tag's end. Left out on purpose: `hi-Latn` → `en-IN` and `ht` →
# `fr-HT`, which would put another language into a picture without a word.
_PARENT_GROUPS = {
    "en-001": "en: 150 AG AI AU BB BM BS BW BZ CC CK CM CX CY DG DM ER FJ FK FM GB GD GG GH GI GM GS GY HK ID IE IL IM "
    "IN IO JE JM KE KI KN KY LC LR LS MG MO MS MT MU MV MW MY NA NF NG NR NU NZ PG PK PN PW RW SB SC SD SG SH SL SS SX "
    "SZ TC TK TO TT TV TZ UG VC VG VU WS ZA ZM ZW",
    "en-150": "en: AT BE CH CZ DE DK ES FI FR HU IT NL NO PL PT RO SE SI SK",
    "es-419": "es: AR BO BR BZ CL CO CR CU DO EC GT HN JP MX NI PA PE PR PY SV US UY VE",
    "pt-PT": "pt: AO CH CV FR GQ GW LU MO MZ ST TL",
    "zh-Hant-HK": "zh-Hant: MO",
}
_PARENTS = {
    f"{prefix}-{region}": parent
    for parent, group in _PARENT_GROUPS.items()
    for prefix, regions in [group.split(": ")]
    for region in regions.split()
} | {"nb": "no", "nn": "no"}


@cache
def canonical_tag(text: str) -> str | None:
    """The tag in its canonical form (`de_de` → `de-DE`, `zh-hans-cn` → `zh-Hans-CN`), None when it is not a tag."""
    folded = text.strip().replace("_", "-").lower()
    if not folded.isascii():
        return None
    if _PRIVATE.match(folded):
        return folded
    match = _TAG.match(folded)
    if match is None:
        return None
    variants = match["variants"].split("-")[1:]
    extensions = _SINGLETON.split(match["extensions"])[1:]
    if len(set(variants)) < len(variants) or len({each[0] for each in extensions}) < len(extensions):
        return None  # the same variant or extension twice
    parts = [
        match["extlang"] or match["language"],  # `zh-yue` is written `yue`
        (match["script"] or "").title(),
        (match["region"] or "").upper(),
        *variants,
        *sorted(extensions),
        (match["private"] or "").removeprefix("-"),
    ]
    return "-".join(part for part in parts if part)


@cache
def fallback_chain(tag: str) -> tuple[str, ...]:
    """The tag, then its parents up CLDR's tree, without the root: es-MX → es-419 → es; zh-TW → zh-Hant-TW → zh-Hant.

    A chain never leaves its language, nor its script unless the language's own script is meant.
    """
    language, script, region, rest = _parts(tag)
    if language == "x":
        return (tag,)
    found = {tag: None}
    while rest:
        rest = rest[:-1]
        if not rest or (len(rest[-1]) > 1 and not any(len(each) == 1 for each in rest)):
            found["-".join(filter(None, (language, script, region, *rest)))] = None
    for parent in _parents(language, script, region):
        found[parent] = None
    return tuple(found)


def _parents(language: str, script: str, region: str) -> Iterator[str]:
    """A tag's own forms (`zh-TW` is `zh-Hant-TW`), then those of its parent, and so on."""
    while True:
        tag = "-".join(filter(None, (language, script, region)))
        yield tag
        if region and not script and language in _SEVERAL_SCRIPTS:
            script = likely_script(language, region)
            tag = "-".join(filter(None, (language, script, region)))
            yield tag
        elif region and script and script == likely_script(language, region):
            yield f"{language}-{region}"
        if tag in _PARENTS:
            language, script, region, _ = _parts(_PARENTS[tag])
        elif region:
            region = ""
        elif script and script == likely_script(language):
            script = ""
        else:
            return


@cache
def likely_script(language: str, region: str = "") -> str:
    """The script a language is written in (in a region), "" when CLDR does not know the language."""
    if language in LIKELY_SCRIPT:
        return _REGION_SCRIPTS.get(language, {}).get(region) or LIKELY_SCRIPT[language]
    return cldr.likely_script(language, region)


def _parts(tag: str) -> tuple[str, str, str, tuple[str, ...]]:
    """Language, script, region ("" when not said), and what follows them, of a canonical tag."""
    language, *rest = tag.split("-")
    script = rest.pop(0) if rest and len(rest[0]) == 4 and rest[0].isalpha() and language != "x" else ""
    is_region = bool(rest) and (rest[0].isupper() or (len(rest[0]) == 3 and rest[0].isdigit())) and language != "x"
    region = rest.pop(0) if is_region else ""
    return language, script, region, tuple(rest)


def language_of(tag: str) -> str:
    return tag.split("-", 1)[0]


@dataclass(frozen=True, slots=True)
class Locale:
    """A canonical tag and what CLDR says of it. Templates see it as `locale`; printed, it is its tag."""

    tag: str

    def __str__(self) -> str:
        return self.tag

    @property
    def language(self) -> str:
        return language_of(self.tag)

    @property
    def region(self) -> str:
        """The region the tag names, "" when it names none."""
        return _parts(self.tag)[2]

    @property
    def script(self) -> str:
        """The script the tag names, or the one it is likely to be written in; "" when that is not known."""
        language, script, region, _ = _parts(self.tag)
        return script or likely_script(language, region)

    @property
    def direction(self) -> str:
        return "rtl" if self.script in RIGHT_TO_LEFT else "ltr"

    @property
    def name(self) -> str:
        """In English: `German (Germany)`."""
        return cldr.display_name(_parts(self.tag), ("en",)) or self.tag

    @property
    def autonym(self) -> str:
        """In its own language: `Deutsch (Deutschland)`; in English when the language's own word is not known."""
        return cldr.display_name(_parts(self.tag), fallback_chain(self.tag)) or self.name
