"""The page as files: one `index.html` with everything it needs in it, and its pictures beside it; opens from disk.

The same page, with the same data inlined, under a Content-Security-Policy that names each of its scripts and styles by
digest: nothing that a campaign holds can become one. The same campaign gives the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NamedTuple

from imagebuild.errors import reason_of
from imagebuild.picture.measure import format_of
from imagebuild.review.desk import ReviewError
from imagebuild.review.server import page_files
from imagebuild.stages.review.desk import ProjectDesk

__all__ = ["Exported", "export_review"]

_LIST: Final = "files.json"
_INDEX: Final = "index.html"
_WIDTH: Final = 320
_MOST_INLINE: Final = 24_000_000  # bytes of all assets; more takes a browser too long to read
_AT_ONCE: Final = 4
_BEFORE: Final = frozenset(("approved", "since", "variant"))  # of the others, what is put beside the pictures
_ESCAPES: Final = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})
_STYLE: Final = re.compile(r'<link rel="stylesheet" href="page/([a-z0-9_-]+\.css)">')
_SCRIPT: Final = re.compile(r'<script src="page/([a-z0-9_-]+\.js)"></script>')
_OWN: Final = re.compile(r"index\.html|pictures/[0-9a-f]{64}\.(?:png|jpeg|webp|avif|gif)|thumbs/[0-9a-f]{64}\.webp")
_OWN_FOLDERS: Final = frozenset(("pictures", "thumbs"))
_EARLY_END: Final = re.compile(r"</(?:script|style)|<!--", re.IGNORECASE)
_REST: Final = "img-src 'self' file: data: blob:; base-uri 'none'; form-action 'none'"


class Exported(NamedTuple):
    """What was written. `missing`: without a picture, for whatever reason; `cut`: requests were left out, for there are
    so many."""

    page: str
    pictures: int
    files: int
    bytes: int
    missing: int
    cut: bool


def export_review(desk: ProjectDesk, who: str, folder: str) -> Exported:
    """Write the page into a folder that is new, empty, or an earlier export, which it replaces as a whole."""
    if not folder:
        raise ReviewError("the export has no folder", hint="name one: `--export DIR`")
    target = os.path.realpath(folder)
    _check_target(target, folder)
    temporary = f"{target}.{secrets.token_hex(4)}.tmp"
    try:
        os.makedirs(temporary)
        found = _Writing(desk, who, temporary).write()
        _replace(temporary, target)
    except OSError as bad:
        hint = "check who owns the folder, and that the disk is not full"
        raise ReviewError(f"cannot write `{folder}`: {reason_of(bad)}", hint=hint) from bad
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return found._replace(page=os.path.join(folder, _INDEX))


def _check_target(target: str, shown: str) -> None:
    if not os.path.lexists(target):
        return
    if not os.path.isdir(target):
        raise ReviewError(f"`{shown}` is a file, not a folder", hint="name a folder for the export")
    foreign = _first_foreign(target)
    if foreign is not None:
        raise ReviewError(
            f"`{shown}` has files that no export wrote: `{foreign}`",
            hint="name a new folder; what is in this one is not touched",
        )


def _first_foreign(target: str) -> str | None:
    """A file or folder that no export of ours wrote; looked for no further than to the first."""
    listed = _listed(target)
    for at, folders, names in os.walk(target):
        folders.sort()
        for name in sorted((*names, *folders)):
            path = os.path.join(at, name)
            shown = os.path.relpath(path, target).replace(os.sep, "/")
            is_folder = os.path.isdir(path) and not os.path.islink(path)
            if shown not in (_OWN_FOLDERS if is_folder and listed else listed):
                return shown
    return None


def _files_in(folder: str) -> Iterator[str]:
    for at, folders, names in os.walk(folder):
        for name in (*names, *(each for each in folders if os.path.islink(os.path.join(at, each)))):
            yield os.path.relpath(os.path.join(at, name), folder).replace(os.sep, "/")


def _listed(folder: str) -> set[str]:
    """The files of the export that a folder holds: as its list says, and of the names that an export gives."""
    try:
        with open(os.path.join(folder, _LIST), encoding="utf-8") as file:
            found = json.load(file)
        names = {str(each) for each in found["files"]} if found["imagebuild.export"] else set()
        return {each for each in names if _OWN.fullmatch(each)} | {_LIST} if names else set()
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def _replace(temporary: str, target: str) -> None:
    os.makedirs(os.path.dirname(target), exist_ok=True)
    aside = f"{temporary}.before"
    had = os.path.isdir(target)
    if had:
        os.rename(target, aside)
    try:
        os.rename(temporary, target)
    except OSError:
        if had:
            os.rename(aside, target)
        raise
    if had:
        shutil.rmtree(aside, ignore_errors=True)


class _Writing:
    """One export on its way into a folder."""

    def __init__(self, desk: ProjectDesk, who: str, folder: str) -> None:
        self._desk = desk
        self._who = who
        self._folder = folder
        self._pictures: dict[str, str] = {}  # digest → the file, of pictures in their full size
        self._thumbs: dict[str, None] = {}

    def write(self) -> Exported:
        board: dict[str, Any] = json.loads(self._desk.board(self._who))
        assets: dict[str, Any] = {}
        for cell in board["cells"]:
            found = self._desk.asset(self._who, cell["address"])
            if found is not None:
                assets[cell["address"]] = self._asset(json.loads(found))
            cell["thumb"] = self._thumb(cell["thumb"])
        cut = sum(len(json.dumps(each)) for each in assets.values()) > _MOST_INLINE
        if cut:
            for each in assets.values():
                each["parts"] = [{**part, "manifest": [], "written": []} for part in each["parts"]]
        self._write_pictures()
        self._leave_out(board["cells"], assets)
        missing = [each for each in assets.values() if each["now"] is None]
        board |= {"export": True, "build": None, "generated": _latest(assets)}
        self._put(_INDEX, _page(board, assets))
        files = sorted(_files_in(self._folder))
        listed = {"imagebuild.export": 1, "campaign": board["campaign"], "files": files}
        self._put(_LIST, json.dumps(listed, indent=1).encode() + b"\n")
        size = sum(os.path.getsize(os.path.join(self._folder, each)) for each in files)
        return Exported("", len(board["cells"]), len(files) + 1, size, len(missing), cut)

    # ----------------------------------------------------------------------------- what is said of one picture

    def _asset(self, asset: dict[str, Any]) -> dict[str, Any]:
        """With the pictures that are put beside the page; those it can be compared with, as far as a person decides by
        them: what was approved, what the revision has, the variants, else the one before."""
        others = [each for each in asset["others"] if each["kind"] in _BEFORE]
        if not any(each["kind"] in ("approved", "since") for each in others):
            others += [each for each in asset["others"] if each["kind"] == "take"][:1]
        for each in (*others, *asset["variants"]):
            each["picture"] = self._picture(each["picture"])
        for part in asset["parts"]:
            for each in part["inputs"]:
                each["thumb"] = self._thumb(each["thumb"])
        return {**asset, "now": self._picture(asset["now"]), "others": others}

    def _picture(self, picture: dict[str, Any] | None) -> dict[str, Any] | None:
        if picture is None:
            return None
        digest = picture["digest"]
        name = self._pictures.setdefault(digest, f"pictures/{digest}.{picture['type'].partition('/')[2]}")
        return {**picture, "url": name, "thumb": self._thumb(picture["thumb"])}

    def _thumb(self, url: str | None) -> str | None:
        """One size of each is enough."""
        if url is None:
            return None
        digest = url.split("/")[1]
        self._thumbs[digest] = None
        return f"thumbs/{digest}.webp"

    # ----------------------------------------------------------------------------- the files

    def _has(self, name: str) -> bool:
        return os.path.exists(os.path.join(self._folder, *name.split("/")))

    def _leave_out(self, cells: list[dict[str, Any]], assets: Mapping[str, Any]) -> None:
        """What names a picture that could not be written: its bytes are gone."""
        for each in (
            *cells,
            *(entry for asset in assets.values() for part in asset["parts"] for entry in part["inputs"]),
        ):
            each["thumb"] = each["thumb"] if each["thumb"] and self._has(each["thumb"]) else None
        for asset in assets.values():
            asset["now"] = self._there(asset["now"])
            for each in (*asset["others"], *asset["variants"]):
                each["picture"] = self._there(each["picture"])
            asset["others"] = [each for each in asset["others"] if each["picture"] is not None]

    def _there(self, picture: dict[str, Any] | None) -> dict[str, Any] | None:
        return picture if picture is not None and self._has(picture["url"]) else None

    def _write_pictures(self) -> None:
        for name in ("pictures", "thumbs"):
            os.makedirs(os.path.join(self._folder, name))

        def picture(digest: str) -> None:
            found = self._desk.picture(digest)
            if found is not None and format_of(found.data) is not None:
                self._put(self._pictures[digest], found.data)

        def thumb(digest: str) -> None:
            found = self._desk.thumb(digest, _WIDTH)
            if found is not None:
                self._put(f"thumbs/{digest}.webp", found.data)

        with ThreadPoolExecutor(_AT_ONCE) as threads:
            list(threads.map(picture, self._pictures))
            list(threads.map(thumb, self._thumbs))

    def _put(self, name: str, data: bytes) -> None:
        with open(os.path.join(self._folder, *name.split("/")), "wb") as file:
            file.write(data)


def _latest(assets: Mapping[str, Any]) -> str:
    """When the last thing happened that is shown: no clock, so that the same campaign gives the same page."""
    made = [part["made"]["at"] for each in assets.values() for part in each["parts"] if part["made"]]
    decided = [each["at"] for asset in assets.values() for each in asset["decisions"]]
    return max((each for each in (*made, *decided) if each), default="")


# ------------------------------------------------------------------------------------------------------- the page


def _page(board: Mapping[str, Any], assets: Mapping[str, Any]) -> bytes:
    """The index with its styles, scripts and data in it."""
    files = {name: data.decode() for name, data in page_files().items()}
    digests: dict[str, list[str]] = {"script": [], "style": []}

    def inlined(found: re.Match[str]) -> str:
        name = found[1]
        tag = "script" if name.endswith(".js") else "style"
        text = "\n" + files[name]
        if _EARLY_END.search(text):
            raise ReviewError(f"`{name}` of the page cannot be inlined: it holds markup")
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        digests[tag].append(f"'sha256-{digest}'")
        return f"<{tag}>{text}</{tag}>"

    data = "".join(
        f'<script type="application/json" id="{name}">{_data(value)}</script>\n'
        for name, value in (("board", board), ("assets", assets))
    )
    index = files[_INDEX]
    first = _SCRIPT.search(index)
    if first is None:
        raise ReviewError("the page has no scripts", hint="install `imagebuild` again")
    head, tail = index[: first.start()], index[first.start() :]
    head, tail = _STYLE.sub(inlined, head), _SCRIPT.sub(inlined, tail)
    scripts, styles = (" ".join(digests[tag]) for tag in ("script", "style"))
    policy = f"default-src 'none'; script-src {scripts}; style-src {styles}; {_REST}"
    meta = f'<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="{policy}">'
    whole = head.replace('<meta charset="utf-8">', meta, 1)
    if meta not in whole:
        raise ReviewError("the page does not say its encoding", hint="install `imagebuild` again")
    return (whole + data + tail).encode()


def _data(value: object) -> str:
    """JSON in ASCII that cannot end the element it stands in."""
    return json.dumps(value, separators=(",", ":")).translate(_ESCAPES)
