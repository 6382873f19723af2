# Installs what mvc needs, with the hashes of uv.lock, and no package of mvc itself: that is this checkout.
set -euo pipefail
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "::error::mvc needs Python 3.11 or newer: add actions/setup-python before it" && exit 3
}
python3 -m venv "$RUNNER_TEMP/mvc"
"$RUNNER_TEMP/mvc/bin/pip" --disable-pip-version-check install --quiet --require-hashes --only-binary :all: \
  -r "$GITHUB_ACTION_PATH/ci/requirements.txt"
