#!/usr/bin/env bash
# The performance table. Arguments go to `bench run`, for example -quick.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$root"
step "building bin/bench" go build -buildvcs=false -o bin/bench ./bench
exec bin/bench run "$@"
