#!/usr/bin/env bash
# Builds this campaign against the sandbox, as a CI job does: no key, no cost, nothing left behind.
# It shows that every picture is paid for once, and what a build does when an outcome is not known.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
sandbox=

finish() {
    [ -z "$sandbox" ] || kill "$sandbox" 2>/dev/null || true
    [ -z "$sandbox" ] || wait "$sandbox" || true
    rm -rf "$work"
}
trap finish EXIT

# A copy: the lock and the outputs would be the sandbox's.
cp "$here/campaign.yaml" "$work"
cd "$work"

# ---------------------------------------------------------------------------------------------- start the sandbox
imagebuild sandbox --env sandbox.env --pictures plain --speed 1000 --seed 7 >sandbox.log 2>&1 &
sandbox=$!
until [ -e sandbox.env ]; do
    kill -0 "$sandbox" 2>/dev/null || { cat sandbox.log >&2; exit 1; }
    sleep 0.1
done
source sandbox.env
# The sandbox names a store of its own, so that its pictures never pass for paid ones; this job wants it where it works.
export IMAGEBUILD_STORE="$work/store"
base=${OPENAI_BASE_URL%/openai/v1}/_sandbox

ask() { # PATH [BODY]: the sandbox's own side; with a body, even an empty one, it is a POST
    python3 - "$base/$1" "${@:2}" <<'END'
import sys
from urllib.request import ProxyHandler, build_opener

body = sys.argv[2].encode() if sys.argv[2:] else None
print(build_opener(ProxyHandler({})).open(sys.argv[1], body).read().decode())
END
}
read_json() { python3 -c "import json, sys; from decimal import Decimal; found = json.load(sys.stdin); print($1)"; }
charges() { ask charges | read_json 'len(found)'; }
is() { # what, found, wanted
    [ "$2" = "$3" ] || { echo "wrong: $1: $2, not $3" >&2; exit 1; }
    echo "ok: $1: $2"
}

# -------------------------------------------------------------------------------------- paid once, and then no more
imagebuild doctor openai
imagebuild build --quiet
is "charged, of four paid pictures" "$(charges)" 4
is "paid, by the ledger" "$(imagebuild ledger --state paid --json | read_json 'len(found["payments"])')" 4

imagebuild build
is "charged after a second build" "$(charges)" 4

# ------------------------------------------------------- the connection breaks after the service has made a picture
rm -r store out imagebuild.lock
ask reset '' >/dev/null
ask faults '[{"fault": "cut-charged", "prompt": "*winter*"}]' >/dev/null

code=0
imagebuild build --quiet || code=$?
is "exit code of a build with an unknown outcome" "$code" 1
is "charged" "$(charges)" 3

code=0
imagebuild build --quiet || code=$?
is "exit code of the next build" "$code" 1
is "charged: it was not sent again" "$(charges)" 3

# ------------------------------------------------------------ somebody looks at the service's own books, and says so
id=$(imagebuild ledger --state uncertain --json | read_json 'found["payments"][0]["id"]')
bill=$(ask charges | read_json 'next(each["price"] for each in found if each["fault"] == "cut-charged")')
imagebuild ledger settle "$id" --billed "$bill"
imagebuild build --quiet --on-uncertain retry
is "charged: the lost one a second time, and the one that is made from it" "$(charges)" 5

billed=$(ask charges | read_json 'sum(Decimal(each["price"]) for each in found)')
is "dollars, by the ledger as by the sandbox" "$(imagebuild ledger --json | read_json 'found["total"]["billed"]')" "$billed"

imagebuild plan --detailed-exitcode >/dev/null
imagebuild cache verify

kill "$sandbox"
wait "$sandbox"
sandbox=
echo "all is as it should be"
