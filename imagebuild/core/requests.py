"""What is asked of a model, and what is done to its answer: sizes, the canonical request, the steps a ratio implies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache

from imagebuild.core.axis import Ratio
from imagebuild.core.capability import check_capabilities
from imagebuild.core.cells import Cell
from imagebuild.core.key import KEY_SCHEMA
from imagebuild.core.offer import Offer, framed
from imagebuild.core.placements.masters import Supply, fewest_masters, nearest_master
from imagebuild.core.placements.placement import Placement
from imagebuild.core.sizes import (
    Size,
    SizeRules,
    covering_legal,
    nearest_legal,
    ratio_text,
    size_for_ratio,
    size_problem,
    size_text,
)
from imagebuild.core.spec import AssetSpec, Settings
from imagebuild.core.steps.encode import default_encode, format_of_path, output_format
from imagebuild.core.steps.fit import implied_fit
from imagebuild.core.steps.kind import Step
from imagebuild.errors import Problems

__all__ = ["implied_steps", "master_format", "paid_manifest", "paid_size", "ratio_of", "tier_of"]

DEFAULT_QUALITY = "medium"
DEFAULT_TIER = "2k"
NEAR = 0.01  # shapes that differ by less are one shape


def ratio_of(cell: Cell) -> Ratio | None:
    return next((entry.value for entry in cell.entries if isinstance(entry.value, Ratio)), None)


def master_format(settings: Settings, offer: Offer) -> str:
    """The format to ask for: the one that is said, else the one the service makes first."""
    return settings.format or offer.formats[0]


def paid_size(
    asset: AssetSpec,
    cell: Cell,
    settings: Settings,
    source: Size | None,
    offer: Offer,
    problems: Problems,
    beside: Sequence[Ratio] = (),
) -> Size | None:
    """The size to ask for; None after noting that the model cannot make it, or that the service has no word for it.
    `beside`: the entries of the ratio axis that may share masters with the cell's, its own among them."""
    size = _wanted_size(asset, cell, settings, source, offer, problems, beside)
    if size is None or offer.framing is None or framed(size, offer) is not None:
        return size
    axis = next((entry for entry in cell.entries if isinstance(entry.value, Ratio)), None)
    said = settings.size is not None or axis is None
    at = settings.places.get("size", asset.place) if said or axis is None else axis.place
    what = f"`{offer.provider}` takes a ratio and a resolution, {size_text(size)} is none of its own"
    problems.add(
        f"asset `{asset.name}`: {what}", at=at,
        hint="\n".join(filter(None, (f"it has {offer.framing}", offer.able(lambda other: _fits(size, other))))),
        once=("frame", at, size),
    )  # fmt: skip
    return None


def _fits(size: Size, offer: Offer) -> bool:
    return offer.framing is None or framed(size, offer) is not None


def tier_of(settings: Settings, size: Size, offer: Offer) -> str:
    """The tier a request is priced by: the one the service is told, else the one that is said."""
    frame = framed(size, offer)
    return frame[1] if frame is not None else settings.resolution or DEFAULT_TIER


def _wanted_size(
    asset: AssetSpec, cell: Cell, settings: Settings, source: Size | None, offer: Offer, problems: Problems,
    beside: Sequence[Ratio],
) -> Size | None:  # fmt: skip
    """The size that is said, else what the ratio axis and the resolution mean, else (for an edit) the source's own. A
    size the model cannot make is a mistake, with the nearest it can as the hint."""
    ratio = ratio_of(cell)
    said_here = cell.settings.size if cell.settings else None
    size = said_here or (None if ratio else settings.size)
    if ratio and settings.size and not said_here and asset.settings.places.get("size") == settings.places.get("size"):
        own = asset.settings.places.get("size")
        if own and own.line >= asset.place.line:
            problems.add(
                f"asset `{asset.name}` is over `ratio` and has a `size` too", at=own,
                hint="the ratio axis says the size; leave `size` out, or `ratio` out of `over`",
            )  # fmt: skip
            return None
    tier = settings.resolution or DEFAULT_TIER
    if size is None and ratio:
        return _ratio_size(asset, ratio, beside or (ratio,), tier, offer)
    if size is None and source is not None and asset.source is not None:
        return source if size_problem(source, offer.sizes) is None else _covering(source, offer.sizes)
    if size is None:
        return _square(tier, offer.sizes)
    wrong = size_problem(size, offer.sizes)
    if wrong is not None:
        problems.add(
            f"asset `{asset.name}`: `{offer.model}` cannot make {size_text(size)}: {wrong}",
            at=settings.places.get("size", asset.place), hint=_legal_hint(size, offer.sizes),
            once=("size", settings.places.get("size", asset.place)),
        )  # fmt: skip
        return None
    return size


def _ratio_size(asset: AssetSpec, ratio: Ratio, beside: Sequence[Ratio], tier: str, offer: Offer) -> Size:
    """The size of the master that an entry of the ratio axis is cut from."""
    if isinstance(asset.masters, tuple):
        wanted = ratio.size or size_for_ratio(ratio.shape, tier, offer.sizes)
        return nearest_master(wanted, [_own_size(each, tier, offer) for each in asset.masters])
    if ratio.size is None:
        return size_for_ratio(ratio.shape, tier, offer.sizes)
    shapes = tuple(size_for_ratio(each.shape, tier, offer.sizes) for each in beside if each.size is None)
    exact = tuple(each.size for each in beside if each.size is not None)
    return fewest_masters(exact, shapes, Supply(offer.sizes, offer.framing))[ratio.size]


def _own_size(ratio: Ratio, tier: str, offer: Offer) -> Size:
    """The size of an entry's picture when it is made for that entry alone."""
    if ratio.size is None:
        return size_for_ratio(ratio.shape, tier, offer.sizes)
    return fewest_masters((ratio.size,), (), Supply(offer.sizes, offer.framing))[ratio.size]


def _legal_hint(size: Size, rules: SizeRules) -> str:
    pixels = f"[{size[0]}, {size[1]}]"
    nearest = size_text(nearest_legal(size, rules))
    return f"the nearest it makes: `size: {nearest}`\nfor exactly these pixels add `steps: [fit: {{cover: {pixels}}}]`"


@lru_cache(maxsize=4096)
def _covering(size: Size, rules: SizeRules) -> Size:
    return covering_legal(size, rules)


@lru_cache(maxsize=64)
def _square(tier: str, rules: SizeRules) -> Size:
    return size_for_ratio(Fraction(1), tier, rules)


def paid_manifest(
    asset: AssetSpec,
    settings: Settings,
    offer: Offer,
    *,
    prompt: str,
    size: Size,
    pictures: list[tuple[str, str]],
    mask: object,
    problems: Problems,
) -> dict[str, object]:
    """The canonical request: all that reaches the model, and nothing else.

    What is left at its default is left out, so that a later field does not change today's keys. The digest of another
    asset's picture is filled in later.
    """
    manifest: dict[str, object] = {
        "schema": KEY_SCHEMA,
        "operation": "edit" if asset.source else "generate",
        "model": offer.model,
        "prompt": prompt,
        "size": size_text(size),
        "quality": settings.quality or DEFAULT_QUALITY,
        "format": master_format(settings, offer),
    }
    if offer.provider == "proof":  # a placeholder must never be taken for the model's own work
        manifest["drawn_by"] = "proof-1"
    if settings.background not in (None, "auto"):
        manifest["background"] = settings.background
    if pictures:
        manifest["references"] = [value if kind == "digest" else None for kind, value in pictures]
    if mask is not None:
        manifest["mask"] = mask
    if (settings.take or 1) > 1:
        manifest["take"] = settings.take
    check_capabilities(asset, settings, offer, prompt, len(pictures), problems)
    return manifest


def implied_steps(
    asset: AssetSpec, cell: Cell, source_size: Size | None, source_format: str, output: str | None, problems: Problems
) -> tuple[Step, ...]:
    """The asset's steps, with what its cell implies written out.

    That is: the fit to an exact size of the ratio axis, the crop to its shape, the encoding that the output's ending
    names, within the bytes that a placement takes. Empty: the picture is delivered as it was received.
    """
    ratio = ratio_of(cell)
    steps = list(asset.steps)
    shapes = any(step.name in ("fit", "crop") for step in steps)
    if ratio and not shapes and (output or not asset.paid):
        shaping = _implied_shape(asset, cell, ratio, source_size)
        if shaping is not None:
            steps.insert(0, shaping)
    wanted = format_of_path(output) if output else None
    said = output_format(steps, "")
    if wanted and said and said != wanted and output and asset.output:
        what = f"asset `{asset.name}`: `encode` writes {said}, `output` ends in .{output.rsplit('.', 1)[-1]}"
        hint = f"end it in .{'jpg' if said == 'jpeg' else said}"
        problems.add(what, at=asset.output.place, hint=hint, once=("ending", asset.name))
    placement = ratio.placement if ratio and output else None
    limited = placement is not None and placement.max_bytes is not None
    if not said and (steps or limited or (wanted and wanted != source_format)):
        form = wanted or "png"
        steps.append(Step(name="encode", parameters=default_encode(form), place=asset.place))
    if placement is not None:
        _check_format(asset, placement, output_format(steps, source_format), problems)
        if steps:
            steps[-1] = _within(steps[-1], placement.max_bytes)
    return tuple(steps)


def _implied_shape(asset: AssetSpec, cell: Cell, ratio: Ratio, source_size: Size | None) -> Step | None:
    """The fit or the crop that an entry of the ratio axis asks for: around the asset's focus."""
    focus = asset.focus
    place = focus.place if focus else asset.place
    anchor = "center" if focus is None else focus.anchor if isinstance(focus.anchor, str) else list(focus.anchor)
    if ratio.size:
        fitted = implied_fit(ratio.size, place)
        wanted = replace(fitted, parameters={**fitted.parameters, "anchor": anchor})
        return wanted if ratio.size != source_size else None
    own_master = asset.paid and (asset.masters in ("fewest", "each") or (cell.settings and cell.settings.size))
    if own_master or _same_shape(source_size, ratio):
        return None
    return Step(name="crop", parameters={"ratio": ratio_text(ratio.shape), "anchor": anchor}, place=place)


def _check_format(asset: AssetSpec, placement: Placement, form: str, problems: Problems) -> None:
    if not placement.formats or form in placement.formats:
        return
    at = asset.output.place if asset.output else asset.place
    if asset.steps and asset.steps[-1].name == "encode":
        at = asset.steps[-1].place
    takes = " or ".join(placement.formats)
    endings = " or ".join(".jpg" if each == "jpeg" else f".{each}" for each in placement.formats)
    what = f"asset `{asset.name}`: `{placement}` takes {takes}, this is {form}"
    hint = f"end `output` in {endings} for it (a template may say which), or make it an asset of its own"
    problems.add(what, at=at, hint=hint, once=("placement-format", asset.name, placement.name))


def _within(step: Step, most: int | None) -> Step:
    """An encoding, within a placement's bytes: the smaller of two limits counts."""
    if most is None or step.name != "encode":
        return step
    own = step.parameters.get("max_bytes")
    limit = min(own, most) if isinstance(own, int) else most
    return replace(step, parameters={**step.parameters, "max_bytes": limit})


def _same_shape(size: Size | None, ratio: Ratio) -> bool:
    return size is not None and abs(size[0] / size[1] / float(ratio.shape) - 1) < NEAR
