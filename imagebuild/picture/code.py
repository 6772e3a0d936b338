"""A step that is the user's own function: it is given the picture, and gives one back.

It runs code from the campaign's folder, as make does, with all that Python may do. It is given the source that its key
speaks of, never the file on disk, and may import of the campaign only the files that its key knows. What goes wrong in
it is told with its file and line.
"""

from __future__ import annotations

import builtins
import importlib.util
import site
import sys
import sysconfig
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Final

from PIL import Image

from imagebuild.core.framing import size_of
from imagebuild.core.sizes import size_text
from imagebuild.core.steps.python import module_name
from imagebuild.errors import PictureError, Place
from imagebuild.picture.decode import plain
from imagebuild.picture.read import Parameters, Read

__all__ = ["run_function"]

_FOLDERS: Final = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
_LIBRARIES: Final = tuple(Path(each).resolve() for each in (*_FOLDERS, site.getusersitepackages()))


def run_function(image: Image.Image, parameters: Parameters, read: Read) -> Image.Image:
    """The function's picture, as RGB or RGBA, of the size that was said."""
    file, function = str(parameters["file"]), str(parameters["function"])
    arguments: Any = parameters["with"]
    campaign = _Campaign(parameters, read)
    given = image.copy()
    try:
        call = getattr(campaign.load(module_name(file)), function)
        found = call(given, **_own(arguments))
    except (Exception, SystemExit) as error:
        raise _told(error, function, file, campaign) from error
    if not isinstance(found, Image.Image):
        what = f"`{function}` of `{file}` gave {type(found).__name__}, not a picture"
        raise PictureError(what, at=Place(file), hint="return the `PIL.Image.Image` that it made")
    size = size_of(parameters["size"]) if "size" in parameters else image.size
    if found.size != size:
        said = "as `size` says" if "size" in parameters else "as it was given"
        raise PictureError(
            f"`{function}` of `{file}` gave a picture of {size_text(found.size)}, not of {size_text(size)} {said}",
            at=Place(file),
            hint=f"`size: [{found.size[0]}, {found.size[1]}]` tells a plan of it",
        )
    found = plain(found)
    found.info = {}
    return found


def _own(value: Any) -> Any:
    """A copy that the function may change."""
    if isinstance(value, Mapping):
        return {name: _own(child) for name, child in value.items()}
    return [_own(child) for child in value] if isinstance(value, list | tuple) else value


class _Campaign:
    """The files of the campaign that a function may import, each run once a call."""

    def __init__(self, parameters: Parameters, read: Read) -> None:
        uses: Any = parameters["uses"]
        files: Any = [{"file": parameters["file"], "source": parameters["source"]}, *uses]
        self.sources = {each["file"]: read(each["source"]) for each in files}
        self._digests = {each["file"]: str(each["source"]) for each in files}
        self._files = {module_name(each["file"]): each["file"] for each in files}
        self._loaded: dict[str, ModuleType] = {}

    def load(self, name: str) -> ModuleType:
        if name not in self._loaded:
            file = self._files[name]
            module = ModuleType(f"{name}_{self._digests[file]}")  # nobody else's: `palette` may be installed too
            module.__file__ = file
            sys.modules[module.__name__] = module  # where dataclasses, for one, look a class's module up
            module.__dict__["__builtins__"] = {**vars(builtins), "__import__": self._import}
            self._loaded[name] = module
            exec(compile(self.sources[file], file, "exec", dont_inherit=True), module.__dict__)
        return self._loaded[name]

    def _import(
        self, name: str, globals: Mapping[str, Any] | None = None, locals: Mapping[str, Any] | None = None,
        fromlist: Sequence[str] | None = (), level: int = 0,
    ) -> ModuleType:  # fmt: skip
        """As Python's, but for the campaign's own files: those that were named, and no others."""
        if level == 0 and name in self._files:
            return self.load(name)
        top = name.partition(".")[0]
        if level == 0 and top not in sys.modules and _is_here(top):
            raise ImportError(f"`{top}` is a file beside the campaign that `uses` does not list", name=top)
        return builtins.__import__(name, globals, locals, fromlist or (), level)


def _is_here(name: str) -> bool:
    """Whether a module would be taken from the folder that the build runs in, rather than from what is installed."""
    spec = importlib.util.find_spec(name)
    places = [spec.origin] if spec and spec.origin else list(spec.submodule_search_locations or ()) if spec else []
    here = Path.cwd().resolve()
    for place in places:
        path = Path(place).resolve()
        if path.is_relative_to(here) and not any(path.is_relative_to(library) for library in _LIBRARIES):
            return True
    return False


def _told(error: BaseException, function: str, file: str, campaign: _Campaign) -> PictureError:
    """What went wrong, at the last line of the user's own files that had a part in it."""
    found = _place(error.__traceback__, file, campaign)
    if isinstance(error, SyntaxError) and error.filename is not None and error.filename in campaign.sources:
        found = _line(error.filename, error.lineno or 1, campaign)
    said = str(error).strip().rstrip(".")
    kind = type(error).__name__
    hint = None
    if isinstance(error, ImportError):
        hint = "a file of the campaign is listed under `uses`, a package is installed beside imagebuild"
    elif isinstance(error, AttributeError) and found.line == 0:
        hint = "the name of a function in the file"
    return PictureError(f"`{function}` of `{file}` failed: {kind}: {said}" if said else
                        f"`{function}` of `{file}` failed: {kind}", at=found, hint=hint)  # fmt: skip


def _place(trace: TracebackType | None, file: str, campaign: _Campaign) -> Place:
    own = [frame for frame in traceback.extract_tb(trace) if frame.filename in campaign.sources]
    return _line(own[-1].filename, own[-1].lineno or 1, campaign) if own else Place(file)


def _line(file: str, number: int, campaign: _Campaign) -> Place:
    lines = campaign.sources[file].decode("utf-8", "replace").splitlines()
    text = lines[number - 1] if 0 < number <= len(lines) else ""
    return Place(file, number, len(text) - len(text.lstrip()) + 1, max(len(text.strip()), 1), text)
