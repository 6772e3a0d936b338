"""Copy that cannot be set where a layout wants it: which, in what language, by how much, and what would help."""

from __future__ import annotations

from typing import Any, Literal

from imagebuild.core.layouts.canonical import TextItem
from imagebuild.errors import PictureError

__all__ = ["Misfit", "Reason"]

Reason = Literal["word", "lines", "height", "glyph"]


class Misfit(PictureError):
    """`needed` and `allowed` are pixels (`word`: the width of the widest word, `height`: that of the whole group), or
    lines. `word` is the word that is too wide."""

    def __init__(
        self,
        *,
        role: str,
        text: str,
        language: str,
        reason: Reason,
        needed: float = 0.0,
        allowed: float = 0.0,
        word: str = "",
        why: str,
        hint: str,
    ) -> None:
        super().__init__(f"`{role}` in `{language}` {why}: `{_short(text)}`", hint=hint)
        self.role = role
        self.text = text
        self.language = language
        self.reason: Reason = reason
        self.needed = needed
        self.allowed = allowed
        self.word = word
        self.why = why

    @property
    def over(self) -> float:
        """By how much it is too much, as a share of what is allowed."""
        return self.needed / self.allowed - 1 if self.allowed > 0 else 0.0

    def __reduce__(self) -> tuple[Any, ...]:  # what goes from process to process keeps its fields
        return _rebuilt, (
            {
                "role": self.role, "text": self.text, "language": self.language, "reason": self.reason,
                "needed": self.needed, "allowed": self.allowed, "word": self.word, "why": self.why, "hint": self.hint,
            },
        )  # fmt: skip

    @classmethod
    def of_word(cls, item: TextItem, language: str, word: str, needed: float, allowed: float) -> Misfit:
        over = f"{needed / allowed - 1:.0%}".replace("%", " %") if allowed > 0 else "far"
        return cls(
            role=item.role, text=item.text, language=language, reason="word", needed=needed, allowed=allowed, word=word,
            why=f"does not fit at its least size: the word `{word}` is {over} too wide",
            hint="use a shorter word or a soft hyphen (U+00AD) in it, a smaller least size, or a wider box",
        )  # fmt: skip

    @classmethod
    def of_lines(cls, item: TextItem, language: str, lines: int) -> Misfit:
        surplus = max(round(len(item.text) * (1 - item.lines / lines)), 1)
        allowed = f"{item.lines} {'is' if item.lines == 1 else 'are'} allowed"
        return cls(
            role=item.role, text=item.text, language=language, reason="lines", needed=lines, allowed=item.lines,
            why=f"does not fit at its least size: it takes {lines} lines, {allowed}",
            hint=f"shorten it by up to {surplus} characters, allow more lines, or a smaller least size",
        )  # fmt: skip

    @classmethod
    def of_height(cls, item: TextItem, language: str, needed: float, allowed: float) -> Misfit:
        over = f"{needed / allowed - 1:.0%}".replace("%", " %") if allowed > 0 else "far"
        return cls(
            role=item.role, text=item.text, language=language, reason="height", needed=needed, allowed=allowed,
            why=f"and what stands with it do not fit at their least sizes: together they are {over} too high",
            hint="shorten the copy, make the box higher or the gap smaller, or allow smaller least sizes",
        )  # fmt: skip

    @classmethod
    def of_glyph(cls, item: TextItem, language: str, error: PictureError) -> Misfit:
        return cls(
            role=item.role, text=item.text, language=language, reason="glyph", why=f"cannot be set: {error.what}",
            hint=error.hint or "give a font that has the character",
        )  # fmt: skip


def _rebuilt(fields: dict[str, Any]) -> Misfit:
    return Misfit(**fields)


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:59].rstrip() + "…"
