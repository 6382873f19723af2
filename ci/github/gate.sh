#!/bin/bash
# Judges the change: annotations on the lines of the files, the verdict in the summary of the run.
set -euo pipefail
PATH=$RUNNER_TEMP/mvc/bin:$PATH

arguments=()
[ -z "$INPUT_BASE" ] || arguments+=(--base "$INPUT_BASE" --head HEAD)
[ -z "$INPUT_REMOTE" ] || arguments+=(-r "$INPUT_REMOTE")
[ "$INPUT_RECOMPUTE" != true ] || arguments+=(--recompute)
verdict=$RUNNER_TEMP/mvc-verdict.md
rm -f "$verdict"

code=0
mvc gate "${arguments[@]}" --format github --summary "$verdict" || code=$?
[ ! -f "$verdict" ] || cat "$verdict" >> "$GITHUB_STEP_SUMMARY"
if [ "$INPUT_SARIF" = true ] && [ "$code" -le 1 ]; then
  findings=$RUNNER_TEMP/mvc.sarif  # in the workspace, a link of the change could stand in its place
  mvc gate "${arguments[@]}" --format sarif -o "$findings" >/dev/null || [ $? = "$code" ]
  echo "sarif=$findings" >> "$GITHUB_OUTPUT"
fi
case $code in
  0) echo "passed=true" >> "$GITHUB_OUTPUT" ;;
  1) echo "passed=false" >> "$GITHUB_OUTPUT" ;;
esac
exit "$code"
