"""What looks at a picture, for the key of its checks: cheap to ask while planning.

Not Pillow nor its codecs: decoders agree to a level or two, and a verdict that hangs on that is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from imagebuild.core.checks import UNKNOWN_LANGUAGE
from imagebuild.lazy import lazy
from imagebuild.picture.fonts import font_versions

if TYPE_CHECKING:
    import imagebuild.picture.reading.check as reading
else:
    reading = lazy("imagebuild.picture.reading.check")  # most campaigns read no text

__all__ = ["CHECKING", "versions_for"]

# Raised by hand whenever the same picture and parameters would get another verdict.
CHECKING: Final = "1"


def versions_for(checks: Mapping[str, Any]) -> dict[str, str]:
    """By name; only of what these checks look with."""
    found = {"checking": CHECKING}
    if "typeset" in checks:
        found |= font_versions()
    if "copy" in checks:
        language = checks["copy"]["language"]
        found |= reading.reading_versions(reading.engines(), "" if language == UNKNOWN_LANGUAGE else language)
    return found
