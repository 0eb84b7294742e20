#!/usr/bin/env bash
# clang-tidy (.clang-tidy) over the files that the preset asan compiles; its compile commands are clang's own.
#
#   tests/house/tidy.sh [--deep] [FILE...]      (default: all of services/ but the tests)
#
# --deep: with clang's static analyzer, which follows paths and takes twice the time (tests/nightly.sh tidy-deep).
set -euo pipefail
cd "$(dirname "$0")/../.."

quick=(--checks=-clang-analyzer-*)
if [[ ${1:-} == --deep ]]; then
  quick=()
  shift
fi

commands=${QC_TIDY_BUILD:-build/asan}
if [[ ! -f $commands/compile_commands.json ]]; then
  echo "tidy: $commands is not configured: cmake --preset asan && cmake --build build/asan --target qc_proto" >&2
  exit 1
fi
tool=clang-tidy
if command -v clang-tidy-14 >/dev/null; then tool=clang-tidy-14; fi

# Only what is really compiled: a file that no CMakeLists.txt names has no commands.
mapfile -t files < <(python3 - "$commands/compile_commands.json" "$PWD" "$@" <<'PY'
import json, os, sys
commands, root, asked = sys.argv[1], sys.argv[2], [os.path.abspath(a) for a in sys.argv[3:]]
for name in sorted({e["file"] for e in json.load(open(commands))}):
    inside = name.startswith(root + "/services/")
    if (asked and name in asked) or (not asked and inside and not name.endswith("_test.cc")):
        print(os.path.relpath(name, root))
PY
)
if [[ ${#files[@]} -eq 0 ]]; then
  echo "tidy: nothing to look at in $commands/compile_commands.json" >&2
  exit 1
fi

started=$SECONDS
if ! printf '%s\0' "${files[@]}" | xargs -0 -P "$(nproc)" -n 1 "$tool" --quiet "${quick[@]}" -p "$commands" 2>&1 |
  { ! grep -v -E '^[0-9]+ warnings? generated\.$|^Suppressed |^Use -header-filter|^$'; }; then
  echo "tidy: mend what is above, or disable the check in .clang-tidy with its reason" >&2
  exit 1
fi
echo "tidy: ${#files[@]} files clean in $((SECONDS - started)) s"
