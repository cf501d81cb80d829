#!/usr/bin/env bash
# The money's kill harness alone: two real servers are ended with kill -9 a hundred times
# (or CHAOS_KILLS times) while accounts write, stop, buy and take payments back. It is part
# of make test too; a minute or two on two cores.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$root"
scripts/setup.sh test
CHAOS_KILLS="${CHAOS_KILLS:-100}" exec go test -race -count=1 -timeout 60m -v -run TestChaosMoneySurvivesKills ./tests/chaos
