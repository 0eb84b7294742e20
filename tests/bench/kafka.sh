#!/usr/bin/env bash
# Speed on a real Kafka: Qingchuan and a Kafka Streams job (tests/bench/peers) on the same topics and packets, exactly
# once. Starts a broker of its own and ends it. Readings/s of a backlog, CPU time, memory, latency from produce to
# committed signal, restore after SIGKILL; prints medians and ratios. On a quiet machine: 45 minutes, --runs 1: 15.
#
#   tests/bench/kafka.sh [options of tests/bench/kafka/bench.py: --help]
#   tests/bench/kafka.sh alerts [options]     ours alone: from produce to committed alert, and to the event at a client of
#                                               the console, at 10,000 readings/s, 4 minutes
set -euo pipefail
cd "$(dirname "$0")/../.."
deploy/install.sh build kafka
cmake --preset release --log-level=WARNING >/dev/null
cmake --build build/release --target qingchuan kafka_load
deploy/kafka/kafka.sh fetch
if [[ ${1:-} == alerts ]]; then
  shift
  exec python3 tests/bench/kafka/bench.py --only alerts --rates 10000 "$@"
fi
mvn -q -B -f tests/bench/peers/streams/pom.xml package </dev/null
exec python3 tests/bench/kafka/bench.py "$@"
