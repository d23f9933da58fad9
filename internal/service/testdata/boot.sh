#!/bin/bash
# Starts a systemd of its own, in namespaces of its own, runs a command in them,
# and ends all of it. Nothing of the machine is changed: folders that are written
# to are covered by empty ones, and no unit of the system is loaded.
# usage: boot.sh COMMAND [ARG...]   as root; COMMAND finds itself as /srv/traymail
set -eu
case "${BOOT_STAGE:-outside}" in
outside)
	cgroup=$(findmnt -n -t cgroup2 -o TARGET | head -n 1)/traymail-test-$$
	work=$(mktemp -d)
	mkdir "$cgroup"
	mkfifo "$work/ready"
	trap 'kill -KILL "${child:-$$}" 2>/dev/null || :; wait 2>/dev/null || :; for i in $(seq 200); do find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null && break; sleep 0.05; done; rm -r "$work"' EXIT
	(
		echo "$BASHPID" >"$cgroup/cgroup.procs"
		BOOT_STAGE=inside BOOT_WORK=$work exec unshare --pid --fork --kill-child --mount --mount-proc --propagation private \
			--cgroup --net --uts --ipc "$0" "$@"
	) &
	child=$!
	read -r code <"$work/ready"
	exit "$code"
	;;
inside)
	umount --recursive --lazy /sys/fs/cgroup
	mount -t cgroup2 cgroup2 /sys/fs/cgroup
	for folder in /run /srv /etc/systemd/system; do mount -t tmpfs -o mode=755 tmpfs "$folder"; done
	# What systemd mounts for a unit, such as its credentials, the unit must see.
	mount --make-rshared /
	cp "$1" /srv/traymail
	shift
	for unit in sysinit.target basic.target multi-user.target network-online.target shutdown.target; do
		printf '[Unit]\nDescription=%s\nDefaultDependencies=no\n' "$unit" >"/etc/systemd/system/$unit"
	done
	(
		# On the test's own standard output and error; systemd itself is mute.
		until systemctl show --property=Version >/dev/null 2>&1; do sleep 0.05; done
		code=0
		/srv/traymail "$@" || code=$?
		echo "$code" >"$BOOT_WORK/ready"
	) &
	exec env -i PATH="$PATH" container=lxc SYSTEMD_UNIT_PATH=/etc/systemd/system \
		/lib/systemd/systemd --system --unit=basic.target --log-target=null --show-status=no </dev/null >/dev/null 2>&1
	;;
esac
