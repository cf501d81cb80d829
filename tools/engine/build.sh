#!/bin/sh
# Builds the real engine that the tests talk to (ollama, from source) into
# .cache/engine/bin, once: with the version there already it does nothing. Takes
# about five minutes of one core, needs Go and a C++ compiler, and installs nothing
# outside .cache but Go's own module and build caches.
set -eu

version=v0.6.5
root=$(cd "$(dirname "$0")/../.." && pwd)
bin="$root/.cache/engine/bin"
stamp="$bin/ollama.version"

if [ -x "$bin/ollama" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$version" ]; then
	exit 0
fi

for tool in go c++; do
	if ! command -v "$tool" >/dev/null 2>&1; then
		echo "tools/engine/build.sh: '$tool' is missing; the engine cannot be built without it" >&2
		exit 1
	fi
done

echo "building the test engine, ollama $version (once, about five minutes)"
mkdir -p "$bin"
# Outside the module, so that its go.mod and flags have no say.
cd /
GOBIN="$bin" GOFLAGS=-mod=mod GOWORK=off CGO_ENABLED=1 nice -n 10 \
	go install -trimpath -ldflags='-s -w' "github.com/ollama/ollama@$version"
echo "$version" >"$stamp"
