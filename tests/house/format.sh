#!/usr/bin/env bash
# Formats our C++ (.clang-format), or with --check only says what is not formatted. Exit 77 where clang-format 14 is
# missing: other versions break lines elsewhere, and ctest counts 77 as skipped.
set -euo pipefail
cd "$(dirname "$0")/../.."

tool=""
for candidate in clang-format-14 clang-format; do
  if command -v "$candidate" >/dev/null && "$candidate" --version | grep -q 'version 14\.'; then
    tool=$candidate
    break
  fi
done
if [[ -z $tool ]]; then
  echo "format: clang-format 14 is missing: deploy/install.sh lint" >&2
  exit 77
fi

if git rev-parse --git-dir >/dev/null 2>&1; then
  mapfile -t files < <(git ls-files --cached --others --exclude-standard -- '*.h' '*.cc')
else
  mapfile -t files < <(find services tests -name '*.h' -o -name '*.cc')
fi
existing=()
for file in "${files[@]}"; do
  if [[ -f $file ]]; then existing+=("$file"); fi
done

case ${1:-} in
  --check)
    unformatted=$(printf '%s\0' "${existing[@]}" | xargs -0 "$tool" --dry-run 2>&1 |
      sed -n 's/^\([^ ]*\):[0-9]*:[0-9]*: warning: .*/\1/p' | sort | uniq -c || true)
    if [[ -n $unformatted ]]; then
      echo "$unformatted"
      echo "format: not formatted (places, file); run tests/house/format.sh" >&2
      exit 1
    fi
    echo "format: ${#existing[@]} files, all formatted"
    ;;
  "") printf '%s\0' "${existing[@]}" | xargs -0 -P "$(nproc)" -n 20 "$tool" -i ;;
  *)
    echo "format: unknown option '$1': --check or nothing" >&2
    exit 2
    ;;
esac
