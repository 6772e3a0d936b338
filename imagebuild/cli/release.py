"""`imagebuild release`: put what may go out into a folder, say what stays and why; or see whether one is whole."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping
from typing import Any

from imagebuild.cli.plan import provider_of
from imagebuild.cli.terminal import Ink, ink_for, isolated, printable, say
from imagebuild.core.address import parse_selection
from imagebuild.core.release import Left, Reason, ReleaseError, gathered, manifest_text, told
from imagebuild.errors import visible
from imagebuild.stages.approvals import read_approvals
from imagebuild.stages.plan import plan_campaign
from imagebuild.stages.project import find_project
from imagebuild.stages.release import Released, release
from imagebuild.stages.verify_release import Verified, verify_release

__all__ = ["run"]

MOST_WORDS = 12  # sentences of one reason
MOST_NAMED = 4  # addresses of one sentence
MOST_FAULTS = 40

# What to do about it; `{}` is a picture's address.
_NEXT: Mapping[Reason, str] = {
    "not-built": "`imagebuild build`",
    "failed": "`imagebuild why '{}'` tells more",
    "unverified": "look at them, then `imagebuild release {folder} --accept-unverified`",
    "rejected": "change what was found wrong, then build; or ask for another take: `imagebuild review`",
    "waiting": "`imagebuild review`, or `imagebuild approve '{}'`",
    "lapsed": "`imagebuild review` shows both, or `imagebuild approve '{}'`",
    "damaged": "`imagebuild cache verify`, then `imagebuild build`",
}


def run(options: argparse.Namespace) -> int:
    project = find_project(options.file, os.environ)
    if options.verify:
        if options.select or options.exclude:
            raise ReleaseError("`--verify` looks at all of a release", hint="leave out the selection")
        history = read_approvals(project)
        return _verified(verify_release(project, history, options.folder, provider=provider_of(options)), options)
    selection = parse_selection(options.select, options.exclude)
    planned = plan_campaign(project, provider=provider_of(options), whole=True)
    done = release(
        planned, read_approvals(project), options.folder,
        selection=selection, asked=(options.select, options.exclude), accept_unverified=options.accept_unverified,
        require_complete=options.require_complete, replace=options.replace,
        on_wait=lambda holder: say(f"waiting for {holder}"),
    )  # fmt: skip
    if options.json:
        manifest = json.loads(manifest_text(done.release))
        printed = {"folder": done.folder, "written": done.written, "removed": list(done.removed), **manifest}
        json.dump(printed, sys.stdout, ensure_ascii=False, indent=1)
        print()
    else:
        print(_told(done, ink_for(sys.stdout)))
    if not done.written:
        count = len(done.release.left)
        if options.require_complete and done.release.head:
            what = f"{_pictures(count)} would be left out of the release; nothing was written"
            raise ReleaseError(what, hint="without `--require-complete` the others are delivered")
        raise ReleaseError(
            f"there is nothing to release: {_why_nothing(done)}; nothing was written",
            hint=_next(gathered(done.release.left)[0][0], done),
        )
    return 1 if done.damaged else 0


def _why_nothing(done: Released) -> str:
    return ", ".join(told(reason, sum(map(len, said.values()))) for reason, said in gathered(done.release.left))


def _next(reason: Reason, done: Released) -> str:
    first = next(each for each in done.release.left if each.reason == reason)
    return _NEXT[reason].replace("{folder}", printable(done.folder)).replace("{}", printable(first.address))


def _told(done: Released, ink: Ink) -> str:
    lines: list[str] = []
    if done.written:
        size = sum(int(each["bytes"]) for each in done.release.pictures)
        count = _pictures(len(done.release.pictures))
        lines.append(f"{ink.bold('released')} {count}, {size / 1e6:.1f} MB, to {printable(done.folder)}")
        unsure = sum(each["checked"] == "unverified" for each in done.release.pictures)
        if unsure:
            lines.append(ink.yellow(f"{_pictures(unsure)} of them unverified, and marked as that"))
        lines.extend(_removed_lines(done, ink))
    for reason, said in gathered(done.release.left):
        lines.extend(["", *_reason_lines(reason, said, done, ink)])
    if not done.written:
        return "\n".join(lines).strip("\n")
    if done.release.left:
        lines.extend(["", f"{_pictures(len(done.release.left))} left out; `release.json` has all of them"])
    return "\n".join(lines)


def _removed_lines(done: Released, ink: Ink) -> list[str]:
    """What the folder had before."""
    if not done.removed:
        return []
    lines = [f"{ink.yellow('removed')} {_pictures(len(done.removed))} that the release before had"]
    lines.extend(f"  {isolated(printable(path))}" for path in done.removed[:MOST_WORDS])
    more = len(done.removed) - MOST_WORDS
    return [*lines, f"  … and {more} more"] if more > 0 else lines


def _reason_lines(reason: Reason, said: Mapping[str, list[Left]], done: Released, ink: Ink) -> list[str]:
    count = sum(map(len, said.values()))
    word = ink.red if reason in ("failed", "rejected", "damaged") else ink.yellow
    lines = [f"{word('left out')}: {told(reason, count)}"]
    for sentence, pictures in list(said.items())[:MOST_WORDS]:
        named = ", ".join(isolated(printable(each.address)) for each in pictures[:MOST_NAMED])
        more = f" and {len(pictures) - MOST_NAMED} more" if len(pictures) > MOST_NAMED else ""
        lines.append(f"  {isolated(visible(_short(sentence)))}: {named}{more}")
    if len(said) > MOST_WORDS:
        lines.append(f"  … and for {len(said) - MOST_WORDS} more reasons of this kind")
    return [*lines, ink.dim(f"  next: {_next(reason, done)}")]


def _short(text: str) -> str:
    joined = " ".join(text.split())
    return joined if len(joined) <= 160 else joined[:159].rstrip() + "…"


def _pictures(count: int) -> str:
    return f"{count} picture" if count == 1 else f"{count} pictures"


# ------------------------------------------------------------------------------------------------------- looking back


def _verified(found: Verified, options: argparse.Namespace) -> int:
    if options.json:
        json.dump(_verified_json(found), sys.stdout, ensure_ascii=False, indent=1)
        print()
        return 1 if found.wrong or found.unseen else 0
    for path, what in found.wrong[:MOST_FAULTS]:
        print(f"{isolated(printable(path))} {isolated(visible(what))}")
    if len(found.wrong) > MOST_FAULTS:
        print(f"… and {len(found.wrong) - MOST_FAULTS} more (`--json` has all of them)")
    for path, what in found.since[:MOST_FAULTS]:
        print(f"note: {isolated(printable(path))}: {isolated(visible(what))}")
    if found.wrong:
        count = len({path for path, _ in found.wrong})
        raise ReleaseError(
            f"{count} of the files in `{found.folder}` are not as they were released, or not approved"
            if count != 1
            else f"a file in `{found.folder}` is not as it was released, or not approved",
            hint="release again, into a new folder",
        )
    whole = f"{_pictures(found.pictures)} of `{found.campaign}` {'is' if found.pictures == 1 else 'are'} as released"
    if found.unseen:
        print(whole)
        raise ReleaseError(f"whether they are approved was not looked at: {found.unseen}", hint="`imagebuild check`")
    print(whole + _approved(found))
    return 0


def _approved(found: Verified) -> str:
    if found.approved == found.pictures:
        return ", and approved"
    no_longer = found.pictures - found.approved - found.unneeded
    parts = [f"{found.approved} approved"] if found.approved else []
    need = "needs" if found.unneeded == 1 else "need"
    parts += [f"{found.unneeded} that {need} no approval"] if found.unneeded else []
    parts += [f"{no_longer} no longer approved"] if no_longer else []
    return ": " + ", ".join(parts)


def _verified_json(found: Verified) -> dict[str, Any]:
    return {
        "folder": found.folder,
        "campaign": found.campaign,
        "verified": not (found.wrong or found.unseen),
        "pictures": found.pictures,
        "approved": found.approved,
        "unneeded": found.unneeded,
        "not_seen": found.unseen,
        "wrong": [{"path": path, "what": what} for path, what in found.wrong],
        "since": [{"path": path, "what": what} for path, what in found.since],
    }
