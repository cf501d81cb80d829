#!/usr/bin/env bash
# Fails when the generated code is not what the schema and the queries give: makes
# it anew in a copy of the tree and compares every file.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$root"
copy="$cache/step.$$"
trap 'rm -rf "$copy"' EXIT
rm -rf "$copy"
mkdir -p "$copy"

tree_files | tar -C "$root" -cf - -T - | tar -C "$copy" -xf -
ln -s "$root/frontend/node_modules" "$copy/frontend/node_modules"
# Without paths in them and without C the packages are compiled as for bin/kimi-k2: a copy elsewhere compiles nothing anew.
(cd "$copy" && GOFLAGS="$GOFLAGS -trimpath" CGO_ENABLED=0 scripts/generate.sh)
rm -f "$copy/frontend/node_modules"

bad=0
while read -r f; do
	if ! cmp -s "$root/$f" "$copy/$f"; then
		echo "out of step: $f"
		diff -u "$root/$f" "$copy/$f" 2>&1 | head -n 20 || true
		bad=1
	fi
done < <({ tree_files; cd "$copy" && find . -type f | sed 's|^\./||'; } | LC_ALL=C sort -u)
if ((bad)); then
	echo "run make generate"
fi
exit $bad
