#!/usr/bin/env bash
# Installs the Debian packages that a target of the Makefile needs, if they are
# missing, and says so.
# usage: setup.sh window|test
set -eu

window="gcc libc6-dev pkg-config libgl1-mesa-dev xorg-dev"
case "${1:-}" in
window) packages=$window ;;
test) packages="$window xvfb chromium gnome-keyring dbus libsecret-tools curl imagemagick xdotool fonts-dejavu-core util-linux" ;;
*) echo "usage: setup.sh window|test" >&2; exit 2 ;;
esac

missing=()
for p in $packages; do
  dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing+=("$p")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null; then
  echo "setup: these packages are missing, and only Debian's can be installed from here: ${missing[*]}" >&2
  exit 1
fi
sudo=()
if [ "$(id -u)" != 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "setup: there is no sudo; as root run: apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  sudo=(sudo)
fi
echo "setup: installing Debian packages: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${sudo[@]}" apt-get update -q
"${sudo[@]}" apt-get install -y -q --no-install-recommends "${missing[@]}"
