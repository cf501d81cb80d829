#!/usr/bin/env bash
# The long fault suites: every test named Chaos…, those with the build tag chaos
# included. CHAOS=1 asks tests that have a short and a long form for the long one.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$root"
scripts/setup.sh test
scripts/setup.sh engine
CHAOS=1 exec go test -race -tags chaos -count=1 -timeout 60m -v -run Chaos ./...
