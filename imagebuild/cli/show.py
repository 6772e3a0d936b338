"""`imagebuild show`: what is asked for to make an asset: the final prompt, the request, what both were written from."""

from __future__ import annotations

import argparse
import json
import os
import sys

from imagebuild.cli.about_data import about_json, heading, kind_text, label, origin_lines, report_lines, request_lines
from imagebuild.cli.plan import provider_of
from imagebuild.cli.terminal import Ink, ink_for, isolated, printable
from imagebuild.core.key import Digest, short
from imagebuild.core.offer import dollars
from imagebuild.stages.about import About, Inquiry, Part, Written, picked
from imagebuild.stages.plan import Planned, plan_campaign
from imagebuild.stages.project import find_project

__all__ = ["run"]

MOST = 12


def run(options: argparse.Namespace) -> int:
    planned = plan_campaign(find_project(options.file, os.environ), provider=provider_of(options), whole=True)
    addresses = picked(planned.loaded.expansion.actions, options.asset, options.exclude)
    inquiry = Inquiry(planned)
    if options.json:
        found = [about_json(inquiry.about(address)) for address in addresses]
        json.dump({"campaign": planned.plan.campaign, "assets": found}, sys.stdout, ensure_ascii=False, indent=1)
        print()
        return 0
    ink = ink_for(sys.stdout)
    print("\n\n".join(_text(inquiry.about(address), planned, ink) for address in addresses[:MOST]))
    if len(addresses) > MOST:
        print(f"\n… and {len(addresses) - MOST} more (`--json` has all of them)")
    return 0


def _text(about: About, planned: Planned, ink: Ink) -> str:
    output = f"{isolated(about.output)} ({about.in_place})" if about.output else "none: other assets are made from it"
    lines = [ink.bold(isolated(about.address)), label("output", output, ink)]
    for part in about.parts:
        lines.extend(heading(about, part, ink))
        lines.extend(_part_lines(part, planned, ink))
    return "\n".join(lines)


def _part_lines(part: Part, planned: Planned, ink: Ink) -> list[str]:
    lines = [label("kind", kind_text(part), ink), label("price", _price_text(part, planned), ink)]
    lines.extend(report_lines(part, ink))
    lines.extend(origin_lines(part.origins, ink))
    if part.written:
        lines.append(label("written from", "", ink).rstrip())
        width = min(max(len(each.name) for each in part.written), 32)
        lines.extend(f"    {each.name:<{width}}  {_written_text(each)}" for each in part.written)
    lines.append(label("request", "", ink).rstrip())
    lines.extend(request_lines(part, prompt=False))
    prompt = part.action.manifest.get("prompt")
    if isinstance(prompt, str):
        # Flush left, each line a paragraph of its own: a terminal then gives it its own direction.
        lines.extend((ink.dim("--- prompt"), printable(prompt), ink.dim("--- end of prompt")))
        if printable(prompt) != prompt:
            lines.append("(it holds characters that command a terminal, written out here; `--json` has it as it is)")
    return lines


def _price_text(part: Part, planned: Planned) -> str:
    if not part.action.paid:
        return "nothing: drawn here"
    if part.price is None:
        return f"not known for this quality and size at {planned.plan.provider}"
    if part.price == 0:
        return f"nothing at {planned.plan.provider}"
    return f"about {dollars(part.price)} at {planned.plan.provider} (prices of {planned.plan.prices_of})"


def _written_text(each: Written) -> str:
    if each.is_file:
        return f"the file, {short(Digest(each.value))}"
    text = isolated(printable(" ".join(each.value.split())))
    return f"{text}  ({each.at})" if each.at else text
