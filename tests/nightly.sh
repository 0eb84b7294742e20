#!/usr/bin/env bash
# What is too long for CI. Each part runs alone, by name, within 45 minutes, and ends with one line: its result.
#
#   tests/nightly.sh                 all parts, then the results again
#   tests/nightly.sh PART...         these
#   tests/nightly.sh list            what there is
#
# QC_JOBS: jobs of the builds (default: the cores). QINGCHUAN_SHARED: the real files (default: ../shared).
set -euo pipefail
cd "$(dirname "$0")/.."

jobs=${QC_JOBS:-$(nproc)}
shared=${QINGCHUAN_SHARED:-../shared}
if [[ -d $shared ]]; then shared=$(cd "$shared" && pwd); fi
export QINGCHUAN_SHARED=$shared
part_minutes_max=45

declare -A about=(
  [kills-embedded]="500 SIGKILLs under load on the embedded log; the outputs equal those of an undisturbed run"
  [kills-kafka]="200 SIGKILLs of processors and 20 of brokers under load on Kafka; every output once; 25 takeovers timed"
  [kills-alerts]="200 SIGKILLs of the processor and of alerts while people send commands; each is answered once, replay equal"
  [faults-kafka]="every fault of Kafka under a running processor, all brokers gone for a minute"
  [fuzz-packet]="libFuzzer on packets, 6 minutes"
  [fuzz-csv]="libFuzzer on the CSV readers, 6 minutes"
  [fuzz-yaml]="libFuzzer on the configuration, 6 minutes"
  [fuzz-amend]="libFuzzer on files of corrections, 6 minutes"
  [fuzz-mean]="libFuzzer on the records of means, 6 minutes"
  [fuzz-event]="libFuzzer on the records of events, 6 minutes"
  [fuzz-forecast]="libFuzzer on files of forecasts, 6 minutes"
  [fuzz-replay]="libFuzzer on snapshots and published records, 6 minutes"
  [seeds]="the order and replay properties of the hour with 20,000 seeds"
  [window-seeds]="the order and replay properties of every window, and of the region stage, with 5,000 seeds"
  [sim]="the simulation of all stages with 10,000 seeds"
  [replay]="replay of what was published under 50 kills and 3 switches of rules, the files of Beijing through a shuffle too"
  [history]="Beijing's episodes of four years, and the same after a shuffle of all of them, duplicates and 100 kills"
  [replay-month]="a simulated month of 60 stations, processed and replayed: every record byte for byte"
  [all-stations]="the real files with all 35 stations of Beijing, against what was published"
  [crashes]="the embedded log alone: 300 processes killed in the middle of commits, and its integrity after each"
  [worker-seeds]="the worker's crash and replay property with 5,000 seeds"
  [previous-binary]="a data directory of the previous commit's binary, opened by this one"
  [asan-all]="all tests, the integration tests too, under address and undefined-behaviour sanitizers"
  [tidy-deep]="clang-tidy with the static analyzer over services/"
  [bench]="the benchmarks, printed"
)
order=(kills-embedded kills-kafka kills-alerts faults-kafka crashes fuzz-packet fuzz-csv fuzz-yaml fuzz-mean fuzz-event fuzz-amend fuzz-replay fuzz-forecast seeds window-seeds sim replay replay-month history all-stations worker-seeds
  previous-binary asan-all tidy-deep bench)

build() {
  local preset=$1
  shift
  cmake --preset "$preset" --log-level=WARNING >/dev/null
  if [[ $# -gt 0 ]]; then cmake --build "build/$preset" -j "$jobs" --target "$@"; else cmake --build "build/$preset" -j "$jobs"; fi
}

fuzz() {
  build asan "$1"
  tests/fuzz.sh --seconds 360 "$1"
}

# One test program with an environment of its own; ctest's time limit is for CI's sizes.
long_test() {
  local test=$1
  shift
  build release
  env "$@" ctest --test-dir build/release --output-on-failure --no-tests=error --no-label-summary -V -j "$jobs" \
    --timeout $((part_minutes_max * 60)) -R "^$test\$"
}

part_kills-embedded() { long_test kill_embedded QC_KILLS=500; }
part_kills-kafka() { long_test kill_kafka QC_KILLS=200 QC_TAKEOVERS=25; }
part_kills-alerts() { long_test kill_alerts QC_KILLS=200; }
part_faults-kafka() { long_test integration_kafka_faults QC_OUTAGE_S=60; }
part_crashes() { long_test stream_test QC_CRASH_ROUNDS=300 GTEST_FILTER='*Crash*'; }
part_fuzz-packet() { fuzz packet_fuzz; }
part_fuzz-csv() { fuzz csv_fuzz; }
part_fuzz-yaml() { fuzz yaml_fuzz; }
part_fuzz-mean() { fuzz mean_fuzz; }
part_fuzz-event() { fuzz event_fuzz; }
part_fuzz-forecast() { fuzz forecast_fuzz; }
part_fuzz-amend() { fuzz amend_fuzz; }
part_fuzz-replay() { fuzz replay_fuzz; }
part_seeds() { long_test 'core_test_.*' QC_SEEDS=20000 GTEST_FILTER='ReadingStageOrder*:ReadingStageReplay*'; }
part_window-seeds() { long_test 'core_test_.*' QC_SEEDS=5000 GTEST_FILTER='Windows*:*RegionStage*'; }
part_sim() { long_test sim_test QC_SEEDS=10000; }
part_replay() { long_test integration_replay QC_KILLS=50; }
part_history() { long_test integration_history QC_HISTORY=all QC_KILLS=100; }
part_replay-month() { long_test integration_replay_month QC_REPLAY_HOURS=744; }
part_all-stations() { long_test integration_real_windows QC_ALL_STATIONS=1; }
part_worker-seeds() { long_test stream_test QC_SEEDS=5000 GTEST_FILTER='*Simulation*'; }

part_previous-binary() {
  local previous=build/previous work=build/previous-data source
  git rev-parse --verify -q HEAD~1 >/dev/null || { echo "nightly: no previous commit in this clone"; return 1; }
  build release qingchuan
  git worktree remove --force "$previous" 2>/dev/null || true
  git worktree prune
  git worktree add --force --detach "$previous" HEAD~1 >/dev/null
  echo "nightly: building $(git -C "$previous" log -1 --format='%h %s')"
  (cd "$previous" && cmake --preset release --log-level=WARNING >/dev/null && cmake --build build/release -j "$jobs" --target qingchuan)
  local old=$previous/build/release/qingchuan new=build/release/qingchuan
  if [[ ! -x $old ]]; then
    echo "nightly: the previous commit has no binary yet"
    return 1
  fi
  # The old one writes half, the new one reads it and goes on; nothing that was published may change.
  rm -rf "$work"
  mkdir -p "$work"
  source=$(find config/demo/data -name '*.csv' | sort | head -n 1)
  "$old" feed --data "$work/log" --format prsa --speed max "$source"
  "$old" processor --data "$work/log" --until-end
  "$old" tail means --data "$work/log" --from-beginning --until-end --format csv >"$work/old.csv"
  "$new" processor --data "$work/log" --until-end
  "$new" tail means --data "$work/log" --from-beginning --until-end --format csv >"$work/new.csv"
  git worktree remove --force "$previous"
  if [[ $(wc -l <"$work/old.csv") -lt 100 ]]; then
    echo "nightly: the previous binary published next to nothing"
    return 1
  fi
  # Columns may be added at the end: the contract is the first twelve.
  if ! diff <(cut -d, -f1-12 "$work/old.csv") <(cut -d, -f1-12 "$work/new.csv") | head -n 20; then return 1; fi
  echo "nightly: $(($(wc -l <"$work/old.csv") - 1)) means of the previous binary, read by this one: the same"
}

part_asan-all() {
  build asan
  if [[ -x /usr/lib/llvm-14/bin/llvm-symbolizer ]]; then
    export ASAN_SYMBOLIZER_PATH=/usr/lib/llvm-14/bin/llvm-symbolizer
  fi
  ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1 UBSAN_OPTIONS=print_stacktrace=1 \
    ctest --test-dir build/asan --output-on-failure --no-label-summary -j "$jobs" --timeout 1800
}

part_tidy-deep() {
  deploy/install.sh lint
  cmake -S . --preset asan -B build/tidy -DQC_UNITY=OFF --log-level=WARNING >/dev/null
  cmake --build build/tidy -j "$jobs" --target qc_proto
  tests/house/tidy.sh --deep
}

part_bench() {
  build release
  local program found=no
  while read -r program; do
    found=yes
    echo "nightly: $program"
    "$program" --benchmark_min_time=1
  done < <(find build/release/tests/bench -maxdepth 1 -type f -executable -name '*_bench' | sort)
  [[ $found == yes ]]
}

if [[ ${1:-} == list ]]; then
  for part in "${order[@]}"; do printf '%-16s %s\n' "$part" "${about[$part]}"; done
  exit 0
fi
parts=("$@")
if [[ ${#parts[@]} -eq 0 ]]; then parts=("${order[@]}"); fi
for part in "${parts[@]}"; do
  if [[ -z ${about[$part]:-} ]]; then
    echo "nightly: no part '$part'; tests/nightly.sh list" >&2
    exit 2
  fi
done

# A part is a process of its own: it ends at its first error, and at its time.
if [[ ${QC_NIGHTLY_PART:-} == "${parts[0]}" && ${#parts[@]} -eq 1 ]]; then
  "part_${parts[0]}"
  exit 0
fi

deploy/install.sh test sanitize
results=()
failed=0
for part in "${parts[@]}"; do
  echo "nightly: == $part: ${about[$part]}"
  started=$SECONDS
  code=0
  QC_NIGHTLY_PART=$part timeout --kill-after=30 "${part_minutes_max}m" "$0" "$part" </dev/null || code=$?
  case $code in
    0) result=passed ;;
    124 | 137) result="FAILED: not done within $part_minutes_max minutes"; failed=1 ;;
    *) result="FAILED (exit $code)"; failed=1 ;;
  esac
  results+=("$(printf 'nightly: %-16s %5d s  %s' "$part" $((SECONDS - started)) "$result")")
  echo "${results[-1]}"
done
if [[ ${#parts[@]} -gt 1 ]]; then printf '%s\n' "nightly: all results:" "${results[@]}"; fi
exit $failed
