# Keeps one comment with the verdict on the pull request.
set -euo pipefail
exec "$RUNNER_TEMP/mvc/bin/python" "$GITHUB_ACTION_PATH/ci/github/comment.py" "$RUNNER_TEMP/mvc-verdict.md"
