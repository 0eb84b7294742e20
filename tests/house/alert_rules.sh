#!/usr/bin/env bash
# The Prometheus files as Prometheus reads them, and the alert rules' own tests. Exit 77 (skipped) without promtool.
set -euo pipefail
cd "$(dirname "$0")/../.."

tool=$(command -v promtool || echo build/tools/promtool)
if [[ ! -x $tool ]]; then
  echo "alert rules: promtool is missing: deploy/install.sh test" >&2
  exit 77
fi
"$tool" check config deploy/prometheus/prometheus.yml
"$tool" test rules deploy/prometheus/alerts_test.yml
