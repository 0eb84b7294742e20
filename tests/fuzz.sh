#!/usr/bin/env bash
# Runs the libFuzzer targets that build/asan holds, as many at a time as there are cores.
#
#   tests/fuzz.sh [--seconds N] [--list] [TARGET...]      (default: 20 s, all)
#
# Seeds stand in tests/fuzz/TARGET/; what a run discovers is kept in build/fuzz/corpus/TARGET, and an input that breaks
# something in build/fuzz/broken/. Such an input belongs into the seeds, with the fix.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=20
list=no
targets=()
while [[ $# -gt 0 ]]; do
  case $1 in
    --seconds) seconds=${2:?--seconds needs a number}; shift 2 ;;
    --list) list=yes; shift ;;
    -h | --help) sed -n '2,/^set /{/^#/{s/^# \{0,1\}//;p}}' "$0"; exit 0 ;;
    -*) echo "fuzz: unknown option '$1'; see --help" >&2; exit 2 ;;
    *) targets+=("$1"); shift ;;
  esac
done

bin=build/asan/tests/fuzz
if [[ ${#targets[@]} -eq 0 ]]; then
  mapfile -t targets < <(find "$bin" -maxdepth 1 -type f -executable -name '*_fuzz' -printf '%f\n' 2>/dev/null | sort)
fi
if [[ ${#targets[@]} -eq 0 ]]; then
  echo "fuzz: no targets in $bin: cmake --preset asan && cmake --build build/asan" >&2
  exit 1
fi
if [[ $list == yes ]]; then
  printf '%s\n' "${targets[@]}"
  exit 0
fi

mkdir -p build/fuzz/corpus build/fuzz/broken build/fuzz/logs
run_one() {
  local target=$1 seeds=()
  if [[ ! -x $bin/$target ]]; then
    echo "fuzz: $target: not built" >&2
    return 1
  fi
  mkdir -p "build/fuzz/corpus/$target"
  if [[ -d tests/fuzz/$target ]]; then seeds=("tests/fuzz/$target"); fi
  local log=build/fuzz/logs/$target.log
  if "$bin/$target" "build/fuzz/corpus/$target" "${seeds[@]}" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1500 \
    -print_final_stats=1 -artifact_prefix="build/fuzz/broken/$target-" >"$log" 2>&1 </dev/null; then
    echo "fuzz: $target: clean, $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") runs in $seconds s," \
      "$(find "build/fuzz/corpus/$target" -type f | wc -l) inputs kept"
  else
    echo "fuzz: $target: BROKEN; the end of $log:" >&2
    tail -n 60 "$log" >&2
    return 1
  fi
}

failed=0
running=0
for target in "${targets[@]}"; do
  if [[ $running -ge $(nproc) ]]; then
    wait -n || failed=1
    running=$((running - 1))
  fi
  run_one "$target" &
  running=$((running + 1))
done
while [[ $running -gt 0 ]]; do
  wait -n || failed=1
  running=$((running - 1))
done
exit $failed
