#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: host uml
# shellcheck disable=SC2016,SC2317 # functions are called by name, and by eval
#
# A satellite that sees no station for a while, and its neighbour that does, with real frames:
# nothing is lost on the way from one way to the other and back, users of both are served by
# different cores at the same time, and nothing goes in circles.
#
#	t1 eth0 --- t0 [acc0] s1 fa ------------------- eth0 a
#	                      |  isl0 --- isl0
#	                      |             s2 relay ---- eth0 c    for frames of s1
#	            t2 eth0 --- t0 [acc0] s2   fb ------- eth0 b
#
# Cores a, b and c are the same host to the terminals: 10.9.0.2, 02:00:00:00:00:02.
. "${SRCDIR:-.}/tests/netns/lib.sh"

need_root
need_program ping tc jq
CORE_MAC=02:00:00:00:00:02
PLAN=$WORK/plan.csv
modprobe ipv6 2>/dev/null

for node in t1 t2 s1 s2 a b c; do netns "$node"; done

# wire NODE DEVICE NODE DEVICE: a veth pair, without addresses of its own.
wire() {
	ip link add "$2" netns "$PREFIX-$1" type veth peer name "$4" netns "$PREFIX-$3"
	on "$1" ip link set "$2" addrgenmode none up
	on "$3" ip link set "$4" addrgenmode none up
}

# satellite NODE TERMINAL NUMBER: its bridge, with one terminal.
satellite() {
	on "$1" ip link add acc0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0
	on "$1" ip link set acc0 addrgenmode none up
	wire "$1" t0 "$2" eth0
	on "$1" ip link set t0 master acc0
	on "$2" ip link set eth0 address "02:00:00:00:01:0$3"
	on "$2" ip addr add "10.9.0.1$3/24" dev eth0
}

# core NODE: what a core looks like from terminals.
core() {
	on "$1" ip link set eth0 address $CORE_MAC
	on "$1" ip addr add 10.9.0.2/24 dev eth0
	for number in 1 2; do
		on "$1" ip neigh add "10.9.0.1$number" lladdr "02:00:00:00:01:0$number" dev eth0 nud permanent
	done
}

satellite s1 t1 1
satellite s2 t2 2
wire s1 isl0 s2 isl0
wire s1 fa a eth0
wire s2 fb b eth0
wire s2 relay c eth0
for node in a b c; do core $node; done

# row FROM UNTIL REST: in seconds from now.
now=$(date +%s.%N)
row() {
	local from until
	from=$(awk -v a="$now" -v b="$1" 'BEGIN {printf "%.6f", a + b}')
	until=$(awk -v a="$now" -v b="$2" 'BEGIN {printf "%.6f", a + b}')
	echo "$(date -u -d "@$from" +%Y-%m-%dT%H:%M:%S.%6NZ),$(date -u -d "@$until" +%Y-%m-%dT%H:%M:%S.%6NZ),$3"
}
{
	echo from,until,satellite,core,station,via
	row -10 4 s1,a,,
	row 4 7 s1,c,gs-c,s2
	row 7 600 s1,a,,
	row -10 600 s2,b,,
} >"$PLAN"

cat >"$WORK/s1.conf" <<-CONF
	satellite = { name = "s1"; access = "acc0"; };
	feeders = ( { core = "a"; interface = "fa"; }, { via = "s2"; interface = "isl0"; } );
	association = { file = "$PLAN"; };
CONF
cat >"$WORK/s2.conf" <<-CONF
	satellite = { name = "s2"; access = "acc0"; };
	feeders = ( { core = "b"; interface = "fb"; } );
	relays = ( { satellite = "s1"; interface = "isl0"; index = 2;
		feeders = ( { core = "c"; station = "gs-c"; interface = "relay"; } ); } );
	association = { file = "$PLAN"; };
CONF
for node in s1 s2; do
	check "the configuration of $node is good" "$BUILD/sno-sat-forwarder" -t -c "$WORK/$node.conf"
	background $node "$BUILD/sno-sat-forwarder" -f -c "$WORK/$node.conf" -s "$WORK/$node.sock"
	poll 10 "$BUILD/snoctl" -s "$WORK/$node.sock" status
done

ask() { "$BUILD/snoctl" -s "$WORK/$1.sock" --json "${@:2}"; }
serves() { [ "$(ask "$1" status | jq -r '.fields.core | if type == "object" then .value else . end')" = "$2" ]; }
# What reached a core: echo requests answered.
answered() {
	on "$1" awk '$1 == "Icmp:" {
		if (c) print $c
		for (i = 2; i <= NF; i++) if ($i == "InEchos") c = i
	}' /proc/net/snmp
}

check "the satellite serves by itself" serves s1 a
check "its terminal reaches the core" reaches t1 10.9.0.2
check "so does that of the neighbour" reaches t2 10.9.0.2
same "nothing is relayed" 0 "$(answered c)"

RATE=$([ "$KERNEL" = uml ] && echo 100 || echo 500)
seconds=$(awk -v now="$(date +%s.%N)" -v begun="$now" 'BEGIN {print int(begun + 9 - now)}')
for node in t1 t2; do
	background $node ping -q -n -i "$(awk -v r="$RATE" 'BEGIN {print 1 / r}')" \
		-c $((seconds * RATE)) -W 1 10.9.0.2
	eval "ping_$node=$background log_$node=$WORK/$node.$((${#processes[@]} - 1))"
done
within 8 "where it sees no station its neighbour serves it" serves s1 c
same "the operator sees over whom" s2 "$(ask s1 status | jq -r '.fields.via | if type == "object" then .value else . end')"
check "and the neighbour for whom" eval '[ "$(ask s2 relays | jq -r ".table.rows[0][0:3] | join(\" \")")" = "s1 isl0 c" ]'
check "while it serves its own users" serves s2 b
within 6 "later the satellite serves by itself again" serves s1 a
for node in t1 t2; do
	eval "wait \$ping_$node"
	log=$(eval "echo \$log_$node")
	same "nothing of $node was lost" 0 "$(awk '/packets transmitted/ {print $1 - $4}' "$log")" || note "$(cat "$log")"
done
check "the other core has served it" test "$(answered c)" -gt "$RATE"
before=$(answered c)
on c ping -q -n -i 0.01 -c 10 -W 0.2 10.9.0.11 >/dev/null
same "which reaches its terminals no more" 0 "$(on c ping -q -n -i 0.01 -c 10 -W 0.2 10.9.0.11 | awk '/packets transmitted/ {print $4}')"
same "and is sent nothing" "$before" "$(answered c)"

# --- what cannot be planned -------------------------------------------------------------------------

cp "$PLAN" "$WORK/good.csv"
{
	echo from,until,satellite,core,station,via
	row -10 600 s1,c,gs-c,s2
	row -10 600 s2,b,gs-b,s1
} >"$PLAN"
ask s2 reload >"$WORK/out" 2>&1
same "each over the other is refused" 1 $?
check "with the reason" grep -q "satellite s1 is relayed over s2, which is relayed itself (line 3)" "$WORK/out"
check "the old plan stays in force" serves s2 b
{
	echo from,until,satellite,core,station,via
	row -10 600 s1,d,gs-d,s2
	row -10 600 s2,b,,
} >"$PLAN"
ask s2 reload >"$WORK/out" 2>&1
same "a core to which the relay has no feeder is refused" 1 $?
check "and told" grep -q "relay of s1: no feeder leads to core d" "$WORK/out"
check "terminals are served all the time" reaches t1 10.9.0.2
finish
