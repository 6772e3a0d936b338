"""Which provider's code serves a name."""

from __future__ import annotations

from typing import Literal, cast

from imagebuild.errors import ProviderError
from imagebuild.picture.proof import ProofRequest, paint
from imagebuild.providers.base import Provider, Request
from imagebuild.providers.proof import Proof

__all__ = ["open_provider"]


def open_provider(name: str) -> Provider:
    """The provider of this name, ready to make pictures."""
    if name == "proof":
        return Proof(_paint)
    raise ProviderError(
        f"provider `{name}` can be planned and priced, but this version has no client for it",
        hint="build with `--provider proof`: the same plan, drawn here for nothing",
    )


def _paint(request: Request) -> bytes:
    return paint(
        ProofRequest(
            operation="edit" if request.operation == "edit" else "generate",
            prompt=request.prompt,
            size=request.size,
            quality=request.quality,
            background=request.background,
            output_format=cast(Literal["png", "jpeg", "webp"], request.format),
            references=tuple(each.data for each in request.references),
            mask=request.mask.data if request.mask else None,
            take=request.take,
            variant=request.variant,
            label=request.label,
        )
    )
