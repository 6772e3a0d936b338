"""What a provider offers for a model: its limits, and what a request would cost. From the dated catalogue's data."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from imagebuild.core.frames import Frame, Framing, frame_of, is_in_frame, make_framing
from imagebuild.core.sizes import Size, SizeRules
from imagebuild.errors import Place, Problems, did_you_mean

__all__ = [
    "USUAL",
    "Catalog",
    "Offer",
    "Price",
    "Situation",
    "differs",
    "dollars",
    "framed",
    "output_tokens",
    "parse_catalog",
]

_PARTIAL_TOKENS: Final = 100
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
_MILLION = Decimal(1_000_000)
_CENT_MILLIONTH = Decimal("0.000001")


class Price(NamedTuple):
    """Flat a picture, by resolution tier, or by tokens. A field that is None or absent is not known."""

    flat: Decimal | None = None
    by_resolution: Mapping[str, Decimal] | None = None
    text_in: Decimal | None = None
    image_in: Decimal | None = None
    image_out: Decimal | None = None
    reference_tokens: int = 0
    tokens: Mapping[str, int] | None = None

    def estimate(
        self, *, quality: str, size: Size, tier: str | None, prompt: str, references: int, partials: int = 0
    ) -> Decimal | None:
        """US dollars for one picture, or None when the price is not known. `partials`: pictures shown on the way."""
        if self.flat is not None:
            return self.flat
        if self.by_resolution is not None:
            return self.by_resolution.get(tier or "")
        if self.image_out is None or self.text_in is None or self.image_in is None or self.tokens is None:
            return None
        factor = self.tokens.get(quality)
        if factor is None:
            return None
        text_tokens = -(-len(prompt.encode()) // 4)
        cost = (
            self.text_in * text_tokens
            + self.image_in * self.reference_tokens * references
            + self.image_out * (output_tokens(factor, *size) + _PARTIAL_TOKENS * partials)
        ) / _MILLION
        return cost.quantize(_CENT_MILLIONTH)


@lru_cache(maxsize=4096)
def output_tokens(factor: int, width: int, height: int) -> int:
    """How many image tokens a picture takes: the published figures' formula, in whole numbers."""
    longer, shorter = max(width, height), min(width, height)
    rows = (2 * factor * shorter + longer) // (2 * longer)  # factor * shorter / longer, halves rounded up
    return -(-factor * rows * (2_000_000 + width * height) // 4_000_000)


class Situation(NamedTuple):
    """What of the place a campaign is built at decides what a service can do for it: whether reference pictures can be
    had at a public address, and how many pictures are wanted on the way."""

    public_references: bool = False
    partials: int = 0


USUAL: Final = Situation()


class Offer(NamedTuple):
    """One provider's way of serving one model. `limits` are its `providers.base.Limits` by name; `others` what the
    other services offer for the model, who have no `others` themselves."""

    provider: str
    model: str
    floating: bool
    id: str
    sizes: SizeRules
    qualities: tuple[str, ...]
    backgrounds: tuple[str, ...]
    formats: tuple[str, ...]
    references: int
    prompt_characters: int
    price: Price
    catalog_date: str
    framing: Framing | None = None  # None: it is told pixels
    quality_said: bool = True  # False: no quality can be asked for, `qualities` is what it makes
    mask: bool = True
    references_by: str = "bytes"  # or data_url, or url: then they must be had at a public address
    public_references: bool = False
    partials: int = 0  # how many pictures it will show on the way
    batch: Decimal | None = None  # its price in a batch, as a share of the usual one; None: it has none
    base_url: str = ""
    limits: Mapping[str, Any] = _NOTHING
    others: tuple[Offer, ...] = ()

    def able(self, can: Callable[[Offer], bool]) -> str:
        """Who else can do a thing, as a hint; empty when nobody can. Placeholders can do anything, and count for
        nothing."""
        names = [f"`{other.provider}`" for other in self.others if other.provider != "proof" and can(other)]
        return "served by " + ", ".join(names) if names else ""


def framed(size: Size, offer: Offer) -> Frame | None:
    """How a size is told to a service that takes a ratio and a tier; None when it cannot be, or takes pixels."""
    return frame_of(size, offer.framing, offer.sizes) if offer.framing is not None else None


def differs(asked: Size, real: Size, offer: Offer) -> bool:
    """Whether a picture is not of the size that was asked for, as exactly as this service can be asked."""
    frame = framed(asked, offer)
    return real != asked if frame is None else not is_in_frame(real, asked, frame)


class Catalog(NamedTuple):
    dated: str
    models: Mapping[str, Mapping[str, Any]]
    providers: Mapping[str, Mapping[str, Any]]

    def pinned(self, name: str) -> str | None:
        """The snapshot a floating name stands for."""
        return next((model for model, row in self.models.items() if row.get("floating") == name), None)

    def offer(
        self,
        provider: str,
        model: str,
        *,
        allow_floating: bool,
        problems: Problems,
        model_at: Place | None,
        provider_at: Place | None,
        situation: Situation = USUAL,
    ) -> Offer | None:
        """The offer a campaign asks for, or None after noting why there is none, with who could."""
        snapshot = self._snapshot(model, allow_floating, problems, model_at)
        if snapshot is None:
            return None
        if provider not in self.providers:
            problems.add(f"no provider `{provider}`", at=provider_at, hint=did_you_mean(provider, self.providers))
            return None
        offers = {name: self._offer(name, model, snapshot, allow_floating, situation) for name in self.providers}
        found = offers.pop(provider)
        others = tuple(other for other in offers.values() if other is not None)
        if found is not None:
            return found._replace(others=others)
        floating_name = self.models[snapshot].get("floating")
        what = (
            f"provider `{provider}` serves only the floating `{floating_name}`"
            if floating_name in self.providers[provider]["models"]
            else f"provider `{provider}` does not serve `{model}`"
        )
        hints = ["it is served by " + ", ".join(f"`{other.provider}`" for other in others)] if others else []
        if not allow_floating and floating_name in self.providers[provider]["models"]:
            hints.append("or say `allow_floating: true`")
        problems.add(what, at=provider_at or model_at, hint="; ".join(hints) or None)
        return None

    def _snapshot(self, model: str, allow_floating: bool, problems: Problems, at: Place | None) -> str | None:
        if model in self.models:
            return model
        pinned = self.pinned(model)
        if pinned is None:
            problems.add(f"no model `{model}`", at=at, hint=did_you_mean(model, self.models))
            return None
        if not allow_floating:
            problems.add(
                f"`{model}` is a floating name: what it draws changes without notice", at=at,
                hint=f"pin the snapshot: `model: {pinned}` (or say `allow_floating: true`)",
            )  # fmt: skip
            return None
        return pinned

    def _offer(
        self, provider: str, model: str, snapshot: str, allow_floating: bool, situation: Situation
    ) -> Offer | None:
        """What a provider offers for a model; None when it does not serve it as it is asked for."""
        row = self.providers[provider]
        served: Mapping[str, Any] = row["models"]
        floating_name = self.models[snapshot].get("floating")
        if model in served:
            entry, floating = served[model], model not in self.models
        elif snapshot in served and model != snapshot:
            entry, floating = served[snapshot], True
        elif floating_name is not None and floating_name in served and allow_floating:
            entry, floating = served[floating_name], True
        else:
            return None
        own = self.models[snapshot]
        said = ChainMap(
            dict(entry), dict(row), dict(own)
        )  # what is said of the model here, of the provider, in general
        return Offer(
            provider=provider,
            model=model,
            floating=floating,
            id=entry["id"],
            sizes=SizeRules.from_mapping(own["sizes"]),
            qualities=tuple(said["qualities"]),
            backgrounds=tuple(said["backgrounds"]),
            formats=tuple(said["formats"]),
            references=said["references"],
            prompt_characters=said["prompt_characters"],
            price=_price(entry.get("price") or {}, own.get("tokens")),
            catalog_date=self.dated,
            framing=_framing(said),
            quality_said=said.get("quality_said", True),
            mask=said.get("mask", True),
            references_by=said.get("references_by", "bytes"),
            public_references=situation.public_references,
            partials=min(situation.partials, said.get("partials", 0)),
            batch=Decimal(said["batch"]) if "batch" in said else None,
            base_url=said.get("base_url", ""),
            limits=said.get("limits", _NOTHING),
        )


def _framing(said: Mapping[str, Any]) -> Framing | None:
    if said.get("framing", "pixels") == "pixels":
        return None
    return make_framing(said["ratios"], said["tiers"], said.get("missing", []))


def _price(said: Mapping[str, Any], tokens: Mapping[str, int] | None) -> Price:
    def known(name: str) -> Decimal | None:
        return Decimal(said[name]) if name in said else None

    by_resolution = said.get("by_resolution")
    return Price(
        flat=known("flat"),
        by_resolution={tier: Decimal(cost) for tier, cost in by_resolution.items()} if by_resolution else None,
        text_in=known("text_in"),
        image_in=known("image_in"),
        image_out=known("image_out"),
        reference_tokens=said.get("reference_tokens", 0),
        tokens=tokens,
    )


def parse_catalog(data: Mapping[str, Any]) -> Catalog:
    return Catalog(str(data["dated"]), data["models"], data["providers"])


def dollars(amount: Decimal) -> str:
    """An amount for people: two digits, or as many as it takes to show that it is not nothing."""
    if amount == 0:
        return "$0.00"
    if amount >= Decimal("0.1"):
        return f"${amount.quantize(Decimal('0.01')):,}"
    if amount >= Decimal("0.001"):
        return f"${amount.quantize(Decimal('0.0001')).normalize():f}"
    return f"${amount.quantize(_CENT_MILLIONTH).normalize():f}"
