#!/bin/sh
# Installs mvc from this checkout, judges the change, and writes the verdict into the folder OUT: summary.md, and FILE in
# each FORMAT of mvc gate. Ends as mvc gate does. For jobs of CI systems: docs/ci.md
# Usage: gate.sh [--recompute] OUT FORMAT=FILE...
set -eu
ci=$(cd "$(dirname "$0")" && pwd)
recompute=
if [ "$1" = --recompute ]; then
  recompute=$1
  shift
fi
out=$1
shift
environment=$(mktemp -d)
trap 'rm -rf "$environment"' EXIT
sh "$ci/install.sh" "$environment" ${recompute:+eval}

rm -rf "$out"  # of the build before, or from the change: a link, or files that would pass for the verdict
mkdir "$out"
code=0
"$environment/bin/mvc" gate ${recompute:+--recompute} --format "${1%%=*}" -o "$out/${1#*=}" --summary "$out/summary.md" || code=$?
shift
if [ "$code" -le 1 ]; then
  for report in "$@"; do
    "$environment/bin/mvc" gate ${recompute:+--recompute} --format "${report%%=*}" -o "$out/${report#*=}" >/dev/null || [ $? = "$code" ]
  done
fi
exit "$code"
