#!/usr/bin/env bash
# Installs what a command needs and checks what it cannot install. Says nothing
# when all is there. linter and engine build one tool each, which takes minutes
# once. Usage: setup.sh run|test|check|generate|linter|engine
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$root"
goal=${1:-run}

# at_least HAVE WANT reports whether a version is not older than another.
at_least() { [[ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" == "$2" ]]; }

check_tools() {
	local missing=()
	if ! command -v go >/dev/null; then
		missing+=("Go 1.26 or newer")
	elif ! at_least "$(go env GOVERSION | sed 's/^go//')" 1.26; then
		missing+=("Go 1.26 or newer (found $(go env GOVERSION))")
	fi
	if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
		missing+=("Node 20.19 or newer, with npm")
	elif ! at_least "$(node --version | tr -d v)" 20.19; then
		missing+=("Node 20.19 or newer (found $(node --version))")
	fi
	command -v git >/dev/null || missing+=("git")
	if ((${#missing[@]})); then
		local list
		list=$(printf ', %s' "${missing[@]}")
		fail "please install: ${list:2}"
	fi
}

# debian PROGRAMS PACKAGES installs Debian packages for programs that are missing;
# who is not root is told which.
debian() {
	local programs=$1 packages=$2 program absent=()
	for program in $programs; do
		command -v "$program" >/dev/null || absent+=("$program")
	done
	((${#absent[@]})) || return 0
	if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
		fail "missing: ${absent[*]}; as root: apt-get install $packages"
	fi
	# shellcheck disable=SC2086 # several packages
	step "installing $packages" apt_install $packages
}

apt_install() {
	export DEBIAN_FRONTEND=noninteractive
	apt-get install -y --no-install-recommends "$@" || {
		apt-get update && apt-get install -y --no-install-recommends "$@"
	}
}

# compiler makes sure of a C compiler, which the race detector and the test engine need.
compiler() { debian "gcc g++" "gcc g++ libc6-dev"; }

# browser makes sure of a Chromium; CHROMIUM may name one.
browser() {
	if [[ -n "${CHROMIUM:-}" ]]; then
		[[ -x "$CHROMIUM" ]] || fail "CHROMIUM names no program: $CHROMIUM"
		return 0
	fi
	local name
	for name in chromium chromium-browser google-chrome google-chrome-stable; do
		command -v "$name" >/dev/null && return 0
	done
	debian chromium chromium
}

linter() {
	local stamp="$cache/bin/golangci-lint.sum" want
	want=$(digest tools/lint/go.mod tools/lint/go.sum)$(go env GOVERSION)
	if [[ -x "$cache/bin/golangci-lint" && -f "$stamp" && "$(cat "$stamp")" == "$want" ]]; then
		return 0
	fi
	step "building golangci-lint (once, about two minutes)" \
		nice go -C tools/lint build -o "$cache/bin/golangci-lint" github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	echo "$want" >"$stamp"
}

# Stripe's own mock takes seconds; the test of it builds it again only when it changed.
stripe_mock() {
	[[ -x "$cache/bin/stripe-mock" ]] && return 0
	step "building stripe-mock" nice go -C tools/stripemock build -o "$cache/bin/stripe-mock" github.com/stripe/stripe-mock
}

# So does OpenAI's client for Go, which is a module of its own, with its own tests.
openai_go() {
	[[ -x "$cache/bin/openaigo" && -x "$cache/bin/openaigo.test" ]] && return 0
	step "building OpenAI's client for Go" nice go -C tools/openaigo build -o "$cache/bin/openaigo" .
	step "building its own tests (once, about two minutes)" nice go -C tools/openaigo test -c -o "$cache/bin/openaigo.test" github.com/openai/openai-go/v3
}

engine() {
	[[ -n "${KIMI_SKIP_REAL_ENGINE:-}" ]] && return 0
	step "building the test engine (once, about five minutes)" tools/engine/build.sh
}

check_tools
case $goal in
run)
	npm_ci frontend "frontend packages"
	npm_ci tools/postgres "PostgreSQL"
	;;
generate)
	npm_ci frontend "frontend packages"
	;;
check)
	npm_ci frontend "frontend packages"
	npm_ci tools/schema "the schema linter"
	;;
linter) linter ;;
engine) engine ;;
test)
	compiler
	browser
	debian openssl openssl
	npm_ci frontend "frontend packages"
	npm_ci tools/postgres "PostgreSQL"
	npm_ci tools/schema "the schema linter"
	npm_ci tests/clients "public clients for the tests"
	npm_ci examples "the examples' packages"
	stripe_mock
	openai_go
	;;
*) fail "unknown goal $goal" ;;
esac
