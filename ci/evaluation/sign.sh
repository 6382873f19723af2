#!/bin/sh
# Signs the report of MODEL that another job wrote, commits it and pushes it to a branch. Nothing of the branch is run.
# Usage: ssh-agent sh sign.sh HANDED MODEL [PATH]…, in a clone with the branch checked out
#   HANDED  a directory with the report of MODEL, and each PATH, a file that the evaluation made and mvc tracks
# It needs the variables of trusted.sh, SIGNING_KEY and MVC, the path of the program.
set -euf

fail() {
  printf 'error: %s\n' "$1" >&2
  exit 1
}

# The branch must not choose where this job writes, by a link in the place of a file or of a directory.
place() {
  [ "$(realpath -m -- "$2")" = "$(pwd -P)/$2" ] || fail "$2 is a symlink, or behind one"
  [ -f "$1" ] && [ ! -L "$1" ] || fail "$2 was not handed over as a regular file"
  mkdir -p -- "$(dirname -- "$2")"
  cp -- "$1" "$2"
}

here=$(dirname -- "$0") handed=$1 model=$2
report=$model.eval.yaml
shift 2
case $(realpath -m -- "$handed") in "$(pwd -P)"/*) fail "$handed is in the repository: the branch chooses what is there" ;; esac
[ -e "$handed/$report" ] || { echo "There is no report to sign."; exit 0; }

sh "$here/trusted.sh"
place "$handed/$report" "$report"
git add -- "$report"
for path; do
  place "$handed/$path" "$path"
  "$MVC" add "$path"
done

printf '%s\n' "$SIGNING_KEY" | tr -d '\r' | ssh-add -q - || fail "SIGNING_KEY is not a private SSH key without a passphrase"
unset SIGNING_KEY
"$MVC" eval show "$model"
"$MVC" compare "HEAD:$model" "./$model"
"$MVC" eval sign "$model" --key "key::$(ssh-add -L)"
git commit --quiet --message "Evaluate $model"

"$MVC" gate --base "$BASE" --head HEAD || [ $? = 1 ]
demanded=$("$(dirname -- "$MVC")/python" "$here/needed.py" "$model" --base "$BASE" --head HEAD)
[ -z "$demanded" ] || fail "the signature does not count: $BASE needs the key in .mvc/allowed_signers, and its principal in evaluators of the policy"
"$MVC" push "$model" "$@"
git push --quiet origin "HEAD:refs/heads/$BRANCH" || fail \
  "$BRANCH has moved on; nothing was pushed to it, and the report is kept as an artifact. Run the job again for the new commit"
