#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: uml
# shellcheck disable=SC2317 # functions are called by name
#
# What fits into a tunnel, and what is said to who sends more (PROTOCOL section 16.6), with real
# packets of both families: echo requests that must not be fragmented, UDP that may be, TCP through
# all of it; over an underlay of IPv4 and of IPv6, and when the underlay's path MTU changes.
#
#	t1 of core a, with the host h1 behind it, visits core b; the server talks to both
. "${SRCDIR:-.}/tests/netns/lib.sh"
need_root
need_program python3 jq
need_device gre external
have_esp || skip_all "this kernel has no ESP"

SERVER=203.0.113.2 SERVER6=2001:db8:f1::2 HOME4=10.1.0.10

lab() {
	lab_up <<-LAB
		gap 10ms
		underlay $1
		core a
		core b
		satellite s1 core=a
		satellite s2 core=b
		terminal t1 home=a links=s1,s2 addresses=ipv4,ipv6,prefix
		host h1 behind=t1
	LAB
	handover t1 s2 >/dev/null
	within 10 "t1 visits b" served_by t1 b s2
	within 5 "and is reached there" reaches server "$HOME4"
	HOME6=$(ip -n "$PREFIX-t1" -6 -o addr show scope global | grep -o '2001:db8:a0:1:[^/]*' | head -n 1)
	HOST6=$(ip -n "$PREFIX-h1" -6 -o addr show scope global | grep -o 'inet6 [^/]*' | cut -d' ' -f2 | head -n 1)
}

# told NODE TARGET SIZE: what it is told of a packet of this size that must not be fragmented:
# "ADDRESS MTU", the address of who says so, "-" for the node itself; "fits" when it is answered.
told() {
	local head=28 family=-4 out
	case $2 in *:*) head=48 family=-6 ;; esac
	on "$1" ip "$family" route flush cache
	out=$(on "$1" ping -n "$family" -M "do" -c 1 -W 2 -s $(($3 - head)) "$2" 2>&1)
	if [[ $out = *' 0% packet loss'* ]]; then
		echo fits
	elif [[ $out =~ From\ ([0-9a-f.:]+)\ icmp_seq=1\ (Frag\ needed\ and\ DF\ set\ \(mtu\ =\ |Packet\ too\ big:\ mtu=)([0-9]+) ]]; then
		echo "${BASH_REMATCH[1]} ${BASH_REMATCH[3]}"
	elif [[ $out =~ message\ too\ long,\ mtu[:=]\ *([0-9]+) ]]; then
		echo "- ${BASH_REMATCH[1]}"
	else
		echo "$out"
	fi
}

# whole NODE ADDRESS PORT FROM: a UDP datagram of 1,472 octets that may be fragmented arrives whole.
# (IPv6 leaves that to the sender, who has to be told once.)
whole() {
	on "$1" timeout 120 python3 -c "
import socket, sys
s = socket.socket(socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[1], int(sys.argv[2])))
print(len(s.recv(2000)))" "$2" "$3" >"$WORK/udp" &
	local receiver=$!
	listening "$1" "$3" u
	on "$4" python3 -c "
import socket, sys, time
s = socket.socket(socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
level, option, never = (41, 23, 0) if ':' in sys.argv[1] else (0, 10, 0)
s.setsockopt(level, option, never)      # IP_MTU_DISCOVER, IPV6_MTU_DISCOVER: never
for _ in range(4):
    s.sendto(bytes(1472), (sys.argv[1], int(sys.argv[2])))
    time.sleep(0.5)" "$2" "$3"
	wait "$receiver"
	[ "$(cat "$WORK/udp")" = 1472 ]
}

# sends NODE ADDRESS: what UDP is told that sends 1,472 octets, which must not be fragmented, and then
# once more: the path MTU.
sends() {
	on "$1" python3 -c "
import errno, socket, sys, time
six = ':' in sys.argv[1]
s = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM)
level, discover, mtu = (41, 23, 24) if six else (0, 10, 14)
s.setsockopt(level, discover, 2)        # IP_MTU_DISCOVER, IPV6_MTU_DISCOVER: do
s.connect((sys.argv[1], 9))
end = time.monotonic() + 5
while time.monotonic() < end:
    try:
        s.send(bytes(1472 - 20 * six))
        time.sleep(0.2)
    except OSError as error:
        print(errno.errorcode[error.errno], s.getsockopt(level, mtu))
        break" "$2"
}

# both ways, both families, to the terminal and behind it, when tunnels carry $1; $2 and $3: core a.
sizes() {
	local mtu=$1 core4=$2 core6=$3
	same "IPv4 down: the home core says what fits" "$core4 $mtu" "$(told server "$HOME4" 1500)"
	same "... and that does" fits "$(told server "$HOME4" "$mtu")"
	same "IPv6 down: likewise" "$core6 $mtu" "$(told server "$HOME6" 1500)"
	same "... and that does" fits "$(told server "$HOME6" "$mtu")"
	same "IPv6 down to the host: likewise" "$core6 $mtu" "$(told server "$HOST6" 1500)"
	same "... and that does" fits "$(told server "$HOST6" "$mtu")"
	same "IPv4 up: the terminal knows what fits" "- $mtu" "$(told t1 $SERVER 1500)"
	same "... and that does" fits "$(told t1 $SERVER "$mtu")"
	same "IPv6 up: likewise" "- $mtu" "$(told t1 $SERVER6 1500)"
	same "... and that does" fits "$(told t1 $SERVER6 "$mtu")"
	same "IPv6 up from the host: the terminal says what fits" "$mtu" "$(told h1 $SERVER6 1500 | cut -d' ' -f2)"
	same "... and that does" fits "$(told h1 $SERVER6 "$mtu")"
}

transfers() {
	local mtu=$1
	check "TCP over IPv4, down" transfer server t1 "$HOME4" 2000000
	check "... in segments that fit" [ "$(cat "$WORK/mss")" -le $((mtu - 40)) ]
	check "TCP over IPv4, up" transfer t1 server $SERVER 2000000
	check "... in segments that fit" [ "$(cat "$WORK/mss")" -le $((mtu - 40)) ]
	check "TCP over IPv6 to the host" transfer server h1 "$HOST6" 2000000
	check "... in segments that fit" [ "$(cat "$WORK/mss")" -le $((mtu - 60)) ]
	check "TCP over IPv6 from the host" transfer h1 server $SERVER6 2000000
	check "... in segments that fit" [ "$(cat "$WORK/mss")" -le $((mtu - 60)) ]
}

lab ipv4
end4=$(on a ip -j addr show dev net0 | jq -r '.[].addr_info[] | select(.family == "inet") | .local')
sizes 1400 "$end4" "$(on a ip -6 route get $SERVER6 | grep -o 'src [^ ]*' | cut -d' ' -f2)"
check "UDP of 1,472 octets that may be fragmented arrives, down" whole t1 "$HOME4" 9200 server
check "and up" whole server $SERVER 9201 t1
check "over IPv6, where the sender does it, down" whole t1 "$HOME6" 9202 server
on server ip route flush cache
on server ip -6 route flush cache
same "UDP that must not be fragmented is told, down" "EMSGSIZE 1400" "$(sends server "$HOME4")"
same "over IPv6 too" "EMSGSIZE 1400" "$(sends server "$HOME6")"
same "up, the terminal knows" "EMSGSIZE 1400" "$(sends t1 $SERVER)"
same "over IPv6 the host behind it is told" "EMSGSIZE 1400" "$(sends h1 $SERVER6)"
transfers 1400

# --- the underlay takes less -------------------------------------------------------------------------

carries() { [ "$(ip -n "$PREFIX-a" -j route show "$HOME4" | jq -r '.[0].metrics[0].mtu')" = "$1" ]; }

# pushes MTU: the same, while packets are sent of which a router may have to tell.
pushes() {
	told server "$HOME4" 1400
	carries "$1"
}

# trickle FROM TO ADDRESS: 200,000 octets by TCP in eight seconds; $WORK/trickle says that it has begun.
trickle() {
	: >"$WORK/trickle"
	on "$2" timeout 120 python3 -c "
import socket, sys
s = socket.create_server((sys.argv[1], 9500))
c, n = s.accept()[0], 0
while data := c.recv(65536):
    n += len(data)
    print(n, flush=True)" "$3" >"$WORK/trickle" &
	local receiver=$!
	listening "$2" 9500
	on "$1" timeout 120 python3 -c "
import socket, sys, time
c = socket.create_connection((sys.argv[1], 9500))
for _ in range(80):
    c.sendall(bytes(2500))
    time.sleep(0.1)" "$3"
	wait "$receiver"
	[ "$(tail -n 1 "$WORK/trickle")" = 200000 ]
}

says_up() { [ "$(told t1 "$SERVER" 1400 | cut -d' ' -f2)" = "$1" ]; }

for core in a b; do on $core ip link set net0 mtu 1400; done
within 10 "a link of 1,400 octets leaves 1,318 for what is inside" carries 1318
sizes_after=$(told server "$HOME4" 1400)
same "the home core says so" "$end4 1318" "$sizes_after"
same "and that fits" fits "$(told server "$HOME4" 1318)"
within 8 "up the visited core says so" says_up 1318
check "TCP goes on, down" transfer server t1 "$HOME4" 2000000
check "and up" transfer t1 server $SERVER 2000000
for core in a b; do on $core ip link set net0 mtu 1500; done
within 10 "1,400 again when the link takes 1,500" carries 1400

# --- a router between the cores takes less -----------------------------------------------------------

# Of what goes to b: b knows that, a has to be told.
ip netns exec "$PREFIX-inet" tcpdump -n -i to-b -Q out -s 64 -B 16384 -U -w "$WORK/wire" ip proto 50 2>"$WORK/tcpdump" &
sniffer=$!
poll 20 grep -q 'listening on' "$WORK/tcpdump"
trickle server t1 "$HOME4" &
under_way=$!
poll 20 test -s "$WORK/trickle"
on inet ip link set to-b mtu 1400
on b ip link set net0 mtu 1400
wait $under_way
result $? "a connection lives through it"
within 10 "what the router says is followed" pushes 1318
same "the home core says so" "$end4 1318" "$(told server "$HOME4" 1400)"
same "and that fits" fits "$(told server "$HOME4" 1318)"
same "over IPv6 too" 1318 "$(told server "$HOME6" 1400 | cut -d' ' -f2)"
same "and that fits" fits "$(told server "$HOME6" 1318)"
check "UDP of 1,472 octets that may be fragmented arrives" whole t1 "$HOME4" 9203 server
kill $sniffer
wait $sniffer 2>/dev/null
check "it has gone there as ESP" [ "$(tcpdump -n -r "$WORK/wire" 2>/dev/null | wc -l)" -gt 100 ]
same "in packets that nobody may fragment, nor has" "" \
	"$(tcpdump -n -r "$WORK/wire" 'ip[6:2] & 0xffff != 0x4000' 2>/dev/null | head -n 3)"
lab_down

# --- IPv6 between the cores --------------------------------------------------------------------------

lab ipv6
same "over IPv6 tunnels carry 1,360: the home core says so" 1360 "$(told server "$HOME4" 1500 | cut -d' ' -f2)"
same "and that fits" fits "$(told server "$HOME4" 1360)"
same "IPv6 too" 1360 "$(told server "$HOME6" 1500 | cut -d' ' -f2)"
same "and that fits" fits "$(told server "$HOME6" 1360)"
same "up the terminal knows it" "- 1360" "$(told t1 $SERVER 1500)"
same "and that fits" fits "$(told t1 $SERVER 1360)"
transfers 1360
finish
