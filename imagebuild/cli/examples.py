"""What the help says beside the options: what there is to do, and examples of every verb."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["EXAMPLES", "OVERVIEW"]

OVERVIEW: Final = """\
make for paid pictures: works out which pictures a campaign needs, shows what would
change, why and for how much, and pays only for that.

  imagebuild init              a small working campaign in this folder
  imagebuild plan              what a build would do, and its price; changes nothing
  imagebuild build             do it
  imagebuild why hero          why an asset is as it is
  imagebuild review            look at the pictures and decide, in a browser
  imagebuild approve hero      say that its pictures may go out
"""

EXAMPLES: Final[Mapping[str, str]] = {
    "plan": """\
examples:
  imagebuild plan                          the whole campaign
  imagebuild plan hero                     one asset, in all its cells
  imagebuild plan locale=de-DE ratio=16:9  some cells of all assets
  imagebuild plan 'product=ket*' --exclude locale=ja-JP
  imagebuild plan out/de-DE/kettle.webp    one output, as with make
  imagebuild plan --out plan.json && imagebuild build --plan plan.json
""",
    "build": """\
examples:
  imagebuild build                  everything that changed
  imagebuild build hero locale=de-DE
  imagebuild build --frozen         only put locked pictures in place; make nothing
  imagebuild build --plan plan.json exactly the plan that was looked at, or nothing
  imagebuild build --batch          hand in what is paid for, cheaper; build again later to collect it
  imagebuild build --on-uncertain ask   what nobody knows the outcome of: pay for it again, or not

exit code: 0 all is as the campaign says · 1 something could not be done · 2 stopped with work left
""",
    "why": """\
examples:
  imagebuild why 'hero[product=kettle,locale=de-DE,ratio=16:9]'
  imagebuild why hero locale=de-DE
  imagebuild why out/de-DE/kettle.webp     by its output
""",
    "show": """\
examples:
  imagebuild show poster locale=ar-EG       the prompt exactly as it would be sent
  imagebuild show poster locale=ar-EG --json
""",
    "graph": """\
examples:
  imagebuild graph                          Mermaid, for a README on GitHub
  imagebuild graph hero                     an asset and all that it is made from
  imagebuild graph --format dot --cells | dot -Tsvg > graph.svg
""",
    "placements": """\
examples:
  imagebuild placements                     what each picture is cut from, what is lost, what is enlarged
  imagebuild placements --catalogue         sizes, formats, bytes and safe zones by placement
""",
    "check": """\
examples:
  imagebuild check                          campaign.yaml
  imagebuild check ads/*.yaml               several
  imagebuild check --json                   {"file", "line", "column", "length", "message", "hint"}

exit code: 0 no mistakes · 1 mistakes
""",
    "fit": """\
examples:
  imagebuild fit                            all copy, in every locale and shape
  imagebuild fit hero locale=de-DE          some of it
  imagebuild fit --pseudo                   also accented and longer (en-XA), and from right to left (ar-XB)

exit code: 0 all of it fits · 1 something does not, or the campaign has mistakes; with --strict, warnings too
""",
    "review": """\
examples:
  imagebuild review                         everything, as whoever git says you are
  imagebuild review locale=de-DE --since v1.0   one market, and what changed in it
  imagebuild review --for ana@example.com --for lea@example.com    an address for each
  imagebuild review --export page           files for a CI job; imagebuild approve --from decisions.json
  ssh -L 17000:127.0.0.1:17000 studio       and there: imagebuild review --port 17000

exit code: 0 when it was stopped · 1 if it could not start
""",
    "release": """\
examples:
  imagebuild release dist                   what may go out; says what stays behind and why
  imagebuild release german locale=de-DE    one market, into a folder of its own
  imagebuild release dist --require-complete   all of it or nothing, for CI
  imagebuild release dist --verify          is it as it was released, and is all in it approved still?
  (cd dist && sha256sum -c SHA256SUMS)      the same, without imagebuild

exit code: 0 released, though some may be left out · 1 nothing was written, or bytes are damaged; with --verify: it is
not as it was released, was not approved then, or could not be looked at (what was decided since is told, with 0)
""",
    "report": """\
examples:
  imagebuild report --html report.html      what this branch changed, with pictures
  imagebuild report --since v1.0 --html report.html
  imagebuild report --markdown > comment.md for a pull request
  imagebuild report hero locale=de-DE       of some pictures
""",
    "doctor": """\
examples:
  imagebuild doctor                         every provider
  imagebuild doctor openai                  one of them
  imagebuild doctor --offline               only what can be told from here

exit code: 0 the one that is named (else the campaign's, else any service) can be asked · 1 it cannot, or nothing can be
kept here
""",
    "completion": """\
examples:
  echo 'eval "$(imagebuild completion bash)"' >> ~/.bashrc
  echo 'eval "$(imagebuild completion zsh)"' >> ~/.zshrc
  imagebuild completion fish > ~/.config/fish/completions/imagebuild.fish
""",
    "approve": """\
examples:
  imagebuild approve hero locale=de-DE      these pictures, as they are now
  imagebuild approve --all --exclude poster
  imagebuild approve 'hero[locale=ar-EG]' --reject --why "the claim is not allowed there"
  imagebuild approve poster --comment "the steam hides the logo"
  imagebuild approve poster --another-take --why "a second kettle"     says its price; the next build pays
  imagebuild approve hero --withdraw        take back what you said of them
  imagebuild approve --from decisions.json  what was decided on an exported page

An approval is of one picture's bytes: it lapses when they change.
exit code: 0 · 1 if something that was asked for was refused
""",
    "approvals": """\
examples:
  imagebuild approvals                      how many pictures are approved, and what is missing from whom
  imagebuild approvals locale=de-DE --state open --state partly
  imagebuild approvals log hero             everything that was decided about it, the newest last
  imagebuild approvals verify               is the history whole, and is all that the last commit has still here?
  imagebuild approvals verify --against v1.0

exit code: 0 · 1 if `verify` found that something was edited or is gone, or something could not be done
""",
    "cache": """\
examples:
  imagebuild cache                  how big the store is, and what is in it
  imagebuild cache verify           read everything, and compare it with its digests
  imagebuild cache gc               what no lock names (nothing is dropped)
  imagebuild cache gc --drop        drop what was drawn here, and is drawn again for nothing
  imagebuild cache gc --drop --paid and what was paid for (their price is told by `gc --paid`)

exit code: 0 · 1 if `verify` found damage, or something could not be done
""",
    "sandbox": """\
examples:
  imagebuild sandbox                        prints the variables that point clients at it
  imagebuild sandbox --env sandbox.env &    for a CI job: wait for the file, then source it
  imagebuild sandbox --speed 1000 --latency lognormal:90:0.5
  imagebuild sandbox --rate rate-text=0.1 --rate cut-charged=0.02 --seed 7
  imagebuild sandbox --faults faults.yaml --ledger charges.jsonl

faults.yaml:
  - {fault: moderation-input, provider: openai, prompt: "*kettle*"}
  - {fault: cut-charged, after: 3, times: 2}

exit code: 0 when it was stopped · 1 if it could not start
""",
    "ledger": """\
examples:
  imagebuild ledger                         the last payments, and what each month cost
  imagebuild ledger --by asset              what each asset cost
  imagebuild ledger --month 2026-11 --csv > november.csv
  imagebuild ledger --state uncertain       what nobody knows the outcome of
  imagebuild ledger settle 9f86d08188 --not-billed    the service's own books say so
""",
}
