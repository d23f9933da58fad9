#!/bin/sh
# Runs a private Postfix as root. usage: postfix.sh FOLDER start|stop|log|send [SENDMAIL'S ARGUMENTS]
# FOLDER has main.cf, master.cf and passwords; stop removes it.
set -eu
PATH=$PATH:/usr/sbin:/sbin
folder=$1 do=$2
shift 2
[ -f "$folder/main.cf" ] || { echo "$folder has no main.cf" >&2; exit 1; }
case $do in
start)
  cd "$folder"
  chown root:root . main.cf master.cf passwords
  chmod 0644 main.cf master.cf
  mkdir queue
  # Postfix makes the folders that are missing.
  postfix -c "$folder" start >start.txt 2>&1 || { cat start.txt >&2; exit 1; }
  ;;
stop)
  postfix -c "$folder" stop >/dev/null 2>&1 || true # it may not have started
  rm -rf "$folder"
  ;;
log) cat "$folder/log" ;;
send) /usr/sbin/sendmail -C "$folder" "$@" ;;
esac
