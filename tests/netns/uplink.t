#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: host uml
#
# The packet hold of a terminal (common/hold.h, terminal-agent/uplink.h) with real packets:
#
#	terminal ==== core, which has the servers' addresses too
#
# uplink-tool is what of the terminal agent forwards; the streams, one for each family at once, are as
# dense as the host's kernel has to stand. A release loses, reorders and doubles nothing.
. "${SRCDIR:-.}/tests/netns/kernel-lib.sh"
need_program awk
UPLINK_TOOL=$BUILD/tests/netns/uplink-tool
STREAM=$BUILD/tests/bench/stream
for program in "$UPLINK_TOOL" "$STREAM"; do
	[ -x "$program" ] || skip_all "$program is not built"
done
modprobe -a ipv6 tun 2>/dev/null
(: </dev/net/tun) 2>/dev/null || [ -c /dev/net/tun ] || skip_all "this system has no /dev/net/tun"

# Microseconds from packet to packet: user-mode Linux has one slow processor.
interval=100
[ "$KERNEL" = host ] || interval=1000
gateway=02:00:00:00:00:fe
hoa4=10.1.0.7
hoa6=2001:db8:a::7
server4=192.0.2.65
server6=2001:db8:5::65

# --- the topology ----------------------------------------------------------------------------------

for node in terminal core; do
	netns $node
	on $node sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
	on $node ip link set lo up
done
on terminal ip link add sat type veth peer name feed netns "$PREFIX-core"
on core ip link set feed address $gateway
on terminal ip link set sat up
on core ip link set feed up
on core ip addr add $server4/32 dev lo
on core ip addr add $server6/128 dev lo

# --- the tool --------------------------------------------------------------------------------------

# tool COMMAND: the answer is in $answer; true when it tells no error.
tool() {
	echo "$1" >&"${agent[1]}" && IFS= read -r -t 100 answer <&"${agent[0]}" && [ "$(field error)" = 0 ]
}

# told NAME COMMAND: a point that passes when the tool tells no error.
told() {
	tool "$2"
	result $? "$1"
}

# field NAME: of the last answer, 0 when it has none.
field() { jq -r --arg name "$1" '.[$name] // 0' <<<"$answer"; }

# taken COUNT: true when so many packets have been held since the tool was started.
# shellcheck disable=SC2317 # called by name
taken() { tool counters && [ "$(field held)" -ge "$1" ]; }

start_agent() {
	coproc agent {
		exec ip netns exec "$PREFIX-terminal" "$UPLINK_TOOL" sat $gateway $hoa4 $hoa6 2>>"$WORK/agent.log"
	}
	# shellcheck disable=SC2154 # bash sets agent_PID, and unsets it when the process ends
	agent_pid=$agent_PID
	processes+=("$agent_pid")
	IFS= read -r -t 100 answer <&"${agent[0]}"
}

start_agent || bail_out "$(cat "$WORK/agent.log")"
ok "the hold is set up"

# --- streams ---------------------------------------------------------------------------------------

# listen: two receivers, one for each family.
listen() {
	local family address
	receivers=()
	mapfile -t read_before < <(datagrams)
	for family in 4 6; do
		rm -f "$WORK/log.$family"
		address=server$family
		background core "$STREAM" receive -b "${!address}" -o "$WORK/log.$family" 9000
		receivers+=("$background")
		# From when it catches SIGTERM and SIGINT, it is ready; what is this shell still catches more.
		poll 10 grep -q '^SigCgt:[[:space:]]*0*4002$' "/proc/$background/status"
	done
}

# datagrams: how many of UDP over IPv4 and over IPv6 the receivers have read.
datagrams() {
	on core cat /proc/net/snmp | awk '$1 == "Udp:" && $2 ~ /^[0-9]/ {print $2}'
	on core sed -n 's/^Udp6InDatagrams[[:space:]]*//p' /proc/net/snmp6
}

# all_there COUNT: true when the receivers have as many of each family.
# shellcheck disable=SC2317 # called by name
all_there() {
	local now
	mapfile -t now < <(datagrams)
	[ $((now[0] - read_before[0])) -ge "$1" ] && [ $((now[1] - read_before[1])) -ge "$1" ]
}

# judged COUNT [LOST]: what the receivers have got of so many, as "LOST REORDERED DOUBLED" for each family;
# ends them once all is there but what must be lost, or a while has passed.
judged() {
	local sent=$1 family
	poll 5 all_there $((sent - ${2:-0}))
	sleep 0.1
	kill "${receivers[@]}"
	wait "${receivers[@]}" 2>/dev/null
	for family in 4 6; do
		"$STREAM" dump "$WORK/log.$family" | awk -F, -v sent="$sent" '
			NR == 1 { next }
			seen[$1]++ { doubled++; next }
			{ unique++ }
			$1 < last { reordered++; next }
			{ last = $1 }
			END { printf "%d %d %d ", sent - unique, reordered, doubled }'
	done
}

# send COUNT [OPTIONS]: a stream to both families, to its end.
send() {
	local count=$1
	shift
	on terminal "$STREAM" send -i $interval -n "$count" "$@" $server4/9000 $server6/9000 >"$WORK/sent"
}

# lead: the routes to the link, behind the tool's back.
lead() {
	on terminal ip -6 neigh replace fe80::1 lladdr $gateway dev sat nud permanent
	on terminal ip -4 route replace default via inet6 fe80::1 dev sat src $hoa4 metric 100 proto 83
	on terminal ip -6 route replace default via fe80::1 dev sat src $hoa6 metric 100 proto 83
}

# --- nothing is lost, nothing overtakes ------------------------------------------------------------

told "there is no link" hold
listen
send 200
poll 5 taken 400
check "all is held, and nothing has arrived yet" eval '! all_there 1'
told "there is one" set
same "all leaves in order, both families" "0 0 0 0 0 0 " "$(judged 200)"

# The routes lead past the hold already, and it is not empty yet: as if the agent stood still between.
tool hold
listen
send 100 -i 4000 &
sender=$!
poll 5 taken 500
told "the gate is shut" gate-long
lead
wait $sender
check "no packet gets past those in the hold" poll 5 taken 600
told "until these have gone" set
same "and all are in order" "0 0 0 0 0 0 " "$(judged 100)"

# rounds COUNT: holds and releases under a stream.
rounds() {
	local count=$1 i
	for ((i = 0; i < count; i++)); do
		sleep 0.05
		tool hold || return 1
		sleep 0.1
		tool set || return 1
	done
}

# dense MICROSECONDS ROUNDS: releases under a stream. What is found goes to $found, and how late the
# stream itself was at most to $latest: on a machine whose processors are taken away for milliseconds,
# be it by other work or by a host, nothing can be said of what happens within one.
dense() {
	local sender
	listen
	send $(($1 / interval)) &
	sender=$!
	rounds "$2" || return
	wait $sender || return
	found=$(judged $(($1 / interval)))
	latest=$(jq .latest_us "$WORK/sent")
}

tool counters
before=$(field held)
for ((try = 1; try <= 10; try++)); do
	tool counters
	dropped=$(field dropped)
	dense 3000000 15 || break
	if [ "$found" = "0 0 0 0 0 0 " ] || [ "$latest" -le 1000 ]; then
		break
	fi
	note "try $try: \"$found\"; $(cat "$WORK/sent")"
done
same "nothing is lost, reordered or doubled in releases under two streams of $((1000000 / interval)) packets per second" \
	"0 0 0 0 0 0 " "$found"
tool counters
check "with thousands of packets held ($(($(field held) - before)))" \
	[ $(($(field held) - before)) -gt $((2000000 / interval)) ]
same "none was dropped" "$dropped" "$(field dropped)"

# --- the end ---------------------------------------------------------------------------------------

tool hold
listen
send 10
told "the agent dies with the gate shut, before those in the hold" gate
kill -KILL "$agent_pid"
wait "$agent_pid" 2>/dev/null
lead
sleep 1.1
send 20
same "after a second the gate is open" "10 0 0 10 0 0 " "$(judged 30 10)"
start_agent
result $? "the next one begins anew"
tool hold
listen
send 20
tool set
same "and holds and releases as before" "0 0 0 0 0 0 " "$(judged 20)"
echo quit >&"${agent[1]}"
wait "$agent_pid" 2>/dev/null
same "a stop takes the gate away" "" "$(on terminal tc filter show dev sat egress)"
finish
