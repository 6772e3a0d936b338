"""What goes into a release, what stays behind and why; and the texts that stand beside the pictures in its folder.

A picture goes when it is what the campaign asks for now, passed its checks and is approved under the policy. The
manifest and the list of digests say nothing of when, where and by whom a release was put together: the same pictures
and decisions give the same bytes. Knows no folder, no store and no git.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from imagebuild.core.approvals.decision import Decision
from imagebuild.core.approvals.standing import Standing
from imagebuild.core.key import Digest
from imagebuild.errors import ImagebuildError, Place

__all__ = [
    "MANIFEST",
    "REASONS",
    "RELEASE_FORMAT",
    "SUMS",
    "Candidate",
    "Earlier",
    "Left",
    "Reason",
    "Release",
    "ReleaseError",
    "Sorted",
    "about_release",
    "clashes",
    "earlier_release",
    "gathered",
    "manifest_text",
    "mistakes_in",
    "sorted_out",
    "sums_text",
    "told",
]

RELEASE_FORMAT: Final = 1
MANIFEST: Final = "release.json"
SUMS: Final = "SHA256SUMS"

Reason = Literal["not-built", "failed", "unverified", "rejected", "waiting", "lapsed", "damaged"]
# In the order in which they are told: first what a build mends, then what people decide, then what is broken. Of one
# picture, and of several.
REASONS: Final[Mapping[Reason, tuple[str, str]]] = {
    "not-built": (
        "that is not built as the campaign is written now",
        "that are not built as the campaign is written now",
    ),
    "failed": ("that did not pass its checks", "that did not pass their checks"),
    "unverified": ("that could not be verified", "that could not be verified"),
    "rejected": ("that is rejected", "that are rejected"),
    "waiting": ("that waits for approval", "that wait for approval"),
    "lapsed": ("that was approved, and changed since", "that were approved, and changed since"),
    "damaged": ("whose bytes are damaged or gone", "whose bytes are damaged or gone"),
}
_FORM: Final = "imagebuild_release"
_SUM: Final = re.compile(r"([0-9a-f]{64})  (.+)")


class ReleaseError(ImagebuildError):
    """A release cannot be put together, put in place or vouched for."""


class Candidate(NamedTuple):
    """A picture of the campaign as it stands. `digest` None: it is not built, and `unbuilt` says why. `checked`:
    passed, unverified or failed; None: nothing is checked of it. `about` is what the manifest says of it besides."""

    address: str
    path: str
    digest: Digest | None
    unbuilt: str
    checked: str | None
    flaws: str
    standing: Standing
    makers: tuple[str, ...] | None
    about: Mapping[str, Any]


class Left(NamedTuple):
    """A picture that is left out, and why: a word of `REASONS`, and a sentence."""

    address: str
    path: str
    reason: Reason
    why: str


class Sorted(NamedTuple):
    going: tuple[Candidate, ...]
    left: tuple[Left, ...]


class Release(NamedTuple):
    """All that a manifest says. `head` are the facts of the campaign: its name, model, lock, approvals, policy."""

    head: Mapping[str, Any]
    pictures: tuple[Mapping[str, Any], ...]
    left: tuple[Left, ...]


# ------------------------------------------------------------------------------------------------ what goes, and why


def sorted_out(candidates: Iterable[Candidate], *, accept_unverified: bool) -> Sorted:
    """Those that go, by path, and those that stay, by address."""
    going: list[Candidate] = []
    left: list[Left] = []
    for each in candidates:
        found = _held_back(each, accept_unverified)
        if found is None:
            going.append(each)
        else:
            left.append(Left(each.address, each.path, *found))
    return Sorted(tuple(sorted(going, key=lambda each: each.path)), tuple(sorted(left)))


def _held_back(each: Candidate, accept_unverified: bool) -> tuple[Reason, str] | None:
    if each.digest is None:
        return "not-built", each.unbuilt
    if each.checked == "failed":
        return "failed", each.flaws or "it did not pass"
    if each.checked == "unverified" and not accept_unverified:
        return "unverified", each.flaws or "nobody knows whether it is right"
    standing = each.standing
    if standing.released:
        return None
    if standing.state == "rejected":
        return "rejected", "; ".join(f"by {no.by}: “{_line(no.why)}”" for no in standing.rejections)
    waits = ", ".join(standing.missing) or "an approval"
    if standing.state == "lapsed":
        people = ", ".join(dict.fromkeys(yes.by for yes in standing.lapsed))
        return "lapsed", f"{people} approved an earlier picture; waits for {waits}"
    return "waiting", f"waits for {waits}"


def _line(text: str) -> str:
    return " ".join(text.split())


def gathered(left: Iterable[Left]) -> list[tuple[Reason, dict[str, list[Left]]]]:
    """Reason → sentence → pictures, in the order of `REASONS`: so they are told."""
    found: dict[Reason, dict[str, list[Left]]] = {}
    for each in left:
        found.setdefault(each.reason, {}).setdefault(each.why, []).append(each)
    return [(reason, found[reason]) for reason in REASONS if reason in found]


def told(reason: Reason, count: int) -> str:
    """`2 that wait for approval`."""
    return f"{count} {REASONS[reason][count != 1]}"


# ------------------------------------------------------------------------------------------------- texts of a release


def about_release(each: Candidate, count: int) -> dict[str, Any]:
    """What a manifest says of a picture of so many bytes."""
    return {
        "path": each.path,
        "address": each.address,
        **each.about,
        "sha256": each.digest,
        "bytes": count,
        "checked": each.checked,
        "approvals": [_approval(yes) for yes in sorted(each.standing.approvals, key=lambda yes: (yes.at, yes.id))],
        "makers": None if each.makers is None else sorted(each.makers),
    }


def _approval(decision: Decision) -> dict[str, str]:
    said = {"by": decision.by, "at": decision.at, "policy": decision.policy, "id": decision.id}
    return {**said, "entered": decision.entered} if decision.entered else said


def manifest_text(release: Release) -> str:
    """The manifest: JSON, a picture a line, so that two releases can be compared line by line."""
    head = {_FORM: RELEASE_FORMAT, **release.head}
    lines = [f"  {_json(name)}: {_json(value)}," for name, value in head.items()]
    pictures = ",\n".join(f"    {_json(each)}" for each in release.pictures)
    left = ",\n".join(f"    {_json(each._asdict())}" for each in release.left)
    lines.append(f'  "pictures": [\n{pictures}\n  ],')
    lines.append(f'  "left_out": [\n{left}\n  ]' if left else '  "left_out": []')
    return "\n".join(("{", *lines, "}", ""))


_quote = json.JSONEncoder(ensure_ascii=False).encode


def _json(value: object) -> str:
    """JSON that any UTF-8 file can hold: half a character, which some text had, is written as its escape."""
    return _quote(value).encode("utf-8", "backslashreplace").decode()


def sums_text(digests: Mapping[str, str]) -> str:
    """Path → digest as `sha256sum -c` reads them. No path has a line break or a backslash in it."""
    return "".join(f"{digests[path]}  {path}\n" for path in sorted(digests))


# ------------------------------------------------------------------------------------------------ an earlier release


class Earlier(NamedTuple):
    """A release as its own texts have it. `lock`: the digest of the campaign's lock. `files`: every file but the list
    of digests itself, with its digest."""

    campaign: str
    lock: str | None
    heads: tuple[str, ...]
    pictures: tuple[Mapping[str, Any], ...]
    files: Mapping[str, str]


def earlier_release(manifest: str, sums: str, *, folder: str) -> Earlier:
    """What a folder's own texts say is in it; a `ReleaseError` when they are no release's."""
    at = Place(f"{folder}/{MANIFEST}")
    try:
        said = json.loads(manifest)
        version = said[_FORM]
        campaign, heads, pictures = said["campaign"], said["approvals"]["heads"], said["pictures"]
        lock = said.get("lock")
        named = [(each["path"], each["sha256"], each["address"], each["approvals"]) for each in pictures]
        ids = [yes["id"] for *_, approvals in named for yes in approvals]
        texts = [campaign, lock or "", *heads, *ids]
        texts += [each for path, digest, address, _ in named for each in (path, digest, address)]
        if not all(type(each) is str for each in texts):
            raise TypeError("a text is no text")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ReleaseError("the release's manifest is damaged", at=at, hint=_AWAY) from None
    if type(version) is not int or version > RELEASE_FORMAT:
        hint = "upgrade imagebuild: pip install --upgrade imagebuild-campaigns"
        raise ReleaseError(f"release format {version} is newer than this imagebuild can read", at=at, hint=hint)
    files = _sums(sums, folder)
    return Earlier(campaign, lock, tuple(heads), tuple(pictures), files)


_AWAY: Final = "move the folder away, or name another one"


def _sums(text: str, folder: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line:
            continue
        match = _SUM.fullmatch(line)
        parts = match[2].split("/") if match else []
        if match is None or "\\" in match[2] or any(part in ("", ".", "..") for part in parts):
            at = Place(f"{folder}/{SUMS}", number, 1, len(line), line)
            raise ReleaseError("a damaged list of digests", at=at, hint=_AWAY)
        found[match[2]] = match[1]
    return found


def mistakes_in(earlier: Earlier, manifest: Digest, found: Mapping[str, Digest | None]) -> list[tuple[str, str]]:
    """(path, what is wrong) for everything in the folder that is not as the release's own texts have it. `found` is
    every file there with its digest, None for what is no regular file; without the list of digests itself."""
    wrong: dict[str, str] = {}
    for path in sorted(earlier.files.keys() | found.keys()):
        if path not in found:
            wrong[path] = "is missing"
        elif path not in earlier.files:
            wrong[path] = "is not of this release"
        elif found[path] is None:
            wrong[path] = "is no regular file"
        elif found[path] != earlier.files[path]:
            wrong[path] = "was altered"
    if earlier.files.get(MANIFEST) != manifest:
        wrong[MANIFEST] = "was altered"
    listed = {each["path"]: each["sha256"] for each in earlier.pictures} | {MANIFEST: manifest}
    for path in sorted(listed.keys() | earlier.files.keys()):
        if listed.get(path) != earlier.files.get(path):
            wrong.setdefault(path, f"is not the same in `{MANIFEST}` and in `{SUMS}`")
    return sorted(wrong.items())


def clashes(paths: Collection[str]) -> Sequence[str]:
    """Pictures whose path is one that the release's own texts need."""
    own = {MANIFEST.casefold(), SUMS.casefold()}
    return sorted(path for path in paths if path.partition("/")[0].casefold() in own)
