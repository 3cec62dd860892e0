#!/bin/sh
# Writes files with hostile texts and reads them with two other YAML readers: PyYAML and the
# JavaScript package `yaml`. Both must find exactly what annals reads.
#
# Installs the readers into a temporary folder; without network (or without python3 and node) it
# says so and succeeds.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/files"

(cd "$here/../.." && ANNALS_READERS_DIR="$folder/files" \
    cargo test --quiet --lib format::tests::readers:: >"$folder/log" 2>&1) || {
    cat "$folder/log"
    exit 1
}
[ "$(find "$folder/files" -name '*.yaml' | wc -l)" -gt 500 ] || {
    echo "readers: the test wrote too few files"
    exit 1
}

status=0
if python3 -m venv "$folder/python" >"$folder/log" 2>&1 \
    && "$folder/python/bin/pip" install --quiet "PyYAML>=6.0.2,<7" >"$folder/log" 2>&1; then
    "$folder/python/bin/python" "$here/check.py" "$folder/files" || status=1
elif python3 -c 'import yaml' >"$folder/log" 2>&1; then
    python3 "$here/check.py" "$folder/files" || status=1
else
    echo "readers: PyYAML skipped: it cannot be installed here"
fi

if (cd "$folder" && npm install --silent --no-audit --no-fund --prefix "$folder" yaml@2) \
    >"$folder/log" 2>&1; then
    cp "$here/check.mjs" "$folder/check.mjs"
    node "$folder/check.mjs" "$folder/files" || status=1
else
    echo "readers: the JavaScript package yaml skipped: it cannot be installed here"
fi
exit $status
