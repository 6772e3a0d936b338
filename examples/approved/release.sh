#!/usr/bin/env bash
# From a build to a release that only has what was approved; everything happens in a copy, and in a git of its own.
# In life, people look first: `imagebuild review` shows the pictures in a browser, and records the same decisions.
# Nobody in particular is at work here, so `--as` is all that says who decides. Where git or IMAGEBUILD_USER names
# somebody else, that name is written beside the decision, and who had a picture made approves it in no name.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/lake-tea"
cp -R "$here/campaign.yaml" "$here/strings" "$work/lake-tea"
cd "$work/lake-tea"

fails() { # COMMAND…: it ends with exit code 1, as it should
    local code=0
    "$@" || code=$?
    [ "$code" = 1 ] || { echo "wrong: exit code $code, not 1: $*" >&2; exit 1; }
}
commit() { git add -A && git -c user.name=ops -c user.email=ops@northwind.example commit -qm "$1"; }
git init -q

# ------------------------------------------------------------------------------------------ somebody has it all made
IMAGEBUILD_USER=ops@northwind.example imagebuild build --quiet
commit "the first pictures"
fails imagebuild release "$work/shop" --require-complete      # nobody has looked at anything

# ------------------------------------------------------------------------------------------- brand, and legal, decide
imagebuild approve --all --as ana@northwind.example
fails imagebuild approve locale=en-US --as ops@northwind.example      # who had them made is no approver
fails imagebuild release "$work/shop" --require-complete      # Germany waits for legal
imagebuild approve locale=de-DE --as lea@northwind.example --why "no health claim"
imagebuild approvals
imagebuild release "$work/shop" --require-complete
imagebuild release "$work/shop" --verify
(cd "$work/shop" && sha256sum --quiet --check SHA256SUMS)
commit "approved"
git tag v1

# ------------------------------------------------------------------ a headline changes: its approvals lapse, and no other
sed -i.before 's/^headline: .*/headline: Tee vor dem ersten Hahnenschrei/' strings/de-DE.yaml && rm strings/de-DE.yaml.before
IMAGEBUILD_USER=ops@northwind.example imagebuild build --quiet
imagebuild approvals locale=de-DE
imagebuild report --since v1 --markdown --out "$work/report.md"
imagebuild report --since v1 --html "$work/report.html"
imagebuild release "$work/shop"      # what is approved still goes out; what is not stays behind, and it is said why
[ -e "$work/shop/en-US/poster-1x1.webp" ]
[ ! -e "$work/shop/de-DE/poster-1x1.webp" ]

# ---------------------------------------------------------------------------------- an edited history is not believed
imagebuild approvals verify
sed -i.before 's/no health claim/no claim/' imagebuild.approvals
fails imagebuild approvals verify
fails imagebuild release "$work/shop"
echo "all is as it should be"
