#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: host uml
#
# Redirect actions and filters of common/kernel.h: a satellite's access device a0 leads to feeder f0 or g0.
#
#	a1 ---- a0 -> action 8300 -> f0 ---- f1
#	                             g0 ---- g1
. "${SRCDIR:-.}/tests/netns/kernel-lib.sh"
need_program python3

netns a
modprobe ipv6 2>/dev/null
for pair in a f g; do
	on a ip link add "${pair}0" type veth peer name "${pair}1"
	for end in 0 1; do
		on a sysctl -qw "net.ipv6.conf.$pair$end.disable_ipv6=1"
		on a ip link set "$pair$end" up
	done
done
before=$(whole_state a)
index() { on a cat "/sys/class/net/$1/ifindex"; }

# received DEV: frames that have come in there, and since the last call.
received() { on a cat "/sys/class/net/$1/statistics/rx_packets"; }

# frames: one of each kind into the access side, the shortest ones too.
frames() {
	on a python3 - <<'PY'
import socket
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("a1", 0))
header = bytes.fromhex("020000000001020000000002")
for kind in ("88b5", "0800", "86dd", "0806", "0003", "8100", "88a8"):
    # The kernel itself drops frames that end within their VLAN tag.
    for body in (6, 46, 1500) if kind in ("8100", "88a8") else (0, 1, 3, 4, 46, 1500):
        s.send(header + bytes.fromhex(kind) + bytes(body))
s.send(bytes.fromhex("ffffffffffff020000000002") + bytes.fromhex("0806") + bytes(28))
s.send(bytes.fromhex("333300000001020000000002") + bytes.fromhex("86dd") + bytes(40))
PY
}
FRAMES=38

refused "a filter needs clsact" 'filter 1 to action 8300 on a0: .*EINVAL' a filter replace dev a0 priority 1 action 8300
again "deleting a filter without clsact is done" a filter delete dev a0 priority 1
again "clsact is there" a clsact ensure dev a0
has "tc sees it once" clsact '.[] | select(.kind == "clsact") | .kind' on a tc -j qdisc show dev a0
refused "a filter needs its action" 'filter 1 to action 8300 on a0: .*EINVAL' a filter replace dev a0 priority 1 action 8300
again "a redirect action is made" a redirect replace index 8300 dev f0
has "tc sees it" '8300 mirred redirect egress f0' \
	'.[1].actions[0] | .index, .kind, .mirred_action, .direction, .to_dev' on a tc -j actions ls action mirred
again "a filter refers to it" a filter replace dev a0 priority 1 action 8300
has "tc sees one filter of all protocols" 'u32 all 1 8300' \
	'.[] | select(.options.actions) | .kind, .protocol, .pref, .options.actions[0].index' \
	on a tc -j filter show dev a0 ingress
same "it is listed" "dev $(index a0) priority 1 action 8300" "$(k a filter list dev a0)"
refused "an action in use is not deleted" 'redirect action 8300 delete: .*EPERM' a redirect delete index 8300

start_f=$(received f1) start_g=$(received g1)
frames
same "every frame of every kind and length leaves by f0" "$FRAMES 0" \
	"$(($(received f1) - start_f)) $(($(received g1) - start_g))"
does "the action is pointed to g0" a redirect replace index 8300 dev g0
same "it is listed once" "8300 dev $(index g0)" "$(k a redirect list x)"
start_f=$(received f1) start_g=$(received g1)
frames
same "every frame leaves by g0" "0 $FRAMES" \
	"$(($(received f1) - start_f)) $(($(received g1) - start_g))"

# A stream of 20,000 frames during 200 replacements: none may be lost, none doubled.
on a python3 - <<'PY' &
import socket, time
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("a1", 0))
frame = bytes.fromhex("02000000000102000000000288b5") + bytes(100)
for i in range(20000):
    s.send(frame)
    if i % 20 == 0:
        time.sleep(0.001)
PY
stream=$!
start=$(($(received f1) + $(received g1)))
for n in $(seq 100); do
	k a redirect replace index 8300 dev f0
	k a redirect replace index 8300 dev g0
done
wait "$stream"
same "switching loses and doubles nothing" 20000 "$(($(received f1) + $(received g1) - start))"

does "another action" a redirect replace index 8301 dev f0
does "the filter is pointed to it" a filter replace dev a0 priority 1 action 8301
same "it is still one filter" "dev $(index a0) priority 1 action 8301" "$(k a filter list dev a0)"
again "the first action is free now and goes" a redirect delete index 8300
refused "an interface that is not there is told" 'interface #4711: .*ENODEV' a redirect replace index 8302 dev '#4711'
check "an action of somebody else" on a tc actions add action mirred egress redirect dev f0 index 5
same "is not ours" "8301 dev $(index f0)" "$(k a redirect list x)"
on a tc actions del action mirred index 5
for n in $(seq 9000 9069); do echo "action add action mirred egress redirect dev f0 index $n cookie 736e6f00"; done |
	on a tc -batch -
same "more actions than fit one message are listed" 71 "$(k a redirect list x | wc -l)"
for n in $(seq 9000 9069); do k a redirect delete index "$n"; done
again "the filter is deleted" a filter delete dev a0 priority 1
does "a filter on a device that is not there is gone" a filter delete dev '#4711' priority 1
again "clsact is deleted" a clsact delete dev a0
does "clsact on a device that is not there is gone" a clsact delete dev '#4711'
check "an ingress qdisc of somebody else" on a tc qdisc add dev a0 ingress
refused "is not taken for clsact" 'clsact on a0: .*EINVAL' a clsact ensure dev a0
on a tc qdisc del dev a0 ingress
again "the last action goes" a redirect delete index 8301

same "the kernel is where it was" "$before" "$(whole_state a)"
finish
