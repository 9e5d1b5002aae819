#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: host uml
#
# Tunnel devices and encapsulating routes of common/kernel.h, with real packets:
#
#	core a: 10.0.0.1, 2001:db8:f::1           core b: 10.1.0.7, 2001:db8:f::7 (HoA), CoA pools local
#	        va 192.0.2.1, 2001:db8:1::1  ====  vb 192.0.2.2, 2001:db8:1::2
#
# a sends to the HoA inside CoA 198.51.100.9 or 2001:db8:c::9, b answers to a's address.
. "${SRCDIR:-.}/tests/netns/kernel-lib.sh"
need_program ping tcpdump python3

modprobe ipv6 2>/dev/null
sysctl -qw net.core.fb_tunnels_only_for_init_net=2 2>/dev/null
netns a
netns b
on a ip link add va type veth peer name vb netns "$PREFIX-b"
number() { case $1 in a) echo 1 ;; b) echo 2 ;; esac; }
for node in a b; do
	on $node sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
	on $node ip link set v$node addrgenmode none
	on $node ip link set v$node up
	on $node ip addr add "192.0.2.$(number $node)/24" dev v$node
	on $node ip addr add "2001:db8:1::$(number $node)/64" dev v$node nodad
done
on a ip route add 198.51.100.0/24 via 192.0.2.2
on a ip route add 2001:db8:c::/64 via 2001:db8:1::2
on a ip addr add 10.0.0.1/32 dev lo
on a ip addr add 2001:db8:f::1/128 dev lo
on b ip addr add 10.1.0.7/32 dev lo
on b ip addr add 2001:db8:f::7/128 dev lo
before_a=$(whole_state a) before_b=$(whole_state b)

# kernel_has KIND: what ip says of the kernel, without our code.
kernel_has() {
	case $1 in
	gre) have_device gre external ;;
	gre6) have_device ip6gre external ;;
	ipip) have_device ipip external ;;
	gpe) have_device vxlan external gpe dstport 4790 ;;
	esac
}

# --- probing ---------------------------------------------------------------------------------------

links=$(on a ip -br link)
kinds=
for kind in gre gre6 ipip gpe; do
	if kernel_has $kind; then
		kinds="$kinds $kind"
		again "probing finds $kind" a tunnel probe kind "$kind"
	else
		refused "probing tells that $kind is missing" "^tunnel kind $kind: .*EOPNOTSUPP" a tunnel probe kind "$kind"
		refused "so does asking for the device" "^tunnel sno-$kind: .*EOPNOTSUPP" a tunnel ensure kind "$kind"
	fi
done
same "probing leaves no device" "$links" "$(on a ip -br link)"

# --- packets ---------------------------------------------------------------------------------------

does "b decapsulates every CoA of its IPv4 pool" b route replace dst 198.51.100.0/24 local
does "and of its IPv6 pool" b route replace dst 2001:db8:c::/64 local

# outer FILTER COMMAND...: the first packet of a that the filter takes, as tcpdump tells it.
outer() {
	local filter=$1 capture=$WORK/outer.pcap dump
	shift
	rm -f "$WORK/tcpdump" "$capture"
	on a tcpdump -q -n -i va --immediate-mode -U -c 1 -w "$capture" "$filter" 2>"$WORK/tcpdump" &
	dump=$!
	poll 5 grep -q 'listening on' "$WORK/tcpdump"
	"$@" >/dev/null 2>&1
	poll 3 test ! -e "/proc/$dump" || kill "$dump" 2>/dev/null
	wait "$dump" 2>/dev/null
	tcpdump -n -v -r "$capture" 2>/dev/null | tr '\n' ' '
}

# shellcheck disable=SC2317 # called by name
ping_of() {
	case $1 in
	inet) on a ping -n -c 3 -i 0.05 -W 1 -I 10.0.0.1 10.1.0.7 ;;
	inet6) on a ping -n -c 3 -i 0.05 -W 1 -I 2001:db8:f::1 2001:db8:f::7 ;;
	esac
}

# routes_of KIND OUTER INNER: the binding at a, and the way back at b.
routes_of() {
	local kind=$1 a b coa
	case $2 in
	inet) a=192.0.2.1 b=192.0.2.2 coa=198.51.100.9 ;;
	inet6) a=2001:db8:1::1 b=2001:db8:1::2 coa=2001:db8:c::9 ;;
	esac
	case $3 in
	inet)
		again "$kind over $2: the binding for $3" a route replace dst 10.1.0.7/32 metric 77 \
			dev "sno-$kind" encap "$coa" src "$a" key 7 mtu 1300 lock
		does "$kind over $2: and the way back" b route replace dst 10.0.0.1/32 metric 77 \
			dev "sno-$kind" encap "$a" src "$b" key 7 mtu 1300 lock
		;;
	inet6)
		again "$kind over $2: the binding for $3" a route replace dst 2001:db8:f::7/128 \
			dev "sno-$kind" encap "$coa" src "$a" key 7 mtu 1300 lock
		does "$kind over $2: and the way back" b route replace dst 2001:db8:f::1/128 \
			dev "sno-$kind" encap "$a" src "$b" key 7 mtu 1300 lock
		;;
	esac
}

# exchange KIND OUTER INNER
exchange() {
	routes_of "$@"
	check "$1 over $2 carries $3" ping_of "$3"
}

for kind in $kinds; do
	for node in a b; do
		again "$kind: the device is made at $node" $node tunnel ensure kind "$kind" mtu 1400
	done
	has "$kind: ip sees it external and up" "sno-$kind 1400 true true" \
		'.[0] | .ifname, .mtu, (.flags | index("UP") != null), .linkinfo.info_data.external' \
		on a ip -j -d link show "sno-$kind"
	case $kind in
	gre) exchange gre inet inet && exchange gre inet inet6 ;;
	gre6) exchange gre6 inet6 inet && exchange gre6 inet6 inet6 ;;
	ipip) exchange ipip inet inet ;;
	gpe)
		exchange gpe inet inet && exchange gpe inet inet6
		exchange gpe inet6 inet && exchange gpe inet6 inet6
		;;
	esac
done
for kind in gre gre6 ipip; do
	[[ " $kinds " = *" $kind "* ]] || lacks "$kind carries packets" "this kernel has no $kind devices"
done

# --- what is on the wire ---------------------------------------------------------------------------

wire=gpe filter='udp port 4790'
[[ " $kinds " != *" gre "* ]] || wire=gre filter='ip proto 47'
routes_of $wire inet inet
found=$(outer "$filter" ping_of inet)
same "the outer packet has the CoA, an own TTL and no DF" "yes" \
	"$([[ $found = *'ttl 64,'*'flags [none]'*'192.0.2.1'*' > 198.51.100.9'* ]] && echo yes || echo "$found")"
[ $wire = gpe ] || same "and the key" yes "$([[ $found = *'key=0x7'* ]] && echo yes || echo "$found")"
does "the route asks for DF and TTL 9" a route replace dst 10.1.0.7/32 metric 77 dev sno-$wire \
	encap 198.51.100.9 src 192.0.2.1 key 7 df ttl 9 mtu 1300 lock
found=$(outer "$filter" ping_of inet)
same "the outer packet has both" yes \
	"$([[ $found = *'ttl 9,'*'flags [DF]'* ]] && echo yes || echo "$found")"
same "they are read back" "10.1.0.7/32 table 254 metric 77 encap dst 198.51.100.9 src 192.0.2.1 key 7 ttl 9 df dev $(on a cat /sys/class/net/sno-$wire/ifindex) mtu 1300 lock" \
	"$(k a route list | grep '^10.1.0.7/32')"
same "the lookup tells the locked MTU" 1300 "$(k a route lookup to 10.1.0.7 | sed 's/.* mtu \([0-9]*\).*/\1/')"
refused "an encapsulating route needs a device" 'needs its tunnel device' a route replace dst 10.1.0.9/32 encap 198.51.100.9 src 192.0.2.1
refused "and ends of one family" 'one family' a route replace dst 10.1.0.9/32 dev sno-$wire encap 198.51.100.9 src 2001:db8:1::1

# --- a million bindings need one device: the metric keeps insertion fast ---------------------------

same "a batch of 2,000 bindings" "items 2000 failed 0 bad 0" \
	"$(k a route batch count 2000 dev sno-$wire encap 198.51.100.9 src 192.0.2.1 key 7 mtu 1300 lock | sed 's/ us .*//')"
same "is there" 2000 "$(on a ip route show proto 83 | grep -c '^10\.64\.')"
does "is taken back" a route batch count 2000 remove

# --- devices that are in the way -------------------------------------------------------------------

for node in a b; do
	does "routes are swept at $node" $node route sweep x
	for kind in $kinds; do
		does "$kind is deleted at $node" $node link delete dev "sno-$kind"
	done
done
check "an external device of another name" on a ip link add other type vxlan external gpe dstport 4790 \
	udp6zerocsumrx udp6zerocsumtx
check "is up" on a ip link set other up
refused "is named in the refusal" '^tunnel sno-gpe: other is the external vxlan device .*EEXIST' a tunnel ensure kind gpe
does "and counts as a kernel that has the kind" a tunnel probe kind gpe
on a ip link del other
check "one without IPv6 checksums only collides on the port" on a sh -c \
	'ip link add other type vxlan external gpe dstport 4790 && ip link set other up'
refused "and is named as well" '^tunnel sno-gpe: other is the external vxlan device .*EEXIST' a tunnel ensure kind gpe
on a ip link del other
if [[ " $kinds " = *" gre "* ]]; then
	check "an external gre device of another name" on a ip link add other type gre external
	refused "is named in the refusal" '^tunnel sno-gre: other is the external gre device .*EEXIST' a tunnel ensure kind gre
	on a ip link del other
fi
check "a bridge that has our name" on a ip link add sno-gpe type bridge
refused "is not taken for the tunnel" '^tunnel sno-gpe: there is a device of this name .*EEXIST' a tunnel ensure kind gpe
on a ip link del sno-gpe

# --- feeders ---------------------------------------------------------------------------------------

# feeder A B KIND PAYLOAD: over IPv4 full-size Ethernet frames with DF inside pass, since the outer packets
# are fragmented; over IPv6 the kernel fragments none, so the path bounds them.
feeder() {
	local a=$1 b=$2 kind=$3 payload=$4
	again "$kind: made at a" a gretap feed local "$a" remote "$b" key 9
	does "$kind: made at b" b gretap feed local "$b" remote "$a" key 9
	has "$kind: ip sees it" "$kind 1500 $a $b 0.0.0.9" \
		'.[0] | .linkinfo.info_kind, .mtu, (.linkinfo.info_data | .local, .remote, .ikey)' on a ip -j -d link show feed
	on a ip addr add 203.0.113.1/24 dev feed
	on b ip addr add 203.0.113.2/24 dev feed
	check "$kind: packets of $((payload + 28)) bytes with DF pass" \
		on a ping -n -c 2 -i 0.1 -W 1 -M "do" -s "$payload" 203.0.113.2
	does "$kind: another key at b" b gretap feed local "$b" remote "$a" key 10
	check "$kind: nothing passes" on a sh -c '! ping -n -c 1 -W 1 203.0.113.2'
	does "$kind: deleted at a" a link delete dev feed
	does "$kind: deleted at b" b link delete dev feed
}
refused "ends of two families are refused" 'one family' a gretap feed local 192.0.2.1 remote 2001:db8:1::2
if have_device gretap local 192.0.2.1 remote 192.0.2.2; then
	feeder 192.0.2.1 192.0.2.2 gretap 1472
	feeder 2001:db8:1::1 2001:db8:1::2 ip6gretap 1410
else
	lacks "gretap feeders" "this kernel has no gretap devices"
fi

same "a's kernel is where it was" "$before_a" "$(whole_state a)"
same "b's kernel is where it was" "$before_b" "$(whole_state b)"
finish
