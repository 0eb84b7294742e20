#!/usr/bin/env bash
# Qingchuan on a fresh Debian 12, in one command: installs what is missing, builds, plays the three days before now, goes
# on live. What it shows of them is INVENTED, by the simulator.
#
#   deploy/run.sh [--data DIR] [--port N] [--web-port N] [--history] [--once]
#
#   --data DIR     where the logs are kept (default: data): DIR/live, and with --history DIR/history
#   --port N       /metrics, /livez, /readyz on 127.0.0.1:N (default: 9464)
#   --web-port N   the console's API on 127.0.0.1:N (default: 8440); the first start prints a one-time password for it
#   --history      first a real month, December 2015 in Beijing, through the same processor in about a minute
#   --once         stop before going live: after the build, with --history after the month's sum
#
# Ctrl-C stops it; nothing is lost. Started again it builds only what changed and is live again within 3 seconds, with
# --history after the played month's sum from its log.
set -euo pipefail

die() {
  echo "run: $*" >&2
  exit 1
}

data=""
port=9464
web_port=8440
history=no
once=no
while [[ $# -gt 0 ]]; do
  case $1 in
    --data) data=$(realpath -m -- "${2:?--data needs a directory}"); shift 2 ;;
    --port) port=${2:?--port needs a number}; shift 2 ;;
    --web-port) web_port=${2:?--web-port needs a number}; shift 2 ;;
    --history) history=yes; shift ;;
    --once) once=yes; shift ;;
    -h | --help) sed -n '2,/^set /{/^#/{s/^# \{0,1\}//;p}}' "$0"; exit 0 ;;
    *) die "unknown option '$1'; see --help" ;;
  esac
done
for number in "$port" "$web_port"; do
  if [[ ! $number =~ ^[0-9]+$ || $number -lt 1 || $number -gt 65535 ]]; then die "--port and --web-port take a number from 1 to 65535"; fi
done

cd "$(dirname "$0")/.."
data=${data:-$PWD/data}
binary=build/release/qingchuan

# --- the binary -------------------------------------------------------------------------------------------------------

up_to_date() {
  [[ -x $binary && -f build/release/build.ninja ]] || return 1
  # Without ninja nothing can have been built since, and the binary is what there is.
  command -v ninja >/dev/null || return 0
  [[ $(ninja -C build/release -n qingchuan 2>/dev/null | tail -n 1) == "ninja: no work to do." ]]
}

if ! up_to_date; then
  deploy/install.sh build
  started=$SECONDS
  if [[ -x $binary ]]; then echo "run: building what changed"; else echo "run: building; a first time takes some minutes"; fi
  cmake --preset release --log-level=WARNING >/dev/null || die "CMake could not configure; its own words are above"
  cmake --build build/release --target qingchuan || die "the build failed; the compiler's own words are above"
  echo "run: built $binary in $((SECONDS - started)) s"
fi

# --- the played month -------------------------------------------------------------------------------------------------

month="December 2015 in Beijing (Beijing Multi-Site Air-Quality Data, CC BY 4.0)"
speed=44640  # a month of 31 days in 60 s
log=$data/history
marks=$data/.history  # playing: begun by this script and not finished; played: finished

processor_pid=""
feed_pid=""
stop() {  # PID: asks it to end, and waits until it has
  if [[ -n $1 ]] && kill -TERM "$1" 2>/dev/null; then wait "$1" 2>/dev/null || true; fi
}
# Jobs in the background do not see Ctrl-C: they are asked to end when this script does, for whatever reason.
trap 'stop "$feed_pid"; stop "$processor_pid"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

play() {
  local files=(config/demo/data/beijing-2015-12/*.csv) words=$data/history-processor.txt
  if [[ ! -f ${files[0]} ]]; then die "no files in config/demo/data/beijing-2015-12: is the clone complete?"; fi
  if [[ -e $log && ! -e $marks/playing ]]; then
    die "$log is there, but was not made by this script; choose another place (--data) or leave --history out"
  fi
  rm -rf -- "$log"  # a month half played, by this script
  mkdir -p "$marks" || die "cannot write to $data"
  : >"$marks/playing"

  echo "run: playing $month into $log, about a minute"
  "$binary" feed --data "$log" --format prsa --speed "$speed" --quiet "${files[@]}" &
  feed_pid=$!
  # A log is made by its first writer; its processor comes once it is set up.
  while kill -0 "$feed_pid" 2>/dev/null && ! "$binary" tail rules --data "$log" --from-beginning --until-end 2>/dev/null | grep -q timeline; do
    sleep 0.05
  done
  "$binary" processor --data "$log" --listen 127.0.0.1:0 --show 2>"$words" &
  processor_pid=$!
  wait "$feed_pid" || die "the month could not be fed; the reason is above"
  feed_pid=""
  if ! kill -0 "$processor_pid" 2>/dev/null; then die "the processor stopped: $(tail -n 1 "$words")"; fi
  stop "$processor_pid"
  processor_pid=""
  # What it had not read yet when the last file ended.
  "$binary" processor --data "$log" --until-end >>"$words" 2>&1 || die "the processor stopped: $(tail -n 1 "$words")"
  mv "$marks/playing" "$marks/played"
}

if [[ $history == yes ]]; then
  if [[ ! -e $marks/played || ! -d $log ]]; then
    rm -f "$marks/played"
    play
  fi
  echo "run: $month:"
  "$binary" summary --data "$log" || die "the sum of $log cannot be read; the reason is above"
fi
if [[ $once == yes ]]; then exit 0; fi

# --- live -------------------------------------------------------------------------------------------------------------

mkdir -p "$data" || die "cannot write to $data"
echo "run: log in $data/live, metrics on http://127.0.0.1:$port/metrics; Ctrl-C stops"
trap - EXIT INT TERM
exec "$binary" up --data "$data/live" --listen "127.0.0.1:$port" --web "127.0.0.1:$web_port"
