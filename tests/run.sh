#!/usr/bin/env bash
# The tests, for a stranger on a fresh Debian 12: installs what is missing, builds the release preset, runs ctest.
#
#   tests/run.sh              everything
#   tests/run.sh --quick      without the integration tests
#   tests/run.sh -- ARGS      passes ARGS on to ctest (as: -- -R core_test)
#
# QINGCHUAN_SHARED names the directory that holds the real files (default: ../shared); tests that need them say
# "skipped" where they are not. It can be run as often as you like. The last lines are ctest's own summary.
set -euo pipefail
cd "$(dirname "$0")/.."

quick=()
while [[ $# -gt 0 ]]; do
  case $1 in
    --quick) quick=(-LE integration); shift ;;
    --) shift; break ;;
    -h | --help) sed -n '2,/^set /{/^#/{s/^# \{0,1\}//;p}}' "$0"; exit 0 ;;
    *) echo "tests: unknown option '$1'; see --help" >&2; exit 2 ;;
  esac
done

deploy/install.sh test kafka
export PATH=$PATH:$PWD/build/tools  # promtool, Alertmanager

jobs=${QC_JOBS:-$(nproc)}
shared=${QINGCHUAN_SHARED:-../shared}
if [[ -d $shared ]]; then
  shared=$(cd "$shared" && pwd)
else
  echo "tests: no real files in '$shared' (QINGCHUAN_SHARED): what needs them is skipped"
fi
export QINGCHUAN_SHARED=$shared

started=$SECONDS
echo "tests: building build/release with $jobs jobs (a first time takes some minutes)"
cmake --preset release --log-level=WARNING >/dev/null
cmake --build build/release -j "$jobs"
echo "tests: built in $((SECONDS - started)) s"

exec ctest --test-dir build/release --output-on-failure --no-label-summary -j "$jobs" "${quick[@]}" "$@" </dev/null
