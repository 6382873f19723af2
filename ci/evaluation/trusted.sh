#!/bin/sh
# Fails unless HEAD, the tip of BRANCH, has the paths in TRUSTED as BASE has them. All are variables.
set -euf

fail() {
  printf 'error: %s\n' "$1" >&2
  exit 1
}

for path in $TRUSTED; do
  git cat-file -e "$BASE:$path" || fail "TRUSTED: $BASE has no $path"
  git diff --quiet "$BASE" HEAD -- "$path" || fail \
    "$BRANCH has another $path than $BASE. Merge that change of $path first, or merge $BASE into $BRANCH"
done
