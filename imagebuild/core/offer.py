"""What a provider offers for a model: its limits, and what a request would cost. From the dated catalogue's data."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from imagebuild.core.sizes import Size, SizeRules
from imagebuild.errors import Place, Problems, did_you_mean

__all__ = ["Catalog", "Offer", "Price", "dollars", "output_tokens", "parse_catalog"]

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

    def estimate(self, *, quality: str, size: Size, tier: str | None, prompt: str, references: int) -> Decimal | None:
        """US dollars for one picture, or None when the price is not known."""
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
            + self.image_out * output_tokens(factor, *size)
        ) / _MILLION
        return cost.quantize(_CENT_MILLIONTH)


@lru_cache(maxsize=4096)
def output_tokens(factor: int, width: int, height: int) -> int:
    """How many image tokens a picture takes: the published figures' formula, in whole numbers."""
    longer, shorter = max(width, height), min(width, height)
    rows = (2 * factor * shorter + longer) // (2 * longer)  # factor * shorter / longer, halves rounded up
    return -(-factor * rows * (2_000_000 + width * height) // 4_000_000)


class Offer(NamedTuple):
    """One provider's way of serving one model."""

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
    ) -> Offer | None:
        """The offer a campaign asks for, or None after noting why there is none, with who could."""
        snapshot = self._snapshot(model, allow_floating, problems, model_at)
        if snapshot is None:
            return None
        row = self.providers.get(provider)
        if row is None:
            problems.add(f"no provider `{provider}`", at=provider_at, hint=did_you_mean(provider, self.providers))
            return None
        served: Mapping[str, Any] = row["models"]
        floating_name = self.models[snapshot].get("floating")
        if model in served:
            entry, floating = served[model], model not in self.models
        elif snapshot in served and model != snapshot:
            entry, floating = served[snapshot], True
        elif floating_name is not None and floating_name in served and allow_floating:
            entry, floating = served[floating_name], True
        else:
            able = [name for name, other in self.providers.items() if model in other["models"]]
            what = (
                f"provider `{provider}` serves only the floating `{floating_name}`"
                if floating_name in served
                else f"provider `{provider}` does not serve `{model}`"
            )
            problems.add(
                what,
                at=provider_at or model_at,
                hint="it is served by " + ", ".join(f"`{name}`" for name in able) + "; or say `allow_floating: true`",
            )
            return None
        return self._row(provider, model, snapshot, entry, floating)

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

    def _row(self, provider: str, model: str, snapshot: str, entry: Mapping[str, Any], floating: bool) -> Offer:
        row = self.models[snapshot]
        price = entry.get("price") or {}

        def known(name: str) -> Decimal | None:
            return Decimal(price[name]) if name in price else None

        by_resolution = price.get("by_resolution")
        return Offer(
            provider=provider,
            model=model,
            floating=floating,
            id=entry["id"],
            sizes=SizeRules.from_mapping(row["sizes"]),
            qualities=tuple(entry.get("qualities", row["qualities"])),
            backgrounds=tuple(entry.get("backgrounds", row["backgrounds"])),
            formats=tuple(entry.get("formats", row["formats"])),
            references=entry.get("references", row["references"]),
            prompt_characters=entry.get("prompt_characters", row["prompt_characters"]),
            price=Price(
                flat=known("flat"),
                by_resolution={tier: Decimal(cost) for tier, cost in by_resolution.items()} if by_resolution else None,
                text_in=known("text_in"),
                image_in=known("image_in"),
                image_out=known("image_out"),
                reference_tokens=price.get("reference_tokens", 0),
                tokens=row.get("tokens"),
            ),
            catalog_date=self.dated,
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
