"""How parts of a request are worded for services that have no word of their own for them: a ratio and a tier instead
of pixels, a data URL instead of a file. What could only be left out in silence is refused before it is paid for.

Which words a service has for a size the catalogue knows; here it is handed in. Knows no service.
"""

from __future__ import annotations

import base64
from collections.abc import Callable

from imagebuild.core.frames import Frame
from imagebuild.core.sizes import Size, size_text
from imagebuild.providers.base import Attachment, Refused, Request

__all__ = ["FrameOf", "check_sayable", "data_url", "frame_for"]

# From a size in pixels to the words for it; None when they do not reach. The plan's own, so that what is asked for is
# what was priced.
FrameOf = Callable[[Size], Frame | None]


def frame_for(size: Size, frame_of: FrameOf, *, provider: str) -> Frame:
    """The words for a size, or `Refused`: another size would be made, and paid for."""
    found = frame_of(size)
    if found is None:
        raise Refused(
            f"`{provider}` takes a ratio and a tier, and `{size_text(size)}` is none of them",
            hint="`imagebuild plan` names the sizes that it can be asked for",
        )
    return found


def check_sayable(request: Request, *, provider: str, formats: tuple[str, ...], references: int) -> None:
    """Refuse what the service would not see, and bill all the same."""
    if request.mask is not None:
        raise Refused(f"`{provider}` takes no mask", hint="`openai` does: build with `--provider openai`")
    if request.background == "transparent":
        raise Refused(f"`{provider}` cannot be asked for a transparent background", hint="leave `background` out")
    if request.format not in formats:
        known = ", ".join(f"`{each}`" for each in formats)
        raise Refused(f"`{provider}` makes no `{request.format}`", hint=f"it makes {known}")
    if len(request.references) > references:
        raise Refused(
            f"`{provider}` takes at most {references} reference pictures, this request has {len(request.references)}",
            hint="leave some out",
        )


def data_url(attachment: Attachment) -> str:
    """The picture itself as an address."""
    return f"data:{attachment.media_type};base64,{base64.b64encode(attachment.data).decode('ascii')}"
