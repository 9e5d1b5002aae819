#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: host uml
#
# Links, bridges, addresses, neighbours, rules, routes and sysctl of common/kernel.h, each checked with ip
# and bridge. One namespace:
#
#	sno-acc (bridge) -- s1 ---- p1        v0 ---- v1
. "${SRCDIR:-.}/tests/netns/kernel-lib.sh"

shopt -s extglob
netns a
modprobe ipv6 2>/dev/null
on a ip link add s1 type veth peer name p1
on a ip link add v0 type veth peer name v1
# Link-local addresses of the kernel's own would come and go with the carrier.
for dev in s1 p1 v0 v1; do on a ip link set "$dev" addrgenmode none; done
for dev in v0 v1 p1; do on a ip link set "$dev" up; done
before=$(whole_state a)
ip_a() { on a ip -j -d "$@"; }

# --- links -----------------------------------------------------------------------------------------

does "a link is set up" a link up dev s1
does "its MTU is set" a link mtu dev s1 mtu 1400
does "its address is set" a link mac dev s1 mac 02:00:00:00:00:09
does "it is made promiscuous" a link promisc dev s1 on
has "ip sees all of it" '1400 02:00:00:00:00:09 true true' \
	'.[0] | .mtu, .address, (.flags | index("UP") != null), (.promiscuity > 0)' ip_a link show s1
found=$(k a link find dev s1)
same "it is found by name" "s1 mtu 1400 mac 02:00:00:00:00:09 master 0 kind veth up carrier promisc" \
	"${found/ ifindex +([0-9])/}"
same "the list has every link" "$(ip_a link | jq -r '.[].ifname' | sort)" \
	"$(k a link list x | cut -d' ' -f1 | sort)"
does "promiscuity is taken away, and nothing else" a link promisc dev s1 off
has "ip sees it up and quiet" 'true 0' '.[0] | (.flags | index("UP") != null), .promiscuity' \
	ip_a link show s1
refused "an MTU out of range is told in the kernel's words" \
	'^mtu 999999 on s1: mtu greater than device maximum \(EINVAL\)$' a link mtu dev s1 mtu 999999
refused "a link that is not there is told" '^interface nix: .*ENODEV' a link find dev nix
again "deleting a link that is not there is done" a link delete dev '#4711'

# --- bridges ---------------------------------------------------------------------------------------

again "a bridge is made" a bridge sno-acc mac 02:53:4e:4f:00:01 ageing 300
has "ip sees its options" 'true 02:53:4e:4f:00:01 30000 0 0' \
	'.[0] | (.flags | index("UP") != null), .address, (.linkinfo.info_data | .ageing_time, .mcast_snooping, .stp_state)' \
	ip_a link show sno-acc
on a ip -6 neigh add fe80::99 lladdr 02:00:00:00:00:99 dev sno-acc nud permanent
does "it is adopted with other options" a bridge sno-acc mac 02:53:4e:4f:00:01 ageing 100
has "ip sees the new one" 10000 '.[0].linkinfo.info_data.ageing_time' ip_a link show sno-acc
has "its permanent neighbours are not forgotten" 02:00:00:00:00:99 '.[].lladdr' \
	on a ip -6 -j neigh show fe80::99 dev sno-acc
on a ip -6 neigh del fe80::99 dev sno-acc
refused "a device of another kind is not taken for it" '^bridge v0: .*not a bridge \(EEXIST\)' \
	a bridge v0 ageing 300
again "a port is enslaved" a link master dev s1 master sno-acc
does "its flags are set" a port set dev s1 isolated suppress
has "bridge sees them" 'sno-acc true false false false false true' \
	'.[] | select(.ifname == "s1") | .master, .isolated, .learning, .flood, .mcast_flood, .bcast_flood, .neigh_suppress' \
	on a bridge -j -d link show dev s1
same "they are read back" "isolated 1 learning 0 flood 0 mcast 0 bcast 0 suppress 1" \
	"$(k a port get dev s1)"
refused "a link without a bridge has no such flags" 'on v0: .*EOPNOTSUPP' a port set dev v0 isolated
again "a station is entered" a fdb replace dev s1 mac 02:00:00:00:00:33
has "bridge sees it as static" 's1 static' \
	'.[] | select(.mac == "02:00:00:00:00:33" and .vlan == null) | .ifname, .state' on a bridge -j fdb show br sno-acc
same "the list has it and only it" 1 "$(k a fdb list bridge sno-acc | grep -c '^02:00:00:00:00:33 ')"
same "the port's own address is not one of ours" 1 "$(k a fdb list bridge sno-acc | wc -l)"
does "another port takes the station over" a link master dev v0 master sno-acc
check "it moves" k a fdb replace dev v0 mac 02:00:00:00:00:33
has "bridge sees it there" v0 '.[] | select(.mac == "02:00:00:00:00:33" and .vlan == null) | .ifname' \
	on a bridge -j fdb show br sno-acc
does "deleting it from the old port leaves it" a fdb delete dev s1 mac 02:00:00:00:00:33
same "it is still there" 1 "$(k a fdb list bridge sno-acc | wc -l)"
again "deleting it from its port" a fdb delete dev v0 mac 02:00:00:00:00:33
check "an entry goes with its port" k a fdb replace dev v0 mac 02:00:00:00:00:34
does "the port is released" a link master dev v0 master none
again "deleting an entry of a released port is done" a fdb delete dev v0 mac 02:00:00:00:00:34
refused "entering one there is not" 'on v0: .*EOPNOTSUPP|on v0: .*EINVAL' a fdb replace dev v0 mac 02:00:00:00:00:34

# --- addresses -------------------------------------------------------------------------------------

again "the gateway address is set" a address replace dev sno-acc addr fe80::1 length 64 nodad
has "ip sees it usable at once" 'true null' \
	'.[0].addr_info[] | select(.local == "fe80::1") | .nodad, .tentative' ip_a addr show dev sno-acc
again "a HoA is set" a address replace dev lo addr 10.1.0.7 length 32
has "ip sees it" '32 global' '.[0].addr_info[] | select(.local == "10.1.0.7") | .prefixlen, .scope' \
	ip_a addr show dev lo
same "the list tells ours" "10.1.0.7/32 ours 127.0.0.1/8 ::1/128" \
	"$(k a address list dev lo | sed 's/ dev [0-9]*//' | sort | tr '\n' ' ' | sed 's/ $//')"
again "it is deleted" a address delete dev lo addr 10.1.0.7 length 32
again "the gateway address is deleted" a address delete dev sno-acc addr fe80::1 length 64
does "deleting one of a link that is not there is done" a address delete dev '#4711' addr 10.1.0.7 length 32
refused "setting one there is not" 'interface #4711: .*ENODEV' a address replace dev '#4711' addr 10.1.0.7 length 32

# --- neighbours ------------------------------------------------------------------------------------

again "an IPv6 neighbour is set" a neighbour replace dev sno-acc addr fe80::7 mac 02:00:00:00:00:33
again "an IPv4 neighbour is set" a neighbour replace dev sno-acc addr 10.0.0.1 mac 02:00:00:00:00:33
check "another one is somebody else's" on a ip neigh add 10.0.0.2 lladdr 02:00:00:00:00:35 dev sno-acc nud permanent
has "ip sees them permanent" '10.0.0.1 PERMANENT fe80::7 PERMANENT' \
	'[.[] | select(.lladdr == "02:00:00:00:00:33")] | sort_by(.dst)[] | .dst, .state[0]' on a ip -j neigh
same "the list has ours only" "10.0.0.1 fe80::7" "$(k a neighbour list dev sno-acc | cut -d' ' -f1 | sort | tr '\n' ' ' | sed 's/ $//')"
does "a station moves" a neighbour replace dev sno-acc addr fe80::7 mac 02:00:00:00:00:44
has "ip sees it" '02:00:00:00:00:44' '.[] | select(.dst == "fe80::7") | .lladdr' on a ip -j neigh
again "the IPv6 neighbour is deleted" a neighbour delete dev sno-acc addr fe80::7
again "the IPv4 neighbour is deleted" a neighbour delete dev sno-acc addr 10.0.0.1
does "deleting one of a link that is not there is done" a neighbour delete dev '#4711' addr fe80::7
on a ip neigh del 10.0.0.2 dev sno-acc

# --- rules -----------------------------------------------------------------------------------------

rule="priority 8300 iif sno-acc from 10.1.0.0/24 table 8301"
# shellcheck disable=SC2086 # words on purpose, here and below
again "a rule is added" a rule add $rule
has "ip sees it once" '8300 10.1.0.0 24 sno-acc 8301 83' \
	'.[] | select(.priority == 8300) | .priority, .src, .srclen, .iif, .table, .protocol' \
	on a ip -N -j rule
again "an IPv6 rule is added" a rule add inet6 priority 8301 iif sno-acc from 2001:db8::/64 to 2001:db8:1::/64 table 100
has "ip sees it once" '2001:db8:: 64 2001:db8:1:: 64 100' \
	'.[] | select(.priority == 8301) | .src, .srclen, .dst, .dstlen, .table' on a ip -N -6 -j rule
same "the list has both" "inet 8300 iif sno-acc from 10.1.0.0/24 to none table 8301
inet6 8301 iif sno-acc from 2001:db8::/64 to 2001:db8:1::/64 table 100" "$(k a rule list)"
does "a wider one of the same priority" a rule add priority 8300 table 8301
refused "is not deleted in place of the narrower one" 'narrower rule .*ENOTUNIQ' a rule delete priority 8300 table 8301
# shellcheck disable=SC2086
again "the narrower one is deleted" a rule delete $rule
again "the wider one is deleted" a rule delete priority 8300 table 8301
again "the IPv6 rule is deleted" a rule delete inet6 priority 8301 iif sno-acc from 2001:db8::/64 to 2001:db8:1::/64 table 100
for proto in "proto 47" "proto 17 dport 4790"; do
	# shellcheck disable=SC2086 # words on purpose
	again "a rule for own packets, $proto" a rule add priority 8399 iif lo $proto table 8401
done
same "they are listed with that" "inet 8399 iif lo from none to none table 8401 proto 17 dport 4790
inet 8399 iif lo from none to none table 8401 proto 47 dport 0" "$(k a rule list | sort)"
same "ip sees them" "iif lo ipproto gre lookup 8401
iif lo ipproto udp dport 4790 lookup 8401" "$(on a ip rule | sed -n 's/^8399:.*\(iif lo.*8401\).*/\1/p' | sort)"
does "one for all of them is not there" a rule delete priority 8399 iif lo table 8401
same "and these are not deleted in its place" 2 "$(k a rule list | grep -c 'table 8401')"
for proto in "proto 47" "proto 17 dport 4790"; do
	# shellcheck disable=SC2086 # words on purpose
	again "a rule for own packets is deleted, $proto" a rule delete priority 8399 iif lo $proto table 8401
done
refused "a rule without a table is refused" 'table 0' a rule add priority 8300

# --- routes ----------------------------------------------------------------------------------------

again "an IPv4 route by an IPv6 next hop" a route replace dst 10.1.0.7/32 metric 77 dev v0 via fe80::9 mtu 1400 lock
has "ip sees it" 'inet6 fe80::9 v0 83 77 1400' \
	'.[] | select(.dst == "10.1.0.7") | .via.family, .via.host, .dev, .protocol, .metric, (.metrics[0].mtu)' \
	on a ip -N -j route
check "its MTU is locked" on a sh -c 'ip route show 10.1.0.7 | grep -q "mtu lock 1400"'
again "it is replaced in one step" a route replace dst 10.1.0.7/32 metric 77 blackhole
has "ip sees one route" 'blackhole' '.[] | select(.dst == "10.1.0.7") | .type' on a ip -j route
again "a pool is local" a route replace dst 198.51.100.0/24 local
has "ip sees it" 'local lo host' '.[] | select(.dst == "198.51.100.0/24") | .type, .dev, .scope' \
	on a ip -j route show table local
again "an IPv6 pool is local" a route replace dst 2001:db8:c::/64 local
has "ip sees it" 'local lo' '.[] | select(.dst == "2001:db8:c::/64") | .type, .dev' on a ip -j -6 route show table local
again "a default route in a table of a peer" a route replace dst 0.0.0.0/0 table 8301 dev v0 via 10.9.9.9 onlink
has "ip sees it" 'default 10.9.9.9 onlink' '.[] | .dst, .gateway, .flags[0]' on a ip -j route show table 8301
again "an IPv6 default route" a route replace dst ::/0 table 8301 dev v0 via fe80::1 metric 50
again "an unreachable prefix" a route replace dst 2001:db8:d::/64 table 8301 unreachable
check "another one is somebody else's" on a ip route add 203.0.113.0/24 dev v0
same "the list has ours only" 6 "$(k a route list | wc -l)"
same "a pool's address is found where it is" "local 198.51.100.9/32 table 255 dev 1 src 198.51.100.9" \
	"$(k a route lookup to 198.51.100.9)"
same "the lookup tells the interface" "203.0.113.1/32 table 254 dev $(on a cat /sys/class/net/v0/ifindex)" \
	"$(k a route lookup to 203.0.113.1)"
refused "no way is told" 'route to 192.0.2.99: .*ENETUNREACH' a route lookup to 192.0.2.99
refused "a gateway off the link is told in the kernel's words" \
	'^route 10.1.0.9/32 via 10.77.0.1 on v0: Nexthop has invalid gateway.*\(ENETUNREACH\)' \
	a route replace dst 10.1.0.9/32 dev v0 via 10.77.0.1
refused "an interface that is not there is told" 'on interface #4711: .*ENODEV' a route replace dst 10.1.0.9/32 dev '#4711'
refused "mixed families are refused" 'IPv4 gateway .EINVAL' a route replace dst 2001:db8::/64 dev v0 via 10.9.9.9
again "deleting needs no more than the key" a route delete dst 10.1.0.7/32 metric 77
does "deleting with another metric leaves the route" a route replace dst 10.1.0.8/32 metric 5 blackhole
does "as said" a route delete dst 10.1.0.8/32 metric 6
has "it is there" 'blackhole' '.[] | select(.dst == "10.1.0.8") | .type' on a ip -j route
does "somebody else's route is not deleted" a route delete dst 203.0.113.0/24
has "it is there" 'v0' '.[] | select(.dst == "203.0.113.0/24") | .dev' on a ip -j route
again "all of ours are swept" a route sweep x
same "none is left" "" "$(on a ip route show table all proto 83; on a ip -6 route show table all proto 83)"
on a ip route del 203.0.113.0/24

# --- batches ---------------------------------------------------------------------------------------

refused "a batch of 1,000 routes with a bad one names it" '^route 10.64.1.244/32 .*via 10.77.0.1 on v0: Nexthop has invalid gateway' \
	a route batch count 1000 dev v0 via fe80::9 bad 500 badvia 10.77.0.1
same "only that one failed" "items 1000 failed 1 bad -101" \
	"$(k a route batch count 1000 dev v0 via fe80::9 bad 500 badvia 10.77.0.1 2>/dev/null | sed 's/ us .*//')"
same "the other 999 are there" 999 "$(on a ip -j route show proto 83 | jq length)"
again "the batch is taken back, what is missing too" a route batch count 1000 remove
same "none is left" 0 "$(on a ip route show proto 83 | wc -l)"

# --- sysctl ----------------------------------------------------------------------------------------

again "forwarding is switched on" a sysctl set where net/ipv4 name ip_forward value 1
same "the kernel has it" 1 "$(on a cat /proc/sys/net/ipv4/ip_forward)"
does "per interface" a sysctl set where net/ipv6/conf dev sno-acc name accept_dad value 0
same "the kernel has it" 0 "$(k a sysctl get where net/ipv6/conf dev sno-acc name accept_dad)"
refused "a switch that is not there is told" 'sysctl net/ipv4/nix = 1: .*ENOENT' a sysctl set where net/ipv4 name nix value 1
refused "a path that climbs out is refused" 'EINVAL' a sysctl set where net/../../tmp name x value 1
does "off again" a sysctl set where net/ipv4 name ip_forward value 0

# --- and back --------------------------------------------------------------------------------------

does "the port is released" a link master dev s1 master none
does "the bridge is deleted" a link delete dev sno-acc
does "the link is set down" a link down dev s1
same "the kernel is where it was" "$before" "$(whole_state a)"
finish
