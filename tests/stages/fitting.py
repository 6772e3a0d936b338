"""Small campaigns with copy that is set into their pictures, and what `fit` finds of them."""

from __future__ import annotations

import json
from pathlib import Path

from imagebuild.core.address import parse_selection
from imagebuild.core.fit_report import Finding, FitReport
from imagebuild.stages.fit import fit_campaign
from imagebuild.stages.project import find_project

CAMPAIGN = """\
imagebuild: 1
campaign: small
model: gpt-image-2-2026-04-21
axes:
  locale: {source: en-US, targets: [%s], strings: "strings/{locale}.yaml"}
  product: [kettle, toaster]
  ratio: [{name: og, size: 1200x630}, {name: banner, size: 728x90}]
assets:
  scene:
    over: [product]
    prompt: "A {{ product }} on a table."
    size: 1024x640
  hero:
    over: [product, locale, ratio]
    from: scene
    steps:
      - typeset: {layout: layouts/hero.yaml, text: {headline: "{{ t.headline }}", cta: "{{ t.cta }}"}}
    output: "{{ locale }}/{{ product }}-{{ ratio }}.webp"
"""
LAYOUT = """\
layout: 1
shapes:
  landscape:
    groups:
      - {box: [0.06, 0.10, 0.50, 0.80], items: [{role: headline, size: [0.06, 0.12], lines: 3}, cta]}
  banner:
    groups:
      - {box: [0.02, 0.1, 0.50, 0.8], items: [{role: headline, size: [0.2, 0.4], lines: 1}]}
      - {box: [0.66, 0.1, 0.32, 0.8], items: [{role: cta, size: [0.15, 0.25]}]}
"""
STRINGS = {
    "en-US": {"headline": "Warm mornings", "cta": "Shop now"},
    "de-DE": {"headline": "Warme Morgen", "cta": "Jetzt kaufen"},
    "ar-EG": {"headline": "صباحات دافئة", "cta": "تسوق الآن"},
    "he-IL": {"headline": "בקרים חמים", "cta": "לרכישה"},
    "ja-JP": {"headline": "あたたかな朝", "cta": "今すぐ購入"},
}
LONG = "Warme Morgen, die schon vor dem ersten Kaffee nach Zuhause riechen"
SOMEWHAT_LONG = "Warme Morgen, die schon vor dem ersten Kaffee"


def write_campaign(
    folder: Path,
    *,
    strings: dict[str, dict[str, str]] | None = None,
    layout: str = LAYOUT,
    campaign: str = CAMPAIGN,
    **changed: dict[str, str],
) -> Path:
    """`de_DE={"headline": …}` changes a string of a locale."""
    texts = {tag: {**of_tag, **changed.get(tag.replace("-", "_"), {})} for tag, of_tag in (strings or STRINGS).items()}
    (folder / ".imagebuild").mkdir(parents=True)
    targets = ", ".join(tag for tag in texts if tag != "en-US")
    put(folder, "campaign.yaml", campaign.replace("%s", targets))
    put(folder, "layouts/hero.yaml", layout)
    for tag, of_tag in texts.items():
        put(
            folder,
            f"strings/{tag}.yaml",
            "".join(f"{key}: {json.dumps(text, ensure_ascii=False)}\n" for key, text in of_tag.items()),
        )
    return folder


def put(folder: Path, path: str, text: str) -> None:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(text, encoding="utf-8")


def fitted(folder: Path, *select: str, pseudo: bool = False) -> FitReport:
    project = find_project(str(folder / "campaign.yaml"), {}, here=str(folder))
    return fit_campaign(project, selection=parse_selection(select, ()), pseudo=pseudo)


def only(report: FitReport, kind: str) -> Finding:
    (found,) = [each for each in report.findings if each.kind == kind]
    return found


def spoken(report: FitReport) -> list[tuple[str, str, str, str]]:
    """(kind, role, locale, shape) of every finding."""
    return [(each.kind, each.role, each.locale, each.shape) for each in report.findings]
