# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154 # variables of lib.sh
#
# Hosts with a network, mounts and processes of their own, for tests that type what a manual says; read
# after lib.sh.
#
#	letters=([core-a]=a ...); netns a; wire a eth0 inet port-a
#	boot core-a                     an /etc without sno, empty /run and /var/lib, what is installed
#	                                in /usr/local
#	at core-a 'snoctl status'       as if typed by root there

declare -A letters inits

# boot HOST: processes, mounts and files of its own: an /etc, empty /run and /var/lib, what make
# install puts below /usr/local. The first process collects the dead ones; with it all others end.
boot() {
	local node=${letters[$1]} root=$WORK/$1
	mkdir -p "$root/etc" "$root/run" "$root/state" "$root/local"
	cp -a /etc/. "$root/etc"
	rm -rf "$root/etc/sno"
	mkdir -m 750 "$root/etc/sno"
	install -D -t "$root/local/sbin" "$BUILD"/sno-{core-agent,terminal-agent,sat-forwarder}
	install -D -t "$root/local/bin" "$BUILD/snoctl"
	background "$node" unshare --mount --pid --fork --kill-child --mount-proc --propagation private \
		bash -c "trap exit TERM; mount --bind '$root/etc' /etc && mount --bind '$root/local' /usr/local &&
			mount --bind '$root/state' /var/lib && mount --bind '$root/run' /run && touch /run/booted &&
			while :; do sleep 1 & wait; done"
	poll 5 test -e "$root/run/booted" || bail_out "host $1 does not boot"
	inits[$1]=$(pgrep -P "$background")
	processes+=("${inits[$1]}")
}

# at HOST COMMAND-LINE: as if typed by root there.
at() {
	nsenter --target "${inits[$1]}" --mount --net --pid env -i \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin bash -c "$2"
}
