#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: uml
#
# ESP of common/kernel.h around GRE, with real packets:
#
#	core a: 10.0.0.1, va 192.0.2.1  ==== ESP( GRE( ) ) ====  core b: vb 192.0.2.2, HoA 10.1.0.7,
#	                                                          CoA pool 198.51.100.0/24 local
. "${SRCDIR:-.}/tests/netns/kernel-lib.sh"
need_program ping tcpdump
need_device gre external

for module in ipv6 esp4 esp6 xfrm_user; do modprobe $module 2>/dev/null; done
sysctl -qw net.core.fb_tunnels_only_for_init_net=2 2>/dev/null
netns a
netns b
on a ip link add va type veth peer name vb netns "$PREFIX-b"
for node in a b; do
	on $node sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
	on $node ip link set v$node addrgenmode none
	on $node ip link set v$node up
done
on a ip addr add 192.0.2.1/24 dev va
on b ip addr add 192.0.2.2/24 dev vb
on a ip addr add 192.0.2.66/24 dev va
on a ip addr add 10.0.0.1/32 dev lo
on b ip addr add 10.1.0.7/32 dev lo
on a ip route add 198.51.100.0/24 via 192.0.2.2
before_a=$(whole_state a) before_b=$(whole_state b)

for node in a b; do k $node tunnel ensure kind gre mtu 1400 >/dev/null; done
k b route replace dst 198.51.100.0/24 local
k a route replace dst 10.1.0.7/32 metric 7 dev sno-gre encap 198.51.100.9 src 192.0.2.1 key 7 mtu 1300 lock
k b route replace dst 10.0.0.1/32 metric 7 dev sno-gre encap 192.0.2.1 src 192.0.2.2 key 7 mtu 1300 lock
# shellcheck disable=SC2317 # called by name, both
reach() { on a ping -n -c 3 -i 0.05 -W 1 -I 10.0.0.1 10.1.0.7; }
# shellcheck disable=SC2317
blocked() { ! on a ping -n -c 1 -W 1 -I 10.0.0.1 10.1.0.7; }
check "GRE carries packets without IPsec" reach

# --- refusals --------------------------------------------------------------------------------------

refused "an SPI below 256" '^security association 192.0.2.1 to 192.0.2.2 spi 0x000000ff: an SPI below 256.*EINVAL' \
	a sa add src 192.0.2.1 dst 192.0.2.2 spi 255 reqid 830001
refused "a window that is too large" 'at most 4096' a sa add src 192.0.2.1 dst 192.0.2.2 spi 4096 window 5000
refused "ends of two families" 'one family' a sa add src 192.0.2.1 dst 2001:db8::1 spi 4096
refused "an update of what is not there" 'ESRCH' a sa update src 192.0.2.1 dst 192.0.2.2 spi 4096
again "deleting what is not there is done" a sa delete src 192.0.2.1 dst 192.0.2.2 spi 4096
again "a policy too" a policy delete out src 192.0.2.1/32 dst 198.51.100.0/24 proto 47

# --- one direction per association, both ends hold both ---------------------------------------------

AB="src 192.0.2.1 dst 192.0.2.2 spi 4097 reqid 830001 key 17"
BA="src 192.0.2.2 dst 192.0.2.1 spi 4098 reqid 830001 key 18"
# shellcheck disable=SC2086 # words on purpose, here and below
{
	does "a's sending association" a sa add $AB window 1024 esn
	does "b's receiving association, with a mark" b sa add $AB window 1024 esn mark 0x7f000000 mask 0xff000000
	does "b's sending association" b sa add $BA window 1024 esn
	does "a's receiving association" a sa add $BA window 1024 esn
	refused "the same once more is refused" 'spi 0x00001001: .*EEXIST' a sa add $AB window 1024 esn
}
state=$(on b ip xfrm state get src 192.0.2.1 dst 192.0.2.2 proto esp spi 4097)
for word in 'mode tunnel' 'reqid 830001' 'rfc7539esp(chacha20,poly1305)' 'flag af-unspec esn' 'replay_window 1024'; do
	same "ip sees $word" yes "$([[ $state = *"$word"* ]] && echo yes || echo "$state")"
done
same "the list has both, without keys" "192.0.2.1 to 192.0.2.2 spi 4097 reqid 830001 cipher 0 window 1024 esn limit 0 mark 0x7f000000/0xff000000 packets 0
192.0.2.2 to 192.0.2.1 spi 4098 reqid 830001 cipher 0 window 1024 esn limit 0 packets 0" \
	"$(k b sa list low 830000 high 830099 | sort)"
same "another range has none" "" "$(k b sa list low 1 high 829999)"

OUT_A="out src 192.0.2.1/32 dst 198.51.100.0/24 proto 47 priority 100 reqid 830001 from 192.0.2.1 to 192.0.2.2"
OUT_B="out src 192.0.2.2/32 dst 192.0.2.1/32 proto 47 priority 100 reqid 830001 from 192.0.2.2 to 192.0.2.1"
BLOCK_B="in src 0.0.0.0/0 dst 198.51.100.0/24 proto 47 priority 200 reqid 830001 block"
BLOCK_A="in src 0.0.0.0/0 dst 192.0.2.1/32 proto 47 priority 200 reqid 830001 block"
# shellcheck disable=SC2086
{
	does "a must protect to the pool" a policy add $OUT_A
	refused "the same once more is refused" 'out policy 192.0.2.1/32 to 198.51.100.0/24 proto 47: .*EEXIST' a policy add $OUT_A
	again "an update is not" a policy update $OUT_A
	does "b must have protected from a" b policy add in ${OUT_A#out }
	does "b refuses all else" b policy add $BLOCK_B
	does "b must protect to a" b policy add $OUT_B
	does "a must have protected from b" a policy add in ${OUT_B#out }
	does "a refuses all else" a policy add $BLOCK_A
}
policy=$(on b ip xfrm policy list)
for word in 'src 192.0.2.1/32 dst 198.51.100.0/24 proto gre' 'dir in action block priority 200' \
	'tmpl src 192.0.2.1 dst 192.0.2.2' 'proto esp reqid 830001 mode tunnel'; do
	same "ip sees $word" yes "$([[ $policy = *"$word"* ]] && echo yes || echo "$policy")"
done
same "the list has ours, block too" 3 "$(k b policy list low 830000 high 830099 | wc -l)"
same "the block is told as such" "in 0.0.0.0/0 to 198.51.100.0/24 proto 47 ports 0-0 priority 200 reqid 830001 block none none" \
	"$(k b policy list low 830000 high 830099 | grep block)"

# --- packets ---------------------------------------------------------------------------------------

# Only what goes out: what has come in is seen a second time after decryption.
on a tcpdump -q -n -i va -Q out --immediate-mode -U -c 3 -w "$WORK/wire" ip 2>"$WORK/tcpdump" &
poll 5 grep -q 'listening on' "$WORK/tcpdump"
check "the HoA is reached through ESP" reach
wait %% 2>/dev/null
same "nothing but ESP leaves a" "3 3" \
	"$(tcpdump -n -r "$WORK/wire" 2>/dev/null | wc -l) $(tcpdump -n -r "$WORK/wire" esp 2>/dev/null | wc -l)"
same "the list counts packets" 3 "$(k b sa list low 830000 high 830099 | sed -n 's/.*spi 4097 .*packets //p')"
does "somebody sends GRE to the CoA from elsewhere in clear text" a route replace dst 10.1.0.7/32 metric 7 \
	dev sno-gre encap 198.51.100.9 src 192.0.2.66 key 7 mtu 1300 lock
check "it is refused" blocked
same "by the block policy" 1 "$(on b cat /proc/net/xfrm_stat 2>/dev/null | awk '$1 == "XfrmInPolBlock" {print ($2 > 0)}')"
k a route replace dst 10.1.0.7/32 metric 7 dev sno-gre encap 198.51.100.9 src 192.0.2.1 key 7 mtu 1300 lock
check "the right one still passes" reach

# --- rekey: receiver first, then sender, then the old ones go --------------------------------------

NEW="src 192.0.2.1 dst 192.0.2.2 spi 5001 reqid 830001 key 33"
echoes a 0.02 10.1.0.7 -I 10.0.0.1
# shellcheck disable=SC2086
{
	does "the new key at the receiver" b sa add $NEW window 1024 esn
	does "and at the sender" a sa add $NEW window 1024 esn
	does "the old one goes at the sender" a sa delete $AB
	sleep 0.2
	does "and at the receiver" b sa delete $AB
}
all_echoed "nothing is lost"

# --- limits, the other cipher ----------------------------------------------------------------------

# shellcheck disable=SC2086
{
	does "an association that ends after 1,000 packets" a sa update $NEW window 1024 esn limit 1000
	same "the list tells it" 1000 "$(k a sa list low 830000 high 830099 | sed -n 's/.*spi 5001 .*limit \([0-9]*\) .*/\1/p')"
	does "one that has sent more than its new limit" a sa update $NEW window 1024 esn limit 4
	blocked >/dev/null
	same "is dropped by the kernel" "" "$(k a sa list low 830000 high 830099 | grep 'spi 5001')"
	again "it is deleted" a sa delete $NEW
	again "at b too" b sa delete $NEW
	check "nothing passes, and nothing leaves in clear text" blocked
	does "AES-GCM without 64-bit numbers at a" a sa add $NEW aes
	does "and at b" b sa add $NEW aes window 64
}
check "passes" reach
same "with the algorithm said" 'aead rfc4106(gcm(aes))' "$(on b ip xfrm state get src 192.0.2.1 dst 192.0.2.2 proto esp spi 5001 | grep -o 'aead [^ ]*')"

# --- IPv6 underlay and UDP: what the kernel accepts ------------------------------------------------

V6="src 2001:db8:1::1 dst 2001:db8:1::2 spi 6001 reqid 830002 key 5"
# shellcheck disable=SC2086
again_v6() {
	does "an IPv6 association" a sa add $V6 window 512 esn
	does "a policy for GPE over IPv6" a policy add out src ::/0 dst 2001:db8:c::/64 proto 17 dport 4790 \
		priority 100 reqid 830002 from 2001:db8:1::1 to 2001:db8:1::2
	same "it is listed" "out ::/0 to 2001:db8:c::/64 proto 17 ports 0-4790 priority 100 reqid 830002 allow 2001:db8:1::1 2001:db8:1::2" \
		"$(k a policy list low 830002 high 830002)"
}
again_v6
check "somebody else's policy" on a ip xfrm policy add src 203.0.113.1/32 dst 203.0.113.2/32 dir out tmpl src 203.0.113.1 dst 203.0.113.2 proto esp reqid 7 mode tunnel

# --- flush -----------------------------------------------------------------------------------------

again "ours are flushed at a" a policy flush low 830000 high 830099
again "and at b" b policy flush low 830000 high 830099
same "none is left at b" "" "$(on b ip xfrm state; on b ip xfrm policy)"
same "nobody else's went" 1 "$(on a ip xfrm policy | grep -c '^src 203.0.113.1/32')"
on a ip xfrm policy deleteall
check "clear text passes again" reach

for node in a b; do
	k $node route sweep x
	k $node link delete dev sno-gre
done
same "a's kernel is where it was" "$before_a" "$(whole_state a)"
same "b's kernel is where it was" "$before_b" "$(whole_state b)"
finish
