#!/usr/bin/env bash
# Installs what a target of the Makefile needs, if it is missing, and says so:
# Debian packages, and for the tests the one client that comes from npm.
# usage: setup.sh window|test
set -eu

window="gcc libc6-dev pkg-config libgl1-mesa-dev xorg-dev"
case "${1:-}" in
window) packages=$window ;;
test) packages="$window xvfb chromium gnome-keyring dbus libsecret-tools libglib2.0-bin curl imagemagick xdotool xclip jwm fonts-dejavu-core util-linux \
  postgresql systemd swaks libnet-ssleay-perl msmtp s-nail postfix libsasl2-modules nodejs npm python3" ;;
*) echo "usage: setup.sh window|test" >&2; exit 2 ;;
esac

missing=()
for p in $packages; do
  # Node.js from elsewhere does as well, and does not go together with Debian's.
  case $p in nodejs | npm) if command -v "${p%js}" >/dev/null; then continue; fi ;; esac
  dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing+=("$p")
done
if [ ${#missing[@]} -gt 0 ]; then
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
fi

if [ "$1" = test ]; then
  cd "$(dirname "$0")/../internal/clienttest/testdata/nodemailer"
  if ! cmp -s package-lock.json node_modules/.installed-from; then
    echo "setup: installing nodemailer"
    npm ci --ignore-scripts --no-audit --no-fund --silent
    cp package-lock.json node_modules/.installed-from
  fi
fi
