"""The command line: which verb, what it is told, how it ends. Loads a verb's module only when that verb is called."""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import sys
from typing import NoReturn

from imagebuild.cli.examples import EXAMPLES, OVERVIEW
from imagebuild.cli.terminal import fail, say
from imagebuild.cli.verbs import VERBS
from imagebuild.errors import ImagebuildError, did_you_mean

__all__ = ["make_parser", "run"]


class _Parser(argparse.ArgumentParser):
    """Exit code 1 for a wrong command line: 2 means "changes" to `plan --detailed-exitcode`."""

    def error(self, message: str) -> NoReturn:
        hint = f"`{self.prog} --help`"
        if message.startswith("argument VERB: invalid choice:"):
            word = message.split("'")[1]
            hint = did_you_mean(word, VERBS) or hint
            message = f"no verb `{word}`"
        message = message.replace("required: DIR, WHAT", "required: DIR")  # the rest may be left out
        fail(ImagebuildError(message, hint=hint))
        sys.exit(1)


def make_parser(only: str | None = None) -> _Parser:
    """The parser of all verbs, or of the one that is called."""
    parser = _Parser(prog="imagebuild", description=OVERVIEW, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", action="store_true", help="print the version")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", parser_class=_Parser)

    def add(name: str, summary: str) -> _Parser:
        own: _Parser = verbs.add_parser(
            name,
            help=summary,
            description=summary,
            epilog=EXAMPLES.get(name),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if name not in ("init", "check", "completion", "sandbox"):
            own.add_argument("--file", "-f", metavar="FILE", help="the campaign (default: campaign.yaml)")
        own.add_argument("--debug", action="store_true", help="show the traceback of an error")
        return own

    for name in (only,) if only in VERBS else VERBS:
        VERBS[name](add)
    return parser


def _parsed(parser: _Parser, arguments: list[str]) -> argparse.Namespace:
    """As `parse_args`, but what is selected may also follow an option: `plan hero --all locale=de-DE`."""
    options, rest = parser.parse_known_args(arguments)
    many = next((name for name in ("select", "asset", "files") if isinstance(getattr(options, name, None), list)), None)
    wrong = [word for word in rest if word.startswith("-")] if many else rest
    if wrong:
        verb = f" {options.verb}" if options.verb else ""
        error = f"`imagebuild{verb}` takes no {', '.join(f'`{word}`' for word in wrong)}"
        fail(ImagebuildError(error, hint=f"`imagebuild{verb} --help`"))
        sys.exit(1)
    if many:
        getattr(options, many).extend(rest)
    return options


def run(arguments: list[str]) -> int:
    """Parse, call the verb, and turn what it raises into a message and an exit code."""
    gc.disable()  # a plan makes many values and few cycles: collecting takes a third of its time (a build enables it)
    parser = make_parser(arguments[0] if arguments else None)
    if "_ARGCOMPLETE" in os.environ:
        import argcomplete

        argcomplete.autocomplete(parser)
    options = _parsed(parser, arguments)
    if options.version:
        from importlib.metadata import version

        print("imagebuild", version("imagebuild-campaigns"))
        return 0
    if options.verb is None:
        parser.print_help()
        return 0
    try:
        code = importlib.import_module(f"imagebuild.cli.{options.verb}").run(options)
        sys.stdout.flush()
        return int(code)
    except ImagebuildError as error:
        if options.debug:
            raise
        fail(error)
        return 1
    except KeyboardInterrupt:
        say("stopped")
        return 2
    except BrokenPipeError:  # the reader of our output went away: no fault of the campaign's
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
