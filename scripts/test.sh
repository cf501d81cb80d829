#!/usr/bin/env bash
# Everything: what reads the code, then the tests. What fails quickly comes first;
# all jobs run even when one has failed, and the summary says which.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$root"
started=$(now)
scripts/setup.sh test
source scripts/jobs.sh
source scripts/checks.sh

job_frontend_unit() { npm run --silent --prefix frontend test; }
job_engine() { scripts/setup.sh engine; }
job_build() { scripts/build.sh; }
# The linter has vetted it. Tests wait for the database at times: one package more at once
# than there are processors keeps those busy.
# The collector takes half as often a turn, which is a twentieth of the time.
job_go() { GOGC=200 go test -race -vet=off -p $(($(getconf _NPROCESSORS_ONLN) + 1)) -timeout 20m ./...; }
job_journeys() { npm run --silent --prefix frontend e2e; }
job_smooth() { npm run --silent --prefix frontend e2e:alone; }

quiet_job frontend_build
lane scripts lockfiles gofmt schema_lint frontend_format frontend_lint frontend_types frontend_knip frontend_unit engine
lane generated build lint
finish_lanes
# Alone, for their timing: first the Go tests, then the browser, three journeys at a time
# (each waits for answers a third of its time), then what counts the CPU time of a page.
solo go
solo journeys
solo smooth
echo "all of it took $((($(now) - started) / 60)) min $((($(now) - started) % 60)) s"
summary
