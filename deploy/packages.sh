#!/usr/bin/env bash
# Programs that tests need and that come from Debian: installs those that are missing, as root;
# for anybody else says how, and fails. Arguments name more programs, in packages of the same name.
set -euo pipefail

missing=()
for pair in mosquitto promtool=prometheus strace "$@"; do
  PATH="$PATH:/usr/sbin" command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
done
((${#missing[@]} > 0)) || exit 0

if ! command -v apt-get >/dev/null || [[ $(id -u) != 0 ]]; then
  echo "tests need ${missing[*]}: install them, on Debian and Ubuntu by" >&2
  echo "  sudo apt-get install --no-install-recommends ${missing[*]}" >&2
  exit 2
fi
echo "installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
