#!/usr/bin/env bash
# Builds bin/kimi-k2, static and with the frontend inside. What has not changed is
# not built again.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$root"
scripts/frontend.sh
version=$(git describe --tags --always --dirty 2>/dev/null || echo dev)
step "building bin/kimi-k2" env CGO_ENABLED=0 \
	go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$version" -o bin/kimi-k2 .
