# Shared by the scripts: where things are and how progress is shown. Sourced, with
# bash, from any folder.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache="$root/.cache"
logs="$cache/log"
mkdir -p "$logs"
export PATH="$cache/bin:$PATH"
# Builds don't ask git for a version: a checkout may belong to another user.
export GOFLAGS="${GOFLAGS:--buildvcs=false}"
export NO_COLOR=1 npm_config_update_notifier=false npm_config_fund=false npm_config_audit=false

# now prints seconds since the epoch.
now() { date +%s; }

# git works although the checkout may belong to another user.
git() { command git -c safe.directory="$root" "$@"; }

# tree_files lists the files of the tree without what git ignores, from the root.
# Without a git folder (an unpacked archive) it leaves out the folders we make.
tree_files() {
	if git -C "$root" rev-parse --git-dir >/dev/null 2>&1; then
		git -C "$root" ls-files -co --exclude-standard | while read -r f; do
			if [[ -f "$root/$f" ]]; then printf '%s\n' "$f"; fi
		done
	else
		(cd "$root" && find . \( -name node_modules -o -path ./.cache -o -path ./bin -o -path ./data -o -path ./frontend/dist \) -prune -o -type f -print | sed 's|^\./||')
	fi
}

# fail prints one line and stops.
fail() {
	echo "✗ $*" >&2
	exit 1
}

# step LABEL COMMAND… runs the command with its output in a log file. What takes
# longer than two seconds is named, with its time; what fails shows the log's end.
step() {
	local label=$1 log started ticker status=0
	shift
	log="$logs/$(tr -cs 'a-zA-Z0-9\n' - <<<"$label").log"
	started=$(now)
	(
		sleep 2 >/dev/null 2>&1
		echo "» $label …"
	) &
	ticker=$!
	"$@" >"$log" 2>&1 </dev/null || status=$?
	local took=$(($(now) - started))
	# The ticker and its sleep: the group may be gone already.
	kill "$ticker" 2>/dev/null || true
	wait "$ticker" 2>/dev/null || true
	if ((status != 0)); then
		echo "✗ $label failed after ${took} s; the end of $log:" >&2
		tail -n 40 "$log" >&2
		return "$status"
	fi
	if ((took >= 2)); then
		echo "» $label: ${took} s"
	fi
}

# digest FILE… prints one hash of the files' contents and of Node's major version.
digest() {
	{
		cat "$@"
		node --version | cut -d. -f1
	} | git hash-object --stdin
}

# npm_ci FOLDER LABEL installs a folder's packages as locked, unless they are there.
npm_ci() {
	local dir="$root/$1" label=$2 want
	want=$(digest "$dir/package-lock.json" "$dir/package.json")
	if [[ -f "$dir/node_modules/.locked" && "$(cat "$dir/node_modules/.locked")" == "$want" ]]; then
		return 0
	fi
	step "installing $label" npm ci --prefix "$dir"
	echo "$want" >"$dir/node_modules/.locked"
}
