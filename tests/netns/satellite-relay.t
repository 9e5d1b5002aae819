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

# row FROM UNTIL REST: in seconds from $now.
now=$(date +%s)
row() {
	echo "$(date -u -d "@$((now + $1))" +%Y-%m-%dT%H:%M:%SZ),$(date -u -d "@$((now + $2))" +%Y-%m-%dT%H:%M:%SZ),$3"
}
{
	echo from,until,satellite,core,station,via
	row -10 600 s1,a,,
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

INTERVAL=$([ "$KERNEL" = uml ] && echo 0.01 || echo 0.002)
own=$(answered a)
for node in t1 t2; do
	background $node ping -D -n -i "$INTERVAL" 10.9.0.2
	eval "ping_$node=$background log_$node=$WORK/$node.$((${#processes[@]} - 1))"
done
# change FROM TO: the plan by which the first satellite is served in 3 s by another core. Its time counts
# from here, however long it took to come here.
change() {
	now=$(date +%s)
	{
		echo from,until,satellite,core,station,via
		row -10 3 "s1,$1"
		row 3 600 "s1,$2"
		row -10 600 s2,b,,
	} >"$PLAN"
	for node in s2 s1; do check "$node reads that $2 follows on $1" ask $node reload; done
}
change a,, c,gs-c,s2
within 8 "where it sees no station its neighbour serves it" serves s1 c
seen=$(date +%s.%N)
same "the operator sees over whom" s2 "$(ask s1 status | jq -r '.fields.via | if type == "object" then .value else . end')"
check "and the neighbour for whom" eval '[ "$(ask s2 relays | jq -r ".table.rows[0][0:3] | join(\" \")")" = "s1 isl0 c" ]'
check "while it serves its own users" serves s2 b
change c,gs-c,s2 a,,
within 8 "later the satellite serves by itself again" serves s1 a
sleep 1

# replies LOG [FROM UNTIL]: answers that came between two moments.
replies() {
	awk -v from="${2:-0}" -v until="${3:-4e9}" -F '[][]' \
		'/bytes from/ && $2 > from && $2 < until {n++} END {print n + 0}' "$1"
}

# holes LOG: requests that were not answered although a later one was.
holes() {
	awk -F 'icmp_seq=' '/bytes from/ {split($2, n, " "); if (!had[n[1]]++) count++; if (n[1] > last) last = n[1] + 0}
		END {print last - count}' "$1"
}

for node in t1 t2; do
	eval "kill -INT \$ping_$node; wait \$ping_$node"
	log=$(eval "echo \$log_$node")
	same "nothing of $node was lost" 0 "$(holes "$log")" || note "$(tail -n 3 "$log")"
done
# shellcheck disable=SC2154 # set by eval
log=$log_t1
# ping may look at two answers late, and the last request may have none yet.
meanwhile=$(replies "$log" "$seen" $((now + 3)))
check "the other core has served it meanwhile" test "$meanwhile" -gt 2 -a "$(answered c)" -ge $((meanwhile - 2))
served=$(($(answered a) - own + $(answered c)))
check "each request has come to one of the two" test "$served" -ge "$(replies "$log")" -a "$served" -le $(($(replies "$log") + 1))
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
