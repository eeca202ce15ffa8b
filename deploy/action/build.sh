#!/usr/bin/env bash
# build.sh builds dxctl from the checkout of this action into the temporary directory of the runner.
set -euo pipefail

command -v go >/dev/null || {
  echo "::error title=dxctl::Go is not on this runner; run actions/setup-go before this action" >&2
  exit 1
}
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# The engine of the store is not built in: grading a checkout does not need it.
GOTOOLCHAIN=auto GOWORK=off go build -trimpath -o "$RUNNER_TEMP/dxctl" ./cmd/dxctl
