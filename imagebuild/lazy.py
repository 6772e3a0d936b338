"""`lazy("name")`: a module that is imported at the top of a file but loaded when it is first used.

For libraries that cost tens of milliseconds to load and that most runs do not need. Several threads may be the first to
use one: the others wait until it is whole (the library's own `LazyLoader` shows them half a module, before 3.12.4).
"""

from __future__ import annotations

import importlib.util
import sys
import threading
from types import ModuleType
from typing import Any

__all__ = ["lazy"]


class _State:
    """Of a module that is not loaded yet."""

    def __init__(self) -> None:
        self.turn = threading.RLock()
        self.is_loading = False


class _Lazy(ModuleType):
    """A module until its first use; then it becomes an ordinary one."""

    def __getattribute__(self, name: str) -> Any:
        spec = ModuleType.__getattribute__(self, "__spec__")
        state: _State = spec.loader_state
        with state.turn:
            if type(self) is _Lazy and not state.is_loading:  # else another thread was faster, or it uses itself
                state.is_loading = True
                try:
                    spec.loader.exec_module(self)
                finally:
                    state.is_loading = False
                object.__setattr__(self, "__class__", ModuleType)
        return ModuleType.__getattribute__(self, name)


def lazy(name: str) -> ModuleType:
    """The module, loaded at the first access of one of its attributes."""
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    spec.loader_state = _State()
    module = importlib.util.module_from_spec(spec)
    object.__setattr__(module, "__class__", _Lazy)
    sys.modules[name] = module
    return module
