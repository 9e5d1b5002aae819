# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2016,SC2154 # awk's variables, and those of lib.sh
#
# Satellites with hosts about them, for tests of their forwarders; read after lib.sh. A core is a host
# too, and all of them are the same to terminals: 10.9.0.2, 02:00:00:00:00:02.
#
#	t1 eth0 --- t0 [acc0] s1 fa ------------------- eth0 a
#	                      |  isl0 --- isl0
#	                      |             s2 relay ---- eth0 c    for frames of s1
#	            t2 eth0 --- t0 [acc0] s2   fb ------- eth0 b
#
#	relay_wire                      these hosts and cables
#	relay_start                     the forwarders, as configured in $WORK/s1.conf and s2.conf
#	ask s1 status                   what snoctl says of one, as JSON

CORE_MAC=02:00:00:00:00:02

# answered NODE: how many echo requests a core has answered.
answered() {
	on "$1" awk '$1 == "Icmp:" {
		if (c) print $c
		for (i = 2; i <= NF; i++) if ($i == "InEchos") c = i
	}' /proc/net/snmp
}

# relay_satellite NODE TERMINAL NUMBER: its bridge, with one terminal.
relay_satellite() {
	on "$1" ip link add acc0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0
	on "$1" ip link set acc0 addrgenmode none up
	wire "$1" t0 "$2" eth0
	on "$1" ip link set t0 master acc0
	on "$2" ip link set eth0 address "02:00:00:00:01:0$3"
	on "$2" ip addr add "10.9.0.1$3/24" dev eth0
}

# relay_core NODE: what a core looks like from terminals.
relay_core() {
	local number
	on "$1" ip link set eth0 address $CORE_MAC
	on "$1" ip addr add 10.9.0.2/24 dev eth0
	for number in 1 2; do
		on "$1" ip neigh add "10.9.0.1$number" lladdr "02:00:00:00:01:0$number" dev eth0 nud permanent
	done
}

# relay_wire: all that is drawn above.
relay_wire() {
	local node
	for node in t1 t2 s1 s2 a b c; do netns "$node"; done
	relay_satellite s1 t1 1
	relay_satellite s2 t2 2
	wire s1 isl0 s2 isl0
	wire s1 fa a eth0
	wire s2 fb b eth0
	wire s2 relay c eth0
	for node in a b c; do relay_core "$node"; done
}

# relay_start: both forwarders, which answer when it returns.
relay_start() {
	local node
	for node in s1 s2; do
		check "the configuration of $node is good" "$BUILD/sno-sat-forwarder" -t -c "$WORK/$node.conf"
		background "$node" "$BUILD/sno-sat-forwarder" -f -c "$WORK/$node.conf" -s "$WORK/$node.sock"
		poll 10 "$BUILD/snoctl" -s "$WORK/$node.sock" status
	done
}

# ask NODE COMMAND...
ask() { "$BUILD/snoctl" -s "$WORK/$1.sock" --json "${@:2}"; }
