#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: host uml
#
# The packet hold of a core (common/hold.h, core-agent/holding.h) with real packets:
#
#	server ==== core c ==== satellite's port ==== terminal
#	              ||
#	            home core, by a tunnel
#
# hold-tool is what of the core agent forwards; the streams, one for each family at once, are as
# dense as the host's kernel has to stand. A release loses, reorders and doubles nothing.
. "${SRCDIR:-.}/tests/netns/kernel-lib.sh"
need_program ping awk
need_device vxlan external gpe dstport 4790
HOLD_TOOL=$BUILD/tests/netns/hold-tool
STREAM=$BUILD/tests/bench/stream
for program in "$HOLD_TOOL" "$STREAM"; do
	[ -x "$program" ] || skip_all "$program is not built"
done
modprobe -a ipv6 tun 2>/dev/null
(: </dev/net/tun) 2>/dev/null || [ -c /dev/net/tun ] || skip_all "this system has no /dev/net/tun"

# Microseconds from packet to packet: user-mode Linux has one slow processor.
interval=100
[ "$KERNEL" = host ] || interval=1000
mac=02:00:00:00:01:01
hoa4=10.1.0.7
hoa6=2001:db8:a::7
inside=2001:db8:a:100::9

# --- the topology ----------------------------------------------------------------------------------

for node in server c terminal home; do
	netns $node
	on $node sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
done
# join A INTERFACE B INTERFACE: a cable.
join() {
	on "$1" ip link add "$2" type veth peer name "$4" netns "$PREFIX-$3"
	on "$1" ip link set "$2" addrgenmode none
	on "$3" ip link set "$4" addrgenmode none
	on "$1" ip link set "$2" up
	on "$3" ip link set "$4" up
}
join server net c inet
join c feed terminal sat
join c peer home peer
on terminal ip link set sat address $mac
on server ip addr add 192.0.2.65/26 dev net
on server ip addr add 2001:db8:5::65/64 dev net nodad
on c ip addr add 192.0.2.66/26 dev inet
on c ip addr add 2001:db8:5::66/64 dev inet nodad
on server ip route add default via 192.0.2.66
on server ip -6 route add default via 2001:db8:5::66
on c ip addr add 192.0.2.2/26 dev peer
on home ip addr add 192.0.2.1/26 dev peer
# A visited core's own way to the Internet, where packets of its visitors must never go.
on c ip route add default via 192.0.2.65
on c ip -6 route add default via 2001:db8:5::65
on terminal ip addr add 198.51.100.1/32 dev sat
on terminal ip route add default dev sat
on home ip link add sno-gpe type vxlan external gpe dstport 4790
on home ip link set sno-gpe up
for node in terminal home; do
	on $node ip addr add $hoa4/32 dev lo
	on $node ip addr add $hoa6/128 dev lo
	on $node ip addr add $inside/128 dev lo
done

# --- the tool --------------------------------------------------------------------------------------

# tool COMMAND...: the answer is in $answer; true when it tells no error.
tool() {
	echo "$*" >&"${core[1]}" && IFS= read -r -t 100 answer <&"${core[0]}" && [ "$(field error)" = 0 ]
}

# told NAME COMMAND...: a point that passes when the tool tells no error.
told() {
	local name=$1
	shift
	tool "$@"
	result $? "$name"
}

# field NAME: of the last answer, 0 when it has none.
field() { jq -r --arg name "$1" '.[$name] // 0' <<<"$answer"; }

# why REASON: how many it says were dropped for this.
why() { jq -r --arg name "$1" '.why[$name] // 0' <<<"$answer"; }

# taken NAME COUNT: true when so many packets have been seen for it; the answer tells what became of them.
# shellcheck disable=SC2317 # called by name
taken() { tool counters "$1" && [ $(($(field buffered) + $(field dropped))) -ge "$2" ]; }

start_core() {
	coproc core { exec ip netns exec "$PREFIX-c" "$HOLD_TOOL" 192.0.2.2 2>>"$WORK/core.log"; }
	# shellcheck disable=SC2154 # bash sets core_PID, and unsets it when the process ends
	core_pid=$core_PID
	processes+=("$core_pid")
	IFS= read -r -t 100 answer <&"${core[0]}"
}

stop_core() {
	echo quit >&"${core[1]}"
	wait "$core_pid" 2>/dev/null
}

start_core || bail_out "$(cat "$WORK/core.log")"
ok "the hold is set up"
on c ip link set feed master sno-acc

has "the device talks to nobody by itself, holds 20,000 packets, and limits no packet's size" \
	"tun 20000 65535 UNKNOWN 0" \
	'.[0] | "\(.linkinfo.info_kind) \(.txqlen) \(.mtu) \(.operstate) \(.addr_info | length)"' \
	on c ip -d -j addr show dev sno-buf
has "what comes out of it has a table of its own" "8399 8400 8399 8400" \
	'.[] | select(.iif == "sno-buf") | "\(.priority) \(.table)"' \
	sh -c "ip -n $PREFIX-c -j rule; ip -n $PREFIX-c -6 -j rule"
fresh=$(kernel_state c)

tool terminal tina $hoa4 $hoa6 2001:db8:a:100::/56
tool terminal tom 10.1.0.8
tool limits 200000 100000000 600000 400000 200000000
to_terminal="access tina $mac feed"
to_home="tunnel tina 192.0.2.1 9"

# --- streams ---------------------------------------------------------------------------------------

# listen NODE: two receivers there, one for each family.
listen() {
	receivers=() receiver=$1
	mapfile -t read_before < <(datagrams)
	for family in 4 6; do
		rm -f "$WORK/log.$family"
		address=hoa$family
		background "$1" "$STREAM" receive -b "${!address}" -o "$WORK/log.$family" 9000
		receivers+=("$background")
		# From when it catches SIGTERM and SIGINT, it is ready; what is this shell still catches more.
		poll 10 grep -q '^SigCgt:[[:space:]]*0*4002$' "/proc/$background/status"
	done
}

# datagrams: how many of UDP over IPv4 and over IPv6 processes of the receivers' node have read.
datagrams() {
	on "$receiver" cat /proc/net/snmp | awk '$1 == "Udp:" && $2 ~ /^[0-9]/ {print $2}'
	on "$receiver" sed -n 's/^Udp6InDatagrams[[:space:]]*//p' /proc/net/snmp6
}

# all_there COUNT: true when the receivers have as many of each family.
# shellcheck disable=SC2317 # called by name
all_there() {
	local now
	mapfile -t now < <(datagrams)
	[ $((now[0] - read_before[0])) -ge "$1" ] && [ $((now[1] - read_before[1])) -ge "$1" ]
}

# judged COUNT: what the receivers have got of so many, as "LOST REORDERED DOUBLED" for each family; ends
# them once all is there, or a while has passed.
judged() {
	local sent=$1 family
	poll 5 all_there "$sent"
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
	on "${from:-server}" "$STREAM" send -i $interval -n "$count" "$@" \
		$hoa4/9000 $hoa6/9000 >"$WORK/sent"
}

# --- nothing is lost, nothing overtakes ------------------------------------------------------------

told "the terminal is to come" hold tina
listen terminal
send 200
poll 5 taken tina 400
same "all is held" "400 400 0" "$(field buffered) $(field packets) $(field released)"
check "and nothing has arrived yet" eval '! all_there 1'
told "it comes" "$to_terminal"
same "all is released" "400 0 0" "$(field released) $(field packets) $(field dropped)"
same "in order, both families" "0 0 0 0 0 0 " "$(judged 200)"

# The routes lead past the hold already, and it is not empty yet: as if the core stood still between.
way4=$(on c ip route show $hoa4)
way6=$(on c ip -6 route show $hoa6)
next=$(on c ip -6 neigh show dev sno-acc nud permanent | awk '{print $1; exit}')
tool hold tina
listen terminal
send 200 -i 5000 &
sender=$!
poll 5 taken tina 100
told "the guard's gate is shut" gate tina
on c ip -6 neigh replace "$next" lladdr $mac dev sno-acc nud permanent
# shellcheck disable=SC2086 # as ip has shown them
on c ip route replace $way4
# shellcheck disable=SC2086
on c ip -6 route replace $way6
wait $sender
same "no packet gets past those in the hold" 400 "$(poll 5 taken tina 400; field packets)"
told "until these have gone" "$to_terminal"
same "and all are in order" "0 0 0 0 0 0 " "$(judged 200)"

# rounds COUNT WAY: holds and releases under a stream.
rounds() {
	local count=$1 way=$2 i
	for ((i = 0; i < count; i++)); do
		sleep 0.05
		tool hold tina || return 1
		sleep 0.1
		tool "$way" || return 1
		released=$((released + $(field released)))
	done
}

# dense NODE MICROSECONDS ROUNDS WAY: releases under a stream. What is found goes to $found, and how
# late the stream itself was at most to $latest: on a machine whose processors are taken away for
# milliseconds, be it by other work or by a host, nothing can be said of what happens within one.
dense() {
	local sender
	listen "$1"
	send $(($2 / interval)) &
	sender=$!
	rounds "$3" "$4" || return
	wait $sender || return
	found=$(judged $(($2 / interval)))
	latest=$(jq .latest_us "$WORK/sent")
}

# steady NAME NODE MICROSECONDS ROUNDS WAY: a point; measured again when the machine was not ours.
steady() {
	local name=$1 try
	shift
	for ((try = 1; try <= 10; try++)); do
		dense "$@" || break
		if [ "$found" = "0 0 0 0 0 0 " ] || [ "$latest" -le 1000 ]; then
			break
		fi
		note "try $try: \"$found\"; $(cat "$WORK/sent")"
	done
	same "$name" "0 0 0 0 0 0 " "$found"
}

released=0
steady "nothing is lost, reordered or doubled in releases under two streams of $((1000000 / interval)) packets per second" \
	terminal 3000000 15 "$to_terminal"
check "with thousands of packets held ($released)" [ "$released" -gt $((2000000 / interval)) ]
tool counters all
same "none is left, none was dropped but strays" "0 $(why stray)" "$(field packets) $(field dropped)"
poll 5 sh -c "[ -z \"\$(ip -n $PREFIX-c route show table 8400 2>/dev/null; ip -n $PREFIX-c -6 route show table 8400 2>/dev/null)\" ]"
same "the way out of the hold is taken back" "" \
	"$(on c ip route show table 8400 2>/dev/null)$(on c ip -6 route show table 8400 2>/dev/null)"

listen home
told "a terminal that is to come does not" hold tina
send $((500000 / interval)) &
sender=$!
sleep 0.2
told "what is held goes back to its home core" "$to_home"
wait $sender
result $? "as does what comes still"
same "nothing of it is lost, reordered or doubled" "0 0 0 0 0 0 " "$(judged $((500000 / interval)))"

steady "nor where a way into a tunnel is held for moments, as in a soft handover" \
	home 1000000 5 "$to_home"

tool hold tina
listen terminal
from=c send 50
tool "$to_terminal"
same "the core's own packets are held and released as well" "0 0 0 0 0 0 " "$(judged 50)"

# --- what may be held ------------------------------------------------------------------------------

# counted NAME WANTED: fields of the last answer.
counted() {
	same "$1" "$2" "$(jq -c 'del(.error)' <<<"$answer")"
}

# again LIMITS: both are held anew, under these.
again() {
	tool clear tina && tool clear tom && tool limits "$@" && tool hold tina && tool hold tom
}

# flood NAME COUNT: as many to an IPv4 address alone; 92 octets each.
flood() {
	on server "$STREAM" send -i 100 -n "$2" "$1/9000" >/dev/null
}

again 100 1000000 600000 150 1000000
send 500
flood 10.1.0.8 70
poll 5 taken tina 1000
counted "packets of one terminal are limited" \
	'{"buffered":100,"released":0,"packets":100,"octets":10200,"dropped":900,"why":{"packets":900}}'
poll 5 taken tom 70
counted "packets of all are, and one terminal does not take them all" \
	'{"buffered":50,"released":0,"packets":50,"octets":4600,"dropped":20,"why":{"total-packets":20}}'
listen terminal
tool "$to_terminal"
counted "what was held under a flood is released" \
	'{"buffered":100,"released":100,"packets":0,"octets":0,"dropped":900,"why":{"packets":900}}'
same "it is the oldest, in order" "0 0 0 0 0 0 " "$(judged 50)"

again 1000 5000 600000 1000 6000
send 100
flood 10.1.0.8 70
poll 5 taken tina 200
counted "octets of one terminal are limited" \
	'{"buffered":49,"released":0,"packets":49,"octets":4988,"dropped":151,"why":{"octets":151}}'
poll 5 taken tom 70
counted "octets of all are" \
	'{"buffered":11,"released":0,"packets":11,"octets":1012,"dropped":59,"why":{"total-octets":59}}'

# expired: true when the two packets of a pair are dropped for their age.
# shellcheck disable=SC2317 # called by name
expired() { tool counters tina && [ "$(why time)" = 2 ]; }
again 1000 1000000 600000 1000 1000000
send 1
poll 5 taken tina 2
same "a young packet is held" 2 "$(field packets)"
tool limits 1000 1000000 1000 1000 1000000
within 10 "an old one is dropped, without being asked for" expired
counted "and no other" \
	'{"buffered":2,"released":0,"packets":0,"octets":0,"dropped":2,"why":{"time":2}}'

# --- sizes -----------------------------------------------------------------------------------------

# too_large OPTIONS...: what ping is told of a packet beyond 1400 octets.
too_large() { on server ping -n -c 1 -W 1 -M "do" "$@" 2>&1 | grep -oiE 'mtu ?=? ?1400|mtu: 1400' | tail -n 1; }
again 1000 1000000 600000 1000 1000000
check "held packets are told the path MTU of their way" [ -n "$(too_large -s 1373 $hoa4)" ]
check "in IPv6 too" [ -n "$(too_large -s 1353 $hoa6)" ]
on server ip route flush cache
on server ip -6 route flush cache
tool counters tina
before=$(field packets)
on server ping -n -c 1 -W 0.2 -M "do" -s 1372 $hoa4 >/dev/null
on server ping -n -c 1 -W 0.2 -M "do" -s 1352 $hoa6 >/dev/null
# shellcheck disable=SC2317 # called by name
larger_held() { tool counters tina && [ "$(field packets)" -ge $((before + 2)) ]; }
poll 5 larger_held
same "one as large as that is held whole" 2 $(($(field packets) - before))
tool "$to_terminal"

# --- what an admin, or a crash, does to it ----------------------------------------------------------

tool hold tina
send 10
poll 5 taken tina 20
on c ip link delete sno-buf
sleep 0.2
check "the device is removed under it: packets are unreachable, and go nowhere else" \
	sh -c "ip -n $PREFIX-c route get $hoa4 from 192.0.2.65 iif inet 2>&1 | grep -q 'No route to host'"
listen terminal
told "it is put back" restore
send 10 >/dev/null
told "and released" "$to_terminal"
same "with what was held before" 40 "$(field released)"
same "nothing else is counted" 0 "$(field dropped)"
judged 10 >/dev/null

tool hold tina
send 10
kill -KILL "$core_pid"
wait "$core_pid" 2>/dev/null
check "with the daemon the device dies" sh -c "! ip -n $PREFIX-c link show sno-buf 2>/dev/null"
for address in "$hoa4 from 192.0.2.65" "$hoa6 from 2001:db8:5::65" "$inside from 2001:db8:5::65"; do
	check "and ${address%% *} is unreachable, instead of going round between the cores" \
		sh -c "ip -n $PREFIX-c route get $address iif inet 2>&1 | grep -qi 'no route to host\|unreachable'"
done
on c ip route add $hoa4 dev sno-acc table 8400 proto 83
start_core
told "what it left is swept up" sweep
same "to the last route" "$fresh" "$(kernel_state c)"
tool terminal tina $hoa4 $hoa6 2001:db8:a:100::/56
tool hold tina
listen terminal
send 20
tool "$to_terminal"
same "the next one holds and releases as before" "0 0 0 0 0 0 " "$(judged 20)"
tool clear tina
poll 5 sh -c "[ -z \"\$(ip -n $PREFIX-c -6 route show table 8400 2>/dev/null)\" ]"
same "and leaves what it began with" "$fresh" "$(kernel_state c)"
stop_core
check "a stop takes the device away" sh -c "! ip -n $PREFIX-c link show sno-buf 2>/dev/null"

on c ip tuntap add sno-buf mode tun
start_core
result $? "a device that was made to stay is adopted"
stop_core
check "and goes with us" sh -c "! ip -n $PREFIX-c link show sno-buf 2>/dev/null"
start_core
first=$core_pid
background c "$HOLD_TOOL" 192.0.2.2
wait "$background"
check "a second agent is told that there is one" grep -q 'another agent' "$WORK"/c.*
same "which goes on" 0 "$(tool limits 1 1 1 1 1; field error)$([ "$core_pid" = "$first" ] || echo other)"
stop_core
on c ip link add sno-buf type bridge
background c "$HOLD_TOOL" 192.0.2.2
wait "$background"
check "a device of another kind is left alone" grep -q 'rename or delete' "$WORK"/c.*
finish
