"""What `fit` found, for people: string by string, in which locales and sizes, by how much, and what would help."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from imagebuild.cli.terminal import Ink, isolated
from imagebuild.core.fit_report import Finding, FitReport, StringFindings, by_string, in_words
from imagebuild.core.sizes import size_text
from imagebuild.errors import visible

__all__ = ["fit_text"]

LONGEST: Final = 60  # characters of a text that are shown


def fit_text(report: FitReport, ink: Ink) -> str:
    """The whole report; ends with the line that counts."""
    lines: list[str] = []
    for string in by_string(report.of("error")):
        lines += [*_string(string, ink), ""]
    warnings = report.of("warning")
    for string in by_string(warnings):
        lines += [*_warnings(string, ink), ""]
    lines += [f"note: {each}" for each in report.notes]
    if report.pictures or report.findings:
        lines.append(_counted(report, ink))
    return "\n".join(lines)


def _heading(string: StringFindings) -> str:
    """`hero headline (t.headline), set by layouts/hero.yaml:12`."""
    keys = ", ".join(f"t.{key}" for key in string.keys)
    name = f"{string.asset} {string.role}".rstrip()
    return name + (f" ({keys})" if keys else "") + (f", set by {string.at}" if string.at else "")


def _string(string: StringFindings, ink: Ink) -> Iterator[str]:
    yield ink.red("does not fit: ") + ink.bold(visible(_heading(string)))
    for findings in string.by_text:
        yield "  " + _text(findings[0])
        for what, same in _same(findings):
            yield f"    {in_words([_where(each) for each in same])}: {visible(what)}"
            advised = dict.fromkeys(visible(_advised(each)) for each in same)
            yield from ("      " + ink.green(words) for words in advised if words)
        yield from _for_all(findings, ink)


def _advised(finding: Finding) -> str:
    """`shorten the word … and shorten …, or allow 2 lines, or …`; what the finding names already is `it`."""
    said = [
        (
            each.do,
            each.sentence.replace(f"the word `{each.word}`", "it") if each.word in finding.what else each.sentence,
        )
        for each in finding.advice
    ]
    shorter = ", and ".join(sentence for do in ("shorten-word", "shorten") for each, sentence in said if each == do)
    rest = [sentence for do, sentence in said if do not in ("shorten", "shorten-word")]
    return ", or ".join(filter(None, [shorter, *rest])) or finding.hint


def _for_all(findings: Sequence[Finding], ink: Ink) -> Iterator[str]:
    """Of a text that is too long in several sizes: how short fits all of them."""
    needed = [min((each.to for each in finding.advice if each.do == "shorten"), default=None) for finding in findings]
    known = [each for each in needed if each is not None]
    if len(findings) > 1 and len(known) == len(findings):
        yield "    " + ink.green(f"at most about {round(min(known))} characters fit all of these")


def _warnings(string: StringFindings, ink: Ink) -> Iterator[str]:
    yield ink.yellow("warning: ") + ink.bold(visible(_heading(string)))
    for findings in string.by_text:
        yield "  " + _text(findings[0])
        for what, of_same in _same(findings):
            sizes = [_where(each) for each in of_same if each.size]
            yield f"    {in_words(sizes)}: {visible(what)}" if sizes else f"    {visible(what)}"
            if of_same[0].hint:
                yield "      " + ink.green(visible(of_same[0].hint))


def _same(findings: Sequence[Finding]) -> Iterator[tuple[str, list[Finding]]]:
    """Findings that say the same of several sizes, together."""
    found: dict[str, list[Finding]] = {}
    for each in findings:
        found.setdefault(each.what, []).append(each)
    yield from found.items()


def _text(finding: Finding) -> str:
    """The locale, where its text stands, and the text."""
    text = " ".join(finding.text.split("\n"))
    text = text if len(text) <= LONGEST else text[: LONGEST - 1].rstrip() + "…"
    place = str(finding.place) if finding.place else ""
    return "  ".join(filter(None, (finding.locale, visible(place), isolated(visible(text)))))


def _where(finding: Finding) -> str:
    assert finding.size is not None
    return size_text(finding.size) + (f" ({finding.shape})" if finding.shape else "")


def _counted(report: FitReport, ink: Ink) -> str:
    errors, warnings = len(report.of("error")), len(report.of("warning"))
    among = [_count(report.texts, "text")]
    if report.locales:
        among.append(_count(len(report.locales), "locale"))
    looked = f"{' in '.join(among)} and {_count(len(report.sizes), 'size')} ({_count(report.pictures, 'picture')}): "
    misfits = f"{errors} {'does' if errors == 1 else 'do'} not fit"
    fits = "all that could be looked at fits" if report.mistakes else "all of it fits"
    verdict = ink.red(misfits) if errors else ink.green(fits)
    return looked + verdict + (f", {_count(warnings, 'warning')}" if warnings else "")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
