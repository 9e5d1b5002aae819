#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: host uml
# shellcheck disable=SC2016,SC2317 # functions are called by name, and by eval
#
# A satellite that sees no station for a while, and its neighbour that does, with real frames:
# nothing is lost on the way from one way to the other and back, users of both are served by
# different cores at the same time, and nothing goes in circles.
# (The hosts are those of satellites.sh.)
. "${SRCDIR:-.}/tests/netns/lib.sh"
. "${SRCDIR:-.}/tests/netns/satellites.sh"

need_root
need_program ping tc jq
PLAN=$WORK/plan.csv
modprobe ipv6 2>/dev/null

relay_wire

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
relay_start

serves() { [ "$(ask "$1" status | jq -r '.fields.core | if type == "object" then .value else . end')" = "$2" ]; }

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
