#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: uml
# shellcheck disable=SC2317 # functions are called by name
#
# A real boot: systemd as process 1 of a copy of this system, on which the project was installed with
# `make install`. It makes user and folders, starts each daemon under its unit, as that user and
# behind its filters; the daemons do their work in the kernel with what the unit leaves to them. The
# copy is an overlay in user-mode Linux: nothing of this machine is changed.
. "${SRCDIR:-.}/tests/netns/lib.sh"

need_root
need_program systemctl journalctl unshare nsenter make
[ -x /lib/systemd/systemd ] || skip_all "systemd is not installed"
config=$(dirname -- "$BUILD")/config.mk
sysconf=$(sed -n 's/^sysconfdir *= *//p' "$config")
[ "$sysconf" = /etc ] || skip_all "this build looks for its configuration elsewhere: ./configure without --prefix"
modprobe ipv6 2>/dev/null
modprobe overlay || skip_all "this kernel has no overlay file system"

# --- a machine -----------------------------------------------------------------------------------

root=/tmp/$PREFIX/root
overlay() {
	mkdir -p "/tmp/$PREFIX" && mount -t tmpfs none "/tmp/$PREFIX" &&
		mkdir "/tmp/$PREFIX/upper" "/tmp/$PREFIX/work" "$root" &&
		mount -t overlay none -o "lowerdir=/,upperdir=/tmp/$PREFIX/upper,workdir=/tmp/$PREFIX/work" "$root"
}
overlay || skip_all "this kernel makes no overlay of the file system"
rm -rf "$root"/etc/systemd/system/* "$root/etc/sno" "$root/var/lib/sno" "$root/var/log/journal"
sed -i '/^sno:/d' "$root/etc/passwd" "$root/etc/group" "$root/etc/shadow" "$root/etc/gshadow"
check "make install" make -s -C "$(dirname -- "$BUILD")" install DESTDIR="$root"
mount --rbind /dev "$root/dev"
mount --rbind /sys "$root/sys"
mount -t tmpfs -o mode=755 none "$root/run"
mount -t tmpfs none "$root/tmp"

netns a
netns b
ip link add eth0 netns "$PREFIX-a" type veth peer name peer0 netns "$PREFIX-b"
ip link add sat0 netns "$PREFIX-a" type veth peer name peer1 netns "$PREFIX-b"
ip link add eth1 netns "$PREFIX-a" type veth peer name peer2 netns "$PREFIX-b"
for link in peer0 peer1 peer2; do on b ip link set dev $link up; done
for link in eth0 eth1 sat0; do on a ip link set dev $link addrgenmode none up; done
on a ip addr add 192.0.2.1/24 dev eth0

boot() {
	background a unshare --mount --propagation private --pid --fork --kill-child --uts --ipc --cgroup \
		--mount-proc="$root/proc" chroot "$root" env -i container=uml PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		/lib/systemd/systemd --system --unit=basic.target --log-target=journal
	poll 10 pgrep -P "$background" || bail_out "no process 1"
	init=$(pgrep -P "$background")
	processes+=("$init")
}

# at COMMAND...: on that machine.
at() {
	nsenter --target "$init" --mount --net --pid --ipc --uts --root env -i --chdir=/ \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}
up() { at systemctl is-active --quiet "$1"; }
journal() { at journalctl --no-pager -o cat -u "$1"; }
says() { journal "$1" | grep -Eq -- "$2"; }
main() { at systemctl show --value -p MainPID "$1"; }
status_of() { at sed -n "s/^$2:[[:space:]]*//p" "/proc/$(main "$1")/status"; }
owner() { at stat -c '%U:%G %a' "$1"; }

boot
within 60 "the machine comes up" up basic.target || note "$(cat "$WORK"/a.*)"

# --- what a boot makes -----------------------------------------------------------------------------

check "there is a user sno" at id sno
same "/etc/sno is for it to read" "root:sno 750" "$(owner /etc/sno)"
same "/run/sno is its own" "sno:sno 755" "$(owner /run/sno)"
same "/var/lib/sno too" "sno:sno 750" "$(owner /var/lib/sno)"

# --- the core agent --------------------------------------------------------------------------------

core_config() {
	cat >"$root/etc/sno/core-agent.conf" <<-CONF
		core = { name = "a.example"; listen = [ "192.0.2.1" ]; };
		access = { satellites = ( { name = "s1"; interface = "eth1"; } ); };
		pools = { home4 = [ "10.1.0.0/24" ]; care_of4 = [ "198.51.100.0/25" ]; };
		$1
	CONF
}
genkey() {
	at bash -c "umask 077; snoctl genkey >/etc/sno/$1"
}

unit=sno-core-agent.service
at systemctl start $unit
same "without a configuration it is not started, and nothing has failed" "no inactive" \
	"$(at systemctl show --value -p ConditionResult $unit) $(at systemctl show --value -p ActiveState $unit)"
core_config 'nonsense = 1;'
check "a bad configuration does not start" at bash -c "! systemctl start $unit"
check "... and the journal names file and line" says $unit '/etc/sno/core-agent.conf:4: .*nonsense'
core_config ''
genkey core.key
at systemctl reset-failed $unit
check "a key that is root's does not start" at bash -c "! systemctl start $unit"
check "... and the journal says what to do" says $unit 'core\.key: .*chown sno'
at chown sno /etc/sno/core.key
at systemctl reset-failed $unit
check "it starts" at systemctl start $unit || note "$(journal $unit)"
check "... and has said that it is ready" up $unit
same "it runs as sno" "$(at id -u sno)" "$(status_of $unit Uid | cut -f 1)"
# CAP_NET_ADMIN, CAP_NET_RAW, CAP_BPF
same "it has kept what it needs of its rights" 0000008000003000 "$(status_of $unit CapPrm)"
same "it gets no new ones" 1 "$(status_of $unit NoNewPrivs)"
same "system calls are filtered" 2 "$(status_of $unit Seccomp)"
check "its memory is locked" test "$(status_of $unit VmLck | tr -dc 0-9)" -gt 0
same "the control socket is for the group" "sno:sno 660" "$(owner /run/sno/core-agent.sock)"
check "... and answers" at snoctl status
check "it has made its devices" at ip link show dev sno-acc
check "... the one for held packets, too" at ip link show dev sno-buf
check "the guard stands on the satellite's port" at bash -c "tc filter show dev eth1 ingress | grep -q sno"

core_config 'timers = { drain = 3; };'
check "systemctl reload takes a new configuration" at systemctl reload $unit
core_config 'timers = { drain = -3; };'
check "... and refuses a bad one" at bash -c "! systemctl reload $unit"
check "... the daemon goes on" up $unit
core_config ''

before=$(main $unit)
at kill -KILL "$before"
back() { up "$1" && [ "$(main "$1")" != "$2" ]; }
within 10 "killed, it is started again" back $unit "$before"
check "... and takes on the guard that it finds" says $unit 'guard: .* earlier run'
at mkdir -p /etc/systemd/system/$unit.d
printf '[Service]\nWatchdogSec=2\n' >"$root/etc/systemd/system/$unit.d/watchdog.conf"
at systemctl daemon-reload
at systemctl restart $unit
before=$(main $unit)
at kill -STOP "$before"
within 15 "stuck, it is started again" back $unit "$before"

# --- a terminal and a satellite, the terminal as an instance ------------------------------------------

genkey terminal-x.key
at chown sno /etc/sno/terminal-x.key
cat >"$root/etc/sno/terminal-agent-x.conf" <<CONF
terminal = { nai = "alice@a.example"; home_public_key = "$(at bash -c 'snoctl pubkey </etc/sno/core.key')";
	private_key_file = "/etc/sno/terminal-x.key"; };
links = ( { name = "s1"; interface = "sat0"; } );
CONF
cat >"$root/etc/sno/sat-forwarder.conf" <<'CONF'
satellite = { name = "s1"; access = "sat0"; };
feeders = ( { core = "a.example"; interface = "eth1"; } );
CONF
unit=sno-terminal-agent@x.service
check "an instance starts" at systemctl start $unit || note "$(journal $unit)"
same "... as sno" "$(at id -u sno)" "$(status_of $unit Uid | cut -f 1)"
same "... with the rights that it needs" 0000000000003000 "$(status_of $unit CapPrm)"
check "snoctl finds it" at snoctl -d terminal -N x status
check "it can hold packets" at ip link show dev sno-buf-up
check "... behind which others wait" at bash -c "tc filter show dev sno-buf-up egress | grep -q sno"
gate_stands() { at bash -c "tc filter show dev sat0 egress 2>/dev/null | grep -q sno"; }
check "... on links as well" gate_stands
at tc qdisc delete dev sat0 clsact
check "... which somebody may take away" bash -c "! ip netns exec $PREFIX-a tc filter show dev sat0 egress 2>/dev/null | grep -q sno"
at ip link set sat0 address 02:00:00:00:00:77
within 10 "... and with the rights that it has kept it puts it on a link that comes" gate_stands
check "it is reloaded" at systemctl reload $unit
at systemctl stop $unit
unit=sno-sat-forwarder.service
check "a satellite's forwarder starts" at systemctl start $unit || note "$(journal $unit)"
same "... as sno" "$(at id -u sno)" "$(status_of $unit Uid | cut -f 1)"
check "... answers" at snoctl -d satellite status
check "... and is reloaded" at systemctl reload $unit

same "no unit has failed" "" "$(at systemctl list-units --failed --no-legend 'sno-*')"
at systemctl stop 'sno-*'
kill -KILL "$init" # process 1 takes no other signal for its end
finish
