#!/bin/sh
# Installs the official Python SDK into the project's private tool folder, .tools/python.
# Needs python3 with venv. Does nothing when the pinned versions are already there.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
target="$root/.tools/python"
stamp="$target/requirements.txt"

if [ -x "$target/bin/python" ] && cmp -s "$here/requirements.txt" "$stamp"; then
    exit 0
fi
if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
    echo "python3 with venv is missing. Install it (Debian, Ubuntu: apt-get install python3-venv)." >&2
    exit 1
fi

rm -rf "$target"
python3 -m venv "$target"
"$target/bin/python" -m pip install --quiet --disable-pip-version-check \
    --requirement "$here/requirements.txt"
# Last, so that an interrupted install is done again.
cp "$here/requirements.txt" "$stamp"
