"""Decisions and histories for the tests: made without files, and the same each time."""

from __future__ import annotations

import hashlib

from imagebuild.core.approvals.decision import Decision, written
from imagebuild.core.approvals.history import History, appended, parse_history, written_header

FILE = "imagebuild.approvals"
ANA, BEN, LEA = "ana@northwind.example", "ben@northwind.example", "lea@northwind.example"
HERO = "hero[product=kettle,locale=de-DE]"


def digest(name):
    return hashlib.sha256(name.encode()).hexdigest()


def ref(name):
    return digest(f"ref {name}")[:32]


def decided(name, decision="approve", *, by=ANA, picture="one", minute=0, **more):
    """A decision; of the same name it has the same ref."""
    values = {"ref": ref(name), "at": f"2026-11-21T22:{minute:02}:29Z", "by": by, "decision": decision, "asset": HERO}
    return Decision(**{**values, "digest": digest(picture), **more})


def history_of(*decisions):
    return appended(History(file=FILE, campaign="spring-kettle"), decisions)[1]


def lines_of(*decisions, history=None):
    """The lines that are written for decisions, one after another."""
    new, _ = appended(history or History(file=FILE, campaign="spring-kettle"), decisions)
    return [written(each) for each in new]


def text_of(lines):
    return "\n".join([written_header("spring-kettle"), *lines, ""])


def read(lines):
    return parse_history(text_of(lines), file=FILE)
