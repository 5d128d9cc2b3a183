#!/usr/bin/env bash
# The wheel carries all that it needs: built, installed into a bare environment, it makes the demo in an empty folder.
#   tools/wheel.sh PYTHON BUILDER     the Python of the bare environment, and one that has the tools for building
set -euo pipefail
python=$1 builder=$(pwd)/$2 checkout=$(pwd)
unset PYTHONPATH
away=$(mktemp -d)
trap 'rm -rf "$away"' EXIT
pip=(-m pip --disable-pip-version-check)
install=("${pip[@]}" install --quiet --no-compile --no-deps)

"$builder" "${pip[@]}" wheel --quiet --no-deps --no-build-isolation --wheel-dir "$away" "$checkout"

# Every file of the package is in it, data files too, and no other.
diff <(cd src && find tallystick -type f ! -path '*/__pycache__/*' | LC_ALL=C sort) \
  <("$builder" -c 'import sys, zipfile; print(*sorted(zipfile.ZipFile(sys.argv[1]).namelist()), sep="\n")' "$away"/*.whl | grep -v '\.dist-info/')

"$python" -m venv "$away/bare"
"$away/bare/bin/python" "${install[@]}" --require-hashes --only-binary :all: -r requirements/demo.lock
"$away/bare/bin/python" "${install[@]}" --no-index "$away"/*.whl
"$away/bare/bin/python" "${pip[@]}" check

mkdir "$away/anywhere"
cd "$away/anywhere"
"$away/bare/bin/python" -c 'import sys, tallystick; sys.exit(not tallystick.__file__.startswith(sys.prefix))'
"$away/bare/bin/tally" demo
