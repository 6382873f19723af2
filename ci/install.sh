#!/bin/sh
# Installs mvc from this checkout into the virtual environment DIR, what it needs with the hashes of uv.lock.
# Usage: install.sh DIR [eval|serve|site]: with the extra eval, which mvc gate --recompute needs, with what runs models,
# or with the extra site, which mvc site needs
set -eu
checkout=$(cd "$(dirname "$0")/.." && pwd)
# -I: jobs run this in the folder of a change, and a venv.py there is not to be imported
python3 -I -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "mvc needs Python 3.11 or newer" >&2
  exit 3
}
python3 -I -m venv "$1"
environment=$(cd "$1" && pwd)
"$environment/bin/pip" --disable-pip-version-check install --quiet --require-hashes --only-binary :all: \
  -r "$checkout/ci/requirements${2:+-$2}.txt"
echo "$checkout" > "$("$environment/bin/python" -I -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/mvc.pth"
cat > "$environment/bin/mvc" <<END
#!/bin/sh
exec "$environment/bin/python" -P -m mvc "\$@"
END
chmod +x "$environment/bin/mvc"
