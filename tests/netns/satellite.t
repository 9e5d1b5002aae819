#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: host uml
# shellcheck disable=SC2016,SC2317 # functions are called by name, and by eval
#
# The satellite forwarder with real frames: no one is lost when a satellite changes its core, when
# the forwarder is killed and restarted, or when a new plan agrees with the present.
#
#	t eth0 --- t0 [acc0] s  fa --- eth0 a     core a and core b are the same host to the terminal:
#	                       fb --- eth0 b     10.9.0.2, 02:00:00:00:00:02, so that a re-association
#	                      gs0 --- eth0 g     shows nowhere but in the loss. g is a ground station
#	                                         of core c behind a gretap tunnel, where the kernel has it.
. "${SRCDIR:-.}/tests/netns/lib.sh"
. "${SRCDIR:-.}/tests/netns/satellites.sh"

need_root
need_program ping tc jq
TERMINAL_MAC=02:00:00:00:00:01
SOCKET=$WORK/s.sock
modprobe ipv6 2>/dev/null

for node in t s a b g; do netns "$node"; done

# core_end NODE DEVICE: what a core looks like from a terminal.
core_end() {
	on "$1" ip link set "$2" address $CORE_MAC
	on "$1" ip addr add 10.9.0.2/24 dev "$2"
	on "$1" ip addr add fe80::2/64 dev "$2" nodad
	on "$1" ip neigh add 10.9.0.1 lladdr $TERMINAL_MAC dev "$2" nud permanent
}

on s ip link add acc0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0
on s ip link set acc0 addrgenmode none up
wire s t0 t eth0
on s ip link set t0 master acc0
on t ip link set eth0 address $TERMINAL_MAC
on t ip addr add 10.9.0.1/24 dev eth0
on t ip addr add fe80::1/64 dev eth0 nodad
wire s fa a eth0
wire s fb b eth0
wire s gs0 g eth0
core_end a eth0
core_end b eth0
on s ip addr add 192.0.2.1/24 dev gs0
on g ip addr add 192.0.2.9/24 dev eth0
if have_netem; then
	for port in fa fb; do on s tc qdisc add dev $port root netem delay 5ms limit 20000; done
	for node in a b; do on $node tc qdisc add dev eth0 root netem delay 5ms limit 20000; done
fi

FEEDERS='{ core = "a"; station = "ga"; interface = "fa"; }, { core = "b"; station = "gb"; interface = "fb"; }'

# configuration ASSOCIATION [FURTHER-FEEDERS]
configuration() {
	cat >"$WORK/s.conf" <<-CONF
		satellite = { name = "s1"; access = "acc0"; };
		feeders = ( $FEEDERS${2:+, $2} );
		association = { $1 };
	CONF
}

# plan: rows "FROM UNTIL CORE STATION" in seconds from $now on, on standard input, to the file $PLAN.
PLAN=$WORK/plan.csv
plan() {
	local from until core station
	now=$(date +%s.%N)
	echo from,until,satellite,core,station >"$PLAN.new"
	while read -r from until core station; do
		printf '%s,%s,s1,%s,%s\n' "$(instant "$now" "$from")" "$(instant "$now" "$until")" \
			"$core" "$station" >>"$PLAN.new"
	done
	mv "$PLAN.new" "$PLAN"
}

# instant SECONDS MORE: as the association file has it.
instant() { date -u -d "@$(awk -v a="$1" -v b="$2" 'BEGIN {printf "%.6f", a + b}')" +%Y-%m-%dT%H:%M:%S.%6NZ; }

up() {
	background s "$BUILD/sno-sat-forwarder" -f -c "$WORK/s.conf" -s "$SOCKET"
	forwarder=$background
	log=$WORK/s.$((${#processes[@]} - 1))
	poll 10 snoctl status
}

snoctl() { "$BUILD/snoctl" -s "$SOCKET" "$@"; }
status() { snoctl --json status | jq -r --arg name "$1" '.fields[$name] | if type == "object" then .value else . end'; }
counter() { snoctl --json counters | jq -r --arg name "$1" '.fields[$name] | if type == "object" then .value else . end'; }
serves() { [ "$(status core)" = "$1" ]; }

# stop SIGNAL
stop() {
	kill -"$1" "$forwarder"
	wait "$forwarder" 2>/dev/null
}

# Echo requests while the function runs, none of which is lost either way. The virtual CPU of UML has time
# for fewer.
# no_loss_during NAME FUNCTION
RATE=$([ "$KERNEL" = uml ] && echo 250 || echo 500)
no_loss_during() {
	echoes t "$(awk -v r="$RATE" 'BEGIN {print 1 / r}')" 10.9.0.2
	"$2"
	all_echoed "$1" sort -n
}

# --- association -----------------------------------------------------------------------------------

configuration 'core = "a";'
check "the configuration is good" "$BUILD/sno-sat-forwarder" -t -c "$WORK/s.conf"
up
check "the satellite serves core a" serves a
check "a terminal reaches the core" reaches t 10.9.0.2
check "frames of 1500 octets pass" on t ping -n -c 1 -W 1 -M "do" -s 1472 10.9.0.2
check "multicast passes" on t ping -n -c 1 -W 1 ff02::1%eth0
if on t ip link add link eth0 name eth0.7 type vlan id 7 2>/dev/null; then
	on a ip link add link eth0 name eth0.7 type vlan id 7
	on t ip addr add 10.7.0.1/24 dev eth0.7
	on a ip addr add 10.7.0.2/24 dev eth0.7
	for node in t a; do on $node ip link set eth0.7 up; done
	check "VLAN tags pass" reaches t 10.7.0.2
	for node in t a; do on $node ip link del eth0.7; done
else
	note "VLAN tags are not tried: this kernel has no vlan devices"
fi

# sent_by NODE [COUNT]: how many of 50 echo requests of this core reach the terminal, where as many are
# waited for.
sent_by() {
	local before
	before=$(answered t)
	on "$1" ping -q -n -i 0.002 -c 50 -W 0.2 10.9.0.1 >/dev/null
	poll 5 eval "[ \$((\$(answered t) - $before)) -ge ${2:-0} ]"
	echo $(($(answered t) - before))
}
same "the associated core reaches terminals" 50 "$(sent_by a 50)"
same "another core does not" 0 "$(sent_by b)"

twenty_changes() {
	local i core
	for ((i = 0; i < 20; i++)); do
		core=$([ $((i % 2)) = 0 ] && echo b || echo a)
		snoctl satellite associate "$core" >/dev/null || return
		sleep 0.13
	done
}
before_a=$(answered a)
before_b=$(answered b)
no_loss_during "twenty re-associations lose nothing" twenty_changes
same "and are counted" 20 "$(counter associations_by_command)"
both_served() {
	[ $((5 * ($(answered a) - before_a))) -gt "$echoes_sent" ] && [ $((5 * ($(answered b) - before_b))) -gt "$echoes_sent" ]
}
check "each core has served a good part of them" both_served

snoctl satellite associate b >"$WORK/out"
check "an order says how long it lasts" grep -q 'until told otherwise' "$WORK/out"
within 3 "the former core reaches terminals no more" eval '[ "$(sent_by a)" = 0 ]'
same "the new one does" 50 "$(sent_by b 50)"
snoctl satellite associate c >"$WORK/out" 2>&1
same "a core without feeder is refused" 1 $?
check "and it is said why" grep -q 'no feeder of satellite s1 leads to core c' "$WORK/out"
check "the association stays" serves b

# --- restart ---------------------------------------------------------------------------------------

restarted() {
	stop KILL
	sleep 0.5
	up
	sleep 0.3
	stop TERM
	sleep 0.5
	up
}
no_loss_during "killed, restarted, stopped and started, it loses nothing" restarted
check "the order is still in force" serves b
snoctl -d satellite resume >/dev/null
check "and ends when told to" serves a
"$BUILD/sno-sat-forwarder" -f -c "$WORK/s.conf" -s "$SOCKET" >"$WORK/second" 2>&1
check "a second one of the same name does not start" grep -q 'already running' "$WORK/second"
on s "$BUILD/sno-sat-forwarder" -f -c "$WORK/s.conf" -s "$WORK/other.sock" >"$WORK/second" 2>&1
check "nor one with the same index" grep -q 'give each satellite its own satellite.index' "$WORK/second"
check "the first goes on" reaches t 10.9.0.2

# --- interfaces ------------------------------------------------------------------------------------

on s ip link del fa
within 5 "a feeder that goes is noticed" eval '[ "$(status forwarding)" = false ]'
check "nothing is left of it" eval '! on s tc actions ls action mirred | grep -q "index 83002"'
wire s fa a eth0
core_end a eth0
within 5 "and serves again when it returns" reaches t 10.9.0.2
on s ip link del acc0
within 5 "an access side that goes is noticed" eval '[ "$(status forwarding)" = false ]'
on s ip link add acc0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0
on s ip link set acc0 addrgenmode none
on s ip link set t0 master acc0
within 5 "and serves again when it returns" reaches t 10.9.0.2
same "nothing of this had to be tried twice" 0 "$(counter kernel_refusals)"

# --- plans -----------------------------------------------------------------------------------------

# How late everybody is on this machine: witnesses that want to be awake at the same instants, and how long
# the forwarder has waited for a CPU that it wanted.
witnesses=()
# witness SECONDS...: of the last plan.
witness() {
	background s python3 -c '
import sys, time
for at in [float(sys.argv[2]) + float(offset) for offset in sys.argv[3:]]:
    time.sleep(max(0, at - time.time()))
    print(int((time.time() - at) * 1000000), file=open(sys.argv[1], "a"))' "$WORK/late" "$now" "$@"
	witnesses+=("$background")
}
waited() { awk '{print int($2 / 1000)}' "/proc/$forwarder/schedstat" 2>/dev/null || echo 0; }
waited=$(waited)
configuration "core = \"b\"; file = \"$PLAN\";"
adopt_plan() {
	plan <<-PLAN
		-10 3 a ga
		3 7 b gb
		7 600 a ga
	PLAN
	witness 3 7
	snoctl reload >"$WORK/out" 2>&1
	result $? "a plan that agrees with the present is taken"
	within 6 "the plan is followed" serves b
	within 6 "and back" serves a
}
no_loss_during "without losing anything" adopt_plan
# The gap is over when it has been looked at.
plan <<-PLAN
	-10 2 a ga
	600 700 b gb
PLAN
witness 2
snoctl reload >/dev/null
within 6 "a gap in the plan is no association" eval '[ "$(status core)" = null ]'
check "frames are dropped in it" eval '! on t ping -n -c 2 -i 0.1 -W 0.2 10.9.0.2'
plan <<-PLAN
	3 7 b gb
	7 600 a ga
PLAN
witness 3 7
snoctl reload >/dev/null
within 6 "the next association is made" serves b
within 6 "and the next" serves a
worst=$(counter planned_late_worst)
wait "${witnesses[@]}"
excuse=$(($(sort -n "$WORK/late" | tail -n 1) + $(waited) - waited))
check "no switch was late ($worst us, $excuse us by the machine)" \
	test "$worst" -gt 0 -a "$worst" -lt "$((excuse + $([ "$KERNEL" = uml ] && echo 50000 || echo 100000)))"
snoctl satellite associate b >"$WORK/out"
check "an order lasts until the plan's next instant" grep -q "until the plan's next association at" "$WORK/out"

cp "$PLAN" "$WORK/good.csv"
printf '%s,%s,s1,z,gz\n' "$(instant "$(date +%s)" 700)" "$(instant "$(date +%s)" 690)" >>"$PLAN"
snoctl reload >"$WORK/out" 2>&1
same "a faulty plan is refused" 1 $?
check "with file and line" grep -q "plan.csv:4: until is not after from" "$WORK/out"
check "the old one stays in force" eval '[ "$(status "plan end")" != null ]'
"$BUILD/sno-sat-forwarder" -t -c "$WORK/s.conf" >"$WORK/out" 2>&1
same "the check refuses it too" 1 $?
# told_once LINES TEXT: one line says so, of those in the log behind so many.
told_once() { [ "$(tail -n "+$(($1 + 1))" "$log" | grep -c "$2")" -eq 1 ]; }
# refused WHAT REASON: the plan on standard input is, and the one before stays.
end=$(status "plan end")
refused() {
	local told
	plan
	told=$(wc -l <"$log")
	[ -z "${3:-}" ] || sed -i "s/,s1,/,$3,/" "$PLAN"
	snoctl reload >"$WORK/out" 2>&1
	same "$1 is refused" 1 $?
	check "and told" grep -q "$2" "$WORK/out" || note "$(cat "$WORK/out")"
	check "... and once in the log" poll 5 told_once "$told" "$2" || note "$(cat "$log")"
	same "the one before stays" "$end" "$(status "plan end")"
}
refused "a plan with an unknown core" 'plan.csv:3: no feeder leads to core z' <<-PLAN
	-10 10 a ga
	10 600 z gz
PLAN
refused "one with an unknown station" 'plan.csv:2: no feeder leads to core a over station gx' <<-PLAN
	-10 600 a gx
PLAN
refused "one that is past" 'the last association of satellite s1 was over at' <<-PLAN
	-600 -10 a ga
PLAN
refused "one with two associations at a time" 'plan.csv:3: overlaps line 2' <<-PLAN
	-10 100 a ga
	90 600 b gb
PLAN
refused "one for another satellite" 'no association of satellite s1' s9 <<-PLAN
	-10 600 a ga
PLAN
cp "$WORK/good.csv" "$PLAN"
kill -HUP "$forwarder"
plan <<-PLAN
	-10 600 a ga
PLAN
reload_plan() {
	snoctl satellite associate a >/dev/null
	kill -HUP "$forwarder"
	sleep 0.5
	snoctl reload >/dev/null
}
no_loss_during "a new plan is taken without a gap" reload_plan
within 3 "and its end is known" eval '[ "$(snoctl --json associations | jq ".table.rows | length")" = 1 ]'

# --- tunnels ---------------------------------------------------------------------------------------

GRETAP='{ core = "c"; station = "gc"; gretap = { local = "192.0.2.1"; remote = "192.0.2.9"; key = 7; }; }'
configuration 'core = "a";' "$GRETAP"
if have_device gretap local 192.0.2.1 remote 192.0.2.9; then
	check "a feeder is added" snoctl reload
	on g ip link add tap0 type gretap local 192.0.2.9 remote 192.0.2.1 key 7 nopmtudisc ignore-df
	on g ip link set tap0 mtu 1500 addrgenmode none up
	core_end g tap0
	check "core c is served over gretap" snoctl satellite associate c
	within 3 "a terminal reaches it" reaches t 10.9.0.2
	check "with frames of 1500 octets" on t ping -n -c 1 -W 1 -M "do" -s 1472 10.9.0.2
	three_cores() {
		local core
		for core in b c a c b c; do
			snoctl satellite associate "$core" >/dev/null
			sleep 0.15
		done
	}
	no_loss_during "re-association to and from a tunnel loses nothing" three_cores
	tunnel=$(status feeder)
	no_loss_during "nor does a restart over a tunnel" restarted
	configuration 'core = "a";'
	check "the feeder is removed" snoctl reload
	within 5 "and its tunnel with it" eval "! on s ip link show $tunnel"
	check "the terminal is served by the configured core" reaches t 10.9.0.2
else
	lacks "a feeder over gretap" "this kernel has no gretap"
	snoctl reload >"$WORK/out" 2>&1
	same "a tunnel that the kernel cannot make is refused" 1 $?
	check "the feeders stay as they were" reaches t 10.9.0.2
	stop TERM
	up
	check "a start goes on without it" reaches t 10.9.0.2
	check "and says so" eval 'snoctl links | grep -q EOPNOTSUPP'
fi

# --- the end ---------------------------------------------------------------------------------------

stop TERM
check "a stopped forwarder leaves the satellite forwarding" reaches t 10.9.0.2
finish
