#!/usr/bin/env bash
# Installs what a build, a test run or a demo needs and this machine lacks. Takes sets as arguments:
#   build   compilers and libraries      demo   the images of `make demo`
#   lint    clang-format and clang-tidy  bench  the peers `make bench` races against
# Does nothing, and asks for no rights, when everything is there already.
set -euo pipefail

build=(g++ make cmake ninja-build ccache mold pkg-config git python3 libboost1.81-dev libfmt-dev
       libspdlog-dev libcli11-dev libtomlplusplus-dev libpugixml-dev libsimdjson-dev
       nlohmann-json3-dev libsqlite3-dev libssl-dev libxxhash-dev zlib1g-dev prometheus-cpp-dev
       libgtest-dev libgmock-dev)
tests=(clang-19 libclang-rt-19-dev python3-venv python3-dev curl openssl)
lint=(clang-19 clang-tidy-19 clang-format-19 python3)
demo=(tuxpaint-stamps-default python3-venv)
bench=(nginx-light curl python3-venv)

wanted=()
for set_name in "$@"; do
  declare -n packages="$set_name"
  wanted+=("${packages[@]}")
done

missing=()
for package in "${wanted[@]}"; do
  state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$state" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || {
    echo "install_deps: not root and no sudo; install these yourself: ${missing[*]}" >&2
    exit 1
  }
  as_root=(sudo)
fi
echo "installing: ${missing[*]}"
"${as_root[@]}" apt-get update -qq
# No package may start a server of its own on this machine while it is installed.
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
