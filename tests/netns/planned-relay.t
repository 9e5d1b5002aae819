#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: host
# shellcheck disable=SC2016,SC2317 # functions are called by name, and by eval
#
# A relay as sno-plan has planned it, executed by the forwarders of both satellites at the planned
# times: one shell of an operator with one station, and of its plan a satellite that is relayed
# over a neighbour which has users of its own meanwhile. Satellites are called as in catalogues.
# (The hosts are those of satellites.sh.)
. "${SRCDIR:-.}/tests/netns/lib.sh"
. "${SRCDIR:-.}/tests/netns/satellites.sh"

need_root
need_program ping tc jq python3
PLAN=$WORK/plan.csv
RELAY=120 # seconds of the orbits until the relay is over
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

# In real time that is fifteen seconds, or more where to wire it all already takes a machine its time.
SECONDS=0
relay_wire
LEAD=$((SECONDS > 8 ? 120 : SECONDS > 3 ? 60 : SECONDS > 1 ? 30 : 15))
RATE=$((RELAY / LEAD)) # of the orbits

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

TIME="time = { start = \"$(date -u -d "@$((UNTIL - RELAY))" +%Y-%m-%dT%H:%M:%SZ)\";
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
relay_start

over() { [ "$(ask s1 status | jq -r '.fields.via | if type == "object" then .value else . end')" = "$1" ]; }

# --- as planned -------------------------------------------------------------------------------------

check "the satellite is relayed over its neighbour" over "$OVER"
check "its terminal reaches the core" reaches t1 10.9.0.2
check "... over that neighbour and its station" test "$(answered c)" -ge 1
same "... and not by itself" 0 "$(answered a)"
check "the neighbour's own terminal does as well" reaches t2 10.9.0.2
check "... over its own feeder" test "$(answered b)" -ge 1
check "the neighbour knows for whom it relays" eval '[ "$(ask s2 relays | jq -r ".table.rows[0][0]")" = "$RELAYED" ]'
echoes t1 0.02 10.9.0.2
within "$LEAD" "from the planned time on it serves by itself" eval '! over "$OVER"'
all_echoed "nothing is lost when it changes" sort -n
before=$(answered c)
check "its terminal reaches the core" reaches t1 10.9.0.2
check "... by itself" test "$(answered a)" -ge 1
same "... and over its neighbour no longer" "$before" "$(answered c)"
finish
