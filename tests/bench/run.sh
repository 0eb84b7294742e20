#!/usr/bin/env bash
# All benchmarks, one after the other, on a quiet machine: the core in memory, the embedded log, both end to end. Prints
# ratios against references of the same run. A few minutes.
#
#   tests/bench/run.sh [--quick]     --quick: without the series of a million
set -euo pipefail
cd "$(dirname "$0")/../.."
case ${1:-} in
  "") filter=. ;;
  --quick) filter='-.*/1000000.*' ;;
  *) sed -n '2,/^set /{/^#/{s/^# \{0,1\}//;p}}' "$0"; exit 2 ;;
esac
deploy/install.sh test
cmake --preset release --log-level=WARNING >/dev/null
cmake --build build/release --target core_bench embedded_log_bench end_to_end_bench replay_bench
echo "machine: $(nproc) cores, $(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | sed 's/^ //'), $(free -g | awk '/^Mem/{print $2}') GiB"
echo "== the core in memory"
build/release/tests/bench/core_bench --benchmark_filter="$filter" 2>/dev/null
echo "== the embedded log"
build/release/tests/bench/embedded_log_bench 2>/dev/null
echo "== end to end on the embedded log"
build/release/tests/bench/end_to_end_bench
echo "== replay"
build/release/tests/bench/replay_bench
