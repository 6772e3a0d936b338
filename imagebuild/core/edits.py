"""What an edit may change of a picture, and what is put back of it: the mask as the request has it, and the step that
gives the rest its own pixels again."""

from __future__ import annotations

from collections.abc import Mapping

from imagebuild.core.expanding import Expanding
from imagebuild.core.framing import crop_box
from imagebuild.core.sizes import Size, size_text
from imagebuild.core.spec import AssetSpec, MaskBox
from imagebuild.core.steps.kind import Step, Unresolved
from imagebuild.errors import PictureError

__all__ = ["boxed", "put_back"]


def boxed(expanding: Expanding, asset: AssetSpec, mask: MaskBox, size: Size) -> dict[str, object]:
    """A mask that is a box, in the pixels of the picture that is edited. The box is in the key, and no file: how a
    mask file is written may change, what it says does not."""
    try:
        box = crop_box(mask.box, size)
    except PictureError as bad:
        what = f"asset `{asset.name}`: `mask`: {bad.what}"
        expanding.problems.add(what, at=mask.place, hint=bad.hint, once=("mask", mask.place))
        raise Unresolved from None
    return {"box": list(box), "feather": mask.box.get("feather", 0), "of": list(size)}


def put_back(
    expanding: Expanding, asset: AssetSpec, source: str | None, size: Size, source_size: Size | None, mask: object
) -> tuple[Step, ...]:  # fmt: skip
    """The step that takes what is outside the mask from the source again, where that is asked for."""
    if not asset.keep_outside or source is None:
        return ()
    if source_size is not None and source_size != size:
        what = f"asset `{asset.name}`: `outside: keep` needs the source's own size, {size_text(source_size)}"
        hint = "leave out `size`, and make the source in a size that the model makes"
        expanding.problems.add(what, at=asset.place, hint=hint, once=("outside", asset.name))
        raise Unresolved
    area: object = mask
    if isinstance(mask, Mapping):
        left, top, right, bottom = mask["box"]
        box = [left, top, right - left, bottom - top]
        area = {"box": box, "unit": "pixels", "feather": mask["feather"]}
    return (Step(name="put_back", parameters={"source": None, "mask": area}, place=asset.place),)
