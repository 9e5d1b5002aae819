#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: host uml
# shellcheck disable=SC2317 # functions are called by name
#
# The ends of a terminal's TCP connections agree on segments that fit into the tunnel (PROTOCOL
# section 16.6), in both directions and both families, so that connections live where ICMP is lost.
#
#	t1 of core a, with the host h1 behind it, visits core b; the server talks to both
. "${SRCDIR:-.}/tests/netns/lib.sh"
need_root
need_program python3 tcpdump tc jq

SERVER=203.0.113.2 SERVER6=2001:db8:f1::2 HOME4=10.1.0.10

lab_up <<-LAB
	gap 10ms
	core a
	core b
	satellite s1 core=a
	satellite s2 core=b
	terminal t1 home=a links=s1,s2 addresses=ipv4,ipv6,prefix
	host h1 behind=t1
LAB
HOST6=$(ip -n "$PREFIX-h1" -6 -o addr show scope global | grep -o 'inet6 [^/]*' | cut -d' ' -f2 | head -n 1)

# deaf NODE: no ICMP that tells of sizes gets into it.
deaf() {
	local device
	device=$(ip -n "$PREFIX-$1" -j -6 route get 2001:db8:f0::1 2>/dev/null | jq -r '.[0].dev')
	ip -n "$PREFIX-$1" link add sink type veth peer name sunk
	tc -n "$PREFIX-$1" qdisc add dev "$device" clsact 2>/dev/null
	tc -n "$PREFIX-$1" filter add dev "$device" ingress protocol ip pref 1 u32 \
		match ip protocol 1 0xff match u8 3 0xff at 20 action mirred egress redirect dev sink
	tc -n "$PREFIX-$1" filter add dev "$device" ingress protocol ipv6 pref 2 u32 \
		match ip6 protocol 58 0xff match u8 2 0xff at 40 action mirred egress redirect dev sink
}

# untold NODE ADDRESS: a packet of 1,500 octets to there gets lost, and nobody says why.
untold() { on "$1" ping -n -M "do" -c 1 -W 2 -s "$([[ $2 = *:* ]] && echo 1452 || echo 1472)" "$2" | grep -q ' 0 received, 100% packet loss'; }

# agreed FROM TO ADDRESS: a connection is made, and $WORK/syn.there and $WORK/syn.back are what each
# end has heard of the other's largest segment.
agreed() {
	local node sniffers=()
	rm -f "$WORK"/tcpdump.*
	for node in "$2" "$1"; do
		ip netns exec "$PREFIX-$node" timeout 120 tcpdump -n -l -Q in --immediate-mode -i any -c 1 \
			'(tcp[13] & 2 != 0 or (ip6 and ip6[6] == 6 and ip6[53] & 2 != 0)) and port 9300' \
			>"$WORK/syn.$node" 2>"$WORK/tcpdump.$node" &
		sniffers+=($!)
		poll 20 grep -q 'listening on' "$WORK/tcpdump.$node"
	done
	on "$2" timeout 120 python3 -c "
import socket, sys
s = socket.create_server((sys.argv[1], 9300), family=socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET)
s.settimeout(60)
s.accept()[0].recv(1)" "$3" &
	sniffers+=($!)
	listening "$2" 9300
	on "$1" python3 -c "
import socket, sys
socket.create_connection((sys.argv[1], 9300), timeout=60).close()" "$3"
	wait "${sniffers[@]}"
	sed -n 's/.*mss \([0-9]*\).*/\1/p' "$WORK/syn.$2" >"$WORK/syn.there"
	sed -n 's/.*mss \([0-9]*\).*/\1/p' "$WORK/syn.$1" >"$WORK/syn.back"
}

# clamped NAME FROM TO ADDRESS MSS
clamped() {
	agreed "$2" "$3" "$4"
	same "$1: what fits is what the called end hears" "$5" "$(cat "$WORK/syn.there")"
	same "$1: and what the calling end hears" "$5" "$(cat "$WORK/syn.back")"
}

carried() { ip -n "$PREFIX-a" -j route show "$HOME4" | jq -r '.[0].metrics[0].mtu'; }

# --- at home -----------------------------------------------------------------------------------------

clamped "at home, over IPv4" server t1 $HOME4 1460

# --- away --------------------------------------------------------------------------------------------

handover t1 s2 >/dev/null
within 10 "t1 visits b" served_by t1 b s2
within 5 "and is reached there" reaches server "$HOME4"
MTU=$(carried)
check "its tunnel carries less than a link" [ "$MTU" -lt 1500 ]

# The terminal knows what fits; this is of one that does not.
read -r -a way < <(ip -n "$PREFIX-t1" route get $SERVER | grep -o 'via inet6 [^ ]* dev [^ ]*')
ip -n "$PREFIX-t1" route replace $SERVER "${way[@]}" src "$HOME4" mtu 1500 advmss 1460
clamped "to the terminal, over IPv4" server t1 "$HOME4" $((MTU - 40))
clamped "from the terminal, over IPv4" t1 server $SERVER $((MTU - 40))
clamped "to the host behind it, over IPv6" server h1 "$HOST6" $((MTU - 60))
clamped "from the host behind it, over IPv6" h1 server $SERVER6 $((MTU - 60))

for node in server t1 h1; do deaf $node; done
check "ICMP is lost: nobody tells the server what fits" untold server "$HOME4"
check "nor over IPv6" untold server "$HOST6"
check "nor the host behind the terminal" untold h1 $SERVER6
check "TCP to the terminal lives" transfer server t1 "$HOME4" 400000
check "and from it" transfer t1 server $SERVER 400000
check "to the host behind it" transfer server h1 "$HOST6" 400000
check "and from it" transfer h1 server $SERVER6 400000

# --- other options, and others' numbers ----------------------------------------------------------------

# raw OPTIONS: the server sends a SYN with these (hexadecimal) to t1's port 9400, where somebody listens;
# what t1 has seen of it is in $WORK/raw, and the answer in $WORK/answer.
raw() {
	rm -f "$WORK"/tcpdump.*
	ip netns exec "$PREFIX-t1" timeout 120 tcpdump -n -l -x -Q in --immediate-mode -i any -c 1 \
		'tcp[13] & 2 != 0 and dst port 9400' >"$WORK/raw" 2>"$WORK/tcpdump.raw" &
	local there=$!
	ip netns exec "$PREFIX-server" timeout 120 tcpdump -n -l -Q in --immediate-mode -i any -c 1 \
		'tcp[13] & 2 != 0 and src port 9400' >"$WORK/answer" 2>"$WORK/tcpdump.answer" &
	local back=$!
	poll 20 grep -q 'listening on' "$WORK/tcpdump.raw"
	poll 20 grep -q 'listening on' "$WORK/tcpdump.answer"
	on server python3 - $SERVER "$HOME4" "$1" <<-'END'
		import random, socket, struct, sys
		source, target = (socket.inet_aton(a) for a in sys.argv[1:3])
		options = bytes.fromhex(sys.argv[3])
		head = struct.pack("!HHIIBBHHH", random.randrange(20000, 30000), 9400, 7, 0, (20 + len(options)) * 4 & 0xf0, 2, 65000, 0, 0)
		def total(data):
		    value = sum(struct.unpack(f"!{len(data) // 2}H", data))
		    while value >> 16:
		        value = (value & 0xffff) + (value >> 16)
		    return ~value & 0xffff
		segment = head + options
		check = total(source + target + struct.pack("!HH", 6, len(segment)) + segment)
		raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
		raw.sendto(segment[:16] + struct.pack("!H", check) + segment[18:], (sys.argv[2], 0))
	END
	wait $there $back
}

background t1 python3 -c "
import socket, time
s = socket.create_server(('0.0.0.0', 9400))
time.sleep(1000)"
check "somebody listens" listening t1 9400
raw 01020405b4010101
same "an option at an odd place is lowered" $((MTU - 40)) "$(sed -n 's/.*mss \([0-9]*\).*/\1/p' "$WORK/raw")"
check "and the checksum is right: it is answered" [ -s "$WORK/answer" ]
raw 0402080a00000001000000000204ffff
same "an option behind others is lowered" $((MTU - 40)) "$(sed -n 's/.*mss \([0-9]*\).*/\1/p' "$WORK/raw")"
check "and answered" [ -s "$WORK/answer" ]
raw 02040218
same "a number that fits is left alone" 536 "$(sed -n 's/.*mss \([0-9]*\).*/\1/p' "$WORK/raw")"
check "and answered" [ -s "$WORK/answer" ]
raw 0101080a0000000100000000
same "none is made up" "" "$(sed -n 's/.*mss \([0-9]*\).*/\1/p' "$WORK/raw")"
raw 0300020405b40000
check "an option that has no length is not passed over" grep -q '0300 0204 05b4 0000' "$WORK/raw"

# --- the underlay takes less -----------------------------------------------------------------------------

less() { [ "$(carried)" -lt "$MTU" ]; }

for core in a b; do on $core ip link set net0 mtu 1380; done
within 10 "a link of 1,380 octets leaves less" less
MTU=$(carried)
clamped "new connections know, to the terminal" server t1 "$HOME4" $((MTU - 40))
clamped "and from the host" h1 server $SERVER6 $((MTU - 60))
check "TCP to the terminal lives" transfer server t1 "$HOME4" 400000
check "and from the host" transfer h1 server $SERVER6 400000
finish
