#!/usr/bin/env bash
# Installs what a fresh Debian 12 lacks, and nothing that is already there.
#
#   deploy/install.sh [build|test|sanitize|lint|kafka ...]      (default: build)
#
#   build     compiler, CMake and the libraries: enough for build/release/qingchuan
#   test      build, and what the tests call: python3, pytest, sqlite3, zstd, git, xmllint, promtool,
#             Alertmanager, schemathesis
#   sanitize  test, and clang with its sanitizers and libFuzzer
#   lint      build, and clang-tidy, clang-format and shellcheck
#   kafka     what deploy/kafka/kafka.sh needs: Java 17, Maven; and kcat to look in
#
# It asks dpkg first: where nothing is missing it takes a fraction of a second and needs neither root nor a network.
set -euo pipefail
cd "$(dirname "$0")/.."

die() {
  echo "install: $*" >&2
  exit 1
}

# GoogleTest and Google Benchmark are here because CMake configures the tests, too. gnuplot draws what `episodes --svg` asks
# for, when it asks.
build_packages=(
  g++ cmake ninja-build pkg-config ccache mold
  libprotobuf-dev protobuf-compiler
  libboost1.81-dev libboost-json1.81-dev
  prometheus-cpp-dev libyaml-cpp-dev libspdlog-dev libcli11-dev libexpected-dev
  librdkafka-dev libjemalloc-dev libsqlite3-dev libzstd-dev zlib1g-dev libssl-dev libpugixml-dev
  libgtest-dev libgmock-dev libbenchmark-dev
  gnuplot-nox
)
test_packages=(python3 python3-pytest python3-venv sqlite3 zstd git libxml2-utils)
sanitize_packages=(clang libclang-rt-14-dev llvm-14)
kafka_packages=(openjdk-17-jre-headless maven kcat)
lint_packages=(clang-tidy clang-format clang shellcheck git python3)

wanted=()
tools=no
for group in "${@:-build}"; do
  case $group in
    build) wanted+=("${build_packages[@]}") ;;
    test) wanted+=("${build_packages[@]}" "${test_packages[@]}"); tools=yes ;;
    sanitize) wanted+=("${build_packages[@]}" "${test_packages[@]}" "${sanitize_packages[@]}"); tools=yes ;;
    kafka) wanted+=("${kafka_packages[@]}") ;;
    lint) wanted+=("${build_packages[@]}" "${lint_packages[@]}") ;;
    -h | --help) sed -n '2,/^set /{/^#/{s/^# \{0,1\}//;p}}' "$0"; exit 0 ;;
    *) die "unknown group '$group': one of build, test, sanitize, lint, kafka" ;;
  esac
done

command -v dpkg-query >/dev/null || die "this script knows Debian 12 only; docs/development.md lists the packages by name"

declare -A there=()
while IFS=' ' read -r name status; do
  if [[ $status == "installed" ]]; then there[${name%%:*}]=1; fi
done < <(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "${wanted[@]}" 2>/dev/null || true)

missing=()
for package in "${wanted[@]}"; do
  if [[ -z ${there[$package]:-} ]]; then
    there[$package]=1
    missing+=("$package")
  fi
done

as_root=()
if [[ $(id -u) -ne 0 ]]; then as_root=(sudo); fi

updated=no
update() {
  if [[ $updated == yes ]]; then return; fi
  echo "install: apt-get update"
  "${as_root[@]}" apt-get update -qq || die "apt-get update failed: is there a network, and is /etc/apt/sources.list right?"
  updated=yes
}

if [[ ${#missing[@]} -gt 0 ]]; then
  if [[ ${#as_root[@]} -gt 0 ]] && ! command -v sudo >/dev/null; then
    die "run as root: apt-get install ${missing[*]}"
  fi
  update
  echo "install: ${#missing[@]} packages: ${missing[*]}"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends -o Dpkg::Use-Pty=0 "${missing[@]}" </dev/null |
    { grep --line-buffered '^Setting up' || true; } ||
    die "apt-get could not install them; its own words are above (Debian 12 is expected)"
fi

# promtool and Alertmanager come in packages of whole servers. Installing those would start daemons on this machine, so
# only the one file is taken out of each; the tests look for it in the path and in build/tools. Debian's Alertmanager
# does not start without its templates, whose place is built into it: they are put there.
templates=/usr/share/prometheus/alertmanager
tool() {
  local name=$1 package=$2
  if command -v "$name" >/dev/null || [[ -x build/tools/$name ]]; then return; fi
  update
  echo "install: $name, into build/tools"
  mkdir -p build/tools/unpacked
  (
    cd build/tools &&
      apt-get download -qq -o APT::Sandbox::User=root "$package" </dev/null &&
      dpkg-deb -x "$package"_*.deb unpacked &&
      if [[ -d unpacked$templates ]]; then
        "${as_root[@]}" install -D -m 644 -t "$templates" "unpacked$templates"/*.tmpl
      fi &&
      mv "unpacked/usr/bin/$name" "$name" &&
      rm -rf unpacked "$package"_*.deb
  ) || die "$name could not be fetched (apt-get download $package)"
}
# The scanner of the API, in an environment of its own.
schemathesis=4.32.5
scanner() {
  local home=build/tools/schemathesis
  if [[ -x $home/bin/st && -f $home/$schemathesis ]]; then return; fi
  echo "install: schemathesis $schemathesis, into $home"
  rm -rf "$home"
  { python3 -m venv "$home" && "$home/bin/pip" install -q --disable-pip-version-check "schemathesis==$schemathesis" </dev/null; } ||
    die "schemathesis could not be installed (pip install schemathesis==$schemathesis)"
  touch "$home/$schemathesis"
}
if [[ $tools == yes ]]; then
  scanner
  tool promtool prometheus
  tool prometheus-alertmanager prometheus-alertmanager
fi
