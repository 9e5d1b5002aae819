#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: host uml
# shellcheck disable=SC2016,SC2317 # functions are called by name, and by eval
#
# A relay as sno-plan has planned it, executed by the forwarders of both satellites at the planned
# times: one shell of an operator with one station, and of its plan a satellite that is relayed
# over a neighbour which has users of its own meanwhile. Satellites are called as in catalogues.
#
#	t1 eth0 --- t0 [acc0] s1 fa ------------------- eth0 a
#	                      |  isl0 --- isl0
#	                      |             s2 relay ---- eth0 c    for frames of s1
#	            t2 eth0 --- t0 [acc0] s2   fb ------- eth0 b
. "${SRCDIR:-.}/tests/netns/lib.sh"

need_root
need_program ping tc jq python3
CORE_MAC=02:00:00:00:00:02
PLAN=$WORK/plan.csv
RATE=8 # of the orbits
LEAD=$([ "$KERNEL" = uml ] && echo 15 || echo 5) # seconds until the relay is over
modprobe ipv6 2>/dev/null

# --- the plan ---------------------------------------------------------------------------------------

"$BUILD/sno-plan" walker -t 60 -p 6 -f 1 --pattern star -i 86.4 -a 1200 --epoch 2026-01-01T00:00:00Z \
	--name 'TEST [+]' >"$WORK/a.tle"
printf 'sno,name,lat,lon\na.example,gs-a,50,10\n' >"$WORK/stations.csv"
{
	echo sno,lat,lon,weight
	for lat in 75 60 45 30 15; do for lon in -30 -10 10 30 50; do echo "a.example,$lat,$lon,1"; done; done
} >"$WORK/users.csv"
check "a plan with relays is made" "$BUILD/sno-plan" associate -q --isl -t "a.example=$WORK/a.tle" \
	--stations "$WORK/stations.csv" --users "$WORK/users.csv" --start 2026-01-01T00:00:00Z --hours 2 \
	--out "$PLAN"

# Of it a satellite that is relayed for two minutes or more over a neighbour that serves all along, and
# sees the station itself as soon as that ends: both names, when it ends, and the satellites over which
# either of them is relayed at any time.
pick() {
	python3 - "$PLAN" <<-'PICK'
		import csv, datetime, sys
		rows = list(csv.DictReader(open(sys.argv[1])))
		for row in rows:
		    for key in "from", "until":
		        row[key] = datetime.datetime.fromisoformat(row[key].replace("Z", "+00:00")).timestamp()
		def own(name, begin, end):
		    return any(row["satellite"] == name and not row["via"] and row["from"] <= begin and end <= row["until"]
		               for row in rows)
		def over(name):
		    return "/".join(sorted({row["via"] for row in rows if row["satellite"] == name and row["via"]}))
		for row in rows:
		    name, via, end = row["satellite"], row["via"], row["until"]
		    if via and end - row["from"] >= 120 and own(via, end - 120, end + 60) and own(name, end, end + 120):
		        print(name, via, int(end), over(name), over(via), sep=",")
		        break
	PICK
}
IFS=, read -r RELAYED OVER UNTIL OVERS1 OVERS2 <<<"$(pick)"
check "it has what is looked for: $RELAYED over $OVER" test -n "$UNTIL" || finish

# --- the satellites ---------------------------------------------------------------------------------

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

# core NODE: what the core looks like from terminals.
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

# feeders NODE NAMES [NAME INTERFACE]: to all satellites (NAMES/...) over which one is ever relayed: one has a
# link, the others are far away.
feeders() {
	local name names number=0
	IFS=/ read -ra names <<<"$2"
	for name in "${names[@]}"; do
		if [ "$name" = "${3:-}" ]; then
			echo ", { via = \"$name\"; interface = \"$4\"; }"
		else
			number=$((number + 1))
			on "$1" ip link add "far$number" type bridge
			on "$1" ip link set "far$number" addrgenmode none up
			echo ", { via = \"$name\"; interface = \"far$number\"; }"
		fi
	done
}

TIME="time = { start = \"$(date -u -d "@$((UNTIL - LEAD * RATE))" +%Y-%m-%dT%H:%M:%SZ)\";
	epoch = \"$(date -u +%Y-%m-%dT%H:%M:%SZ)\"; rate = $RATE; };"
cat >"$WORK/s1.conf" <<-CONF
	satellite = { name = "$RELAYED"; access = "acc0"; };
	feeders = ( { core = "a.example"; interface = "fa"; } $(feeders s1 "$OVERS1" "$OVER" isl0) );
	association = { file = "$PLAN"; };
	$TIME
CONF
cat >"$WORK/s2.conf" <<-CONF
	satellite = { name = "$OVER"; access = "acc0"; };
	feeders = ( { core = "a.example"; interface = "fb"; } $(feeders s2 "$OVERS2") );
	relays = ( { satellite = "$RELAYED"; interface = "isl0"; index = 2;
		feeders = ( { core = "a.example"; station = "gs-a"; interface = "relay"; } ); } );
	association = { file = "$PLAN"; };
	$TIME
CONF
for node in s1 s2; do
	check "the configuration of $node is good" "$BUILD/sno-sat-forwarder" -t -c "$WORK/$node.conf"
	background $node "$BUILD/sno-sat-forwarder" -f -c "$WORK/$node.conf" -s "$WORK/$node.sock"
	poll 10 "$BUILD/snoctl" -s "$WORK/$node.sock" status
done

ask() { "$BUILD/snoctl" -s "$WORK/$1.sock" --json "${@:2}"; }
over() { [ "$(ask s1 status | jq -r '.fields.via | if type == "object" then .value else . end')" = "$1" ]; }
# What reached a core: echo requests answered.
answered() {
	on "$1" awk '$1 == "Icmp:" {
		if (c) print $c
		for (i = 2; i <= NF; i++) if ($i == "InEchos") c = i
	}' /proc/net/snmp
}

# --- as planned -------------------------------------------------------------------------------------

check "the satellite is relayed over its neighbour" over "$OVER"
check "its terminal reaches the core" reaches t1 10.9.0.2
check "... over that neighbour and its station" test "$(answered c)" -ge 1
same "... and not by itself" 0 "$(answered a)"
check "the neighbour's own terminal does as well" reaches t2 10.9.0.2
check "... over its own feeder" test "$(answered b)" -ge 1
check "the neighbour knows for whom it relays" eval '[ "$(ask s2 relays | jq -r ".table.rows[0][0]")" = "$RELAYED" ]'
background t1 ping -q -n -i 0.02 -c $((50 * (LEAD + 1))) -W 1 10.9.0.2
ping=$background log=$WORK/t1.$((${#processes[@]} - 1))
within 20 "from the planned time on it serves by itself" eval '! over "$OVER"'
wait "$ping"
same "nothing is lost when it changes" 0 "$(awk '/packets transmitted/ {print $1 - $4}' "$log")" || note "$(cat "$log")"
before=$(answered c)
check "its terminal reaches the core" reaches t1 10.9.0.2
check "... by itself" test "$(answered a)" -ge 1
same "... and over its neighbour no longer" "$before" "$(answered c)"
finish
