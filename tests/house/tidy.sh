#!/usr/bin/env bash
# clang-tidy (.clang-tidy) over the files that build/tidy compiles: the preset asan, each file by itself.
#
#   tests/house/tidy.sh [--deep] [--changed | FILE...]      (default: all of services/ but the tests)
#
# --changed: what changed since the commit that tests/house/tidy_clean names, where all was clean; with a header goes the
# source of its name. Without that commit (a shallow clone): all.
# --deep: with clang's static analyzer, which follows paths and takes twice the time (tests/nightly.sh tidy-deep).
set -euo pipefail
cd "$(dirname "$0")/../.."

quick=(--checks=-clang-analyzer-*)
if [[ ${1:-} == --deep ]]; then
  quick=()
  shift
fi

changed=no
if [[ ${1:-} == --changed ]]; then
  changed=yes
  shift
fi

commands=${QC_TIDY_BUILD:-build/tidy}
if [[ ! -f $commands/compile_commands.json ]]; then
  echo "tidy: $commands is not configured: cmake -S . --preset asan -B $commands -DQC_UNITY=OFF && cmake --build $commands --target qc_proto" >&2
  exit 1
fi
tool=clang-tidy
if command -v clang-tidy-14 >/dev/null; then tool=clang-tidy-14; fi

if [[ $changed == yes ]]; then
  clean=$(cat tests/house/tidy_clean)
  if git cat-file -e "$clean^{commit}" 2>/dev/null; then
    mapfile -t names < <({ git diff --name-only --diff-filter=d "$clean" -- services; git ls-files --others --exclude-standard services; } |
      sed -n 's/\.\(cc\|h\)$/.cc/p' | grep -v '_test\.cc$' | sort -u)
    set -- "${names[@]}"
    if [[ $# -eq 0 ]]; then
      echo "tidy: nothing changed since $clean, where all was clean"
      exit 0
    fi
  else
    echo "tidy: $clean is not in this clone: all files"
  fi
fi

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
