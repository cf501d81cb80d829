#!/usr/bin/env bash
# Everything that reads the code without running it.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$root"
scripts/setup.sh check
source scripts/jobs.sh
source scripts/checks.sh
quiet_job frontend_build
lane scripts lockfiles gofmt schema_lint frontend_format frontend_lint frontend_types frontend_knip
lane generated lint
finish_lanes
summary
