#!/usr/bin/env bash
# Builds frontend/dist when one of its sources has changed since the last build.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$root"

# sources lists what the build reads, the lock file included.
sources() {
	tree_files | grep '^frontend/' | grep -v -e '^frontend/e2e/' -e '\.test\.tsx\?$' -e '\.go$' | LC_ALL=C sort
}

want=$(
	{
		sources
		sources | git hash-object --stdin-paths
		node --version | cut -d. -f1
	} | git hash-object --stdin
)
stamp="$cache/frontend.built"
if [[ -f frontend/dist/index.html && -f $stamp && "$(cat "$stamp")" == "$want" ]]; then
	exit 0
fi
# The Go code embeds the folder: it compiles even when the build below fails.
mkdir -p frontend/dist
touch frontend/dist/.keep
step "building the frontend" npm run --prefix frontend build
echo "$want" >"$stamp"
