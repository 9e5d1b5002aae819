#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: host uml
#
# The monitor of common/kernel.h: what others change is told, what is lost is read again at once.
#
#	v0 ---- v1
. "${SRCDIR:-.}/tests/netns/kernel-lib.sh"

modprobe ipv6 2>/dev/null
netns a
on a ip link add v0 type veth peer name v1
for dev in v0 v1; do
	on a ip link set "$dev" addrgenmode none
	on a ip link set "$dev" up
done
before=$(whole_state a)

# A monitor with this receive buffer; say WORD has it do something, and what it tells is in $told.
monitor() {
	coproc MONITOR { on a "$KERNEL_TOOL" monitor "$1"; }
	processes+=("$MONITOR_PID")
	read -r told <&"${MONITOR[0]}"
	[ "$told" = ready ] || bail_out "no monitor: $told"
}

say() {
	told=
	hear "$1"
}

# hear WORD: what it tells is added to $told.
hear() {
	local line
	echo "$1" >&"${MONITOR[1]}"
	while read -r -t 20 line <&"${MONITOR[0]}" && [ "$line" != "done" ]; do
		told+=$line$'\n'
	done
}

stop() {
	local pid=$MONITOR_PID input=${MONITOR[1]}
	exec {input}>&-
	wait "$pid"
	result $? "the monitor ends well"
}

# heard PATTERN: it has told of this, or does now: the kernel may take a moment.
# shellcheck disable=SC2317 # called by name
heard() { grep -qE "$1" <<<"$told" || { hear read && grep -qE "$1" <<<"$told"; }; }

# tells NAME PATTERN; silent NAME PATTERN: about what it told last.
tells() { within 5 "$1" heard "$2" || note "$told"; }
silent() {
	if grep -E "$2" <<<"$told" >"$WORK/found"; then
		not_ok "$1"
		note "$(cat "$WORK/found")"
	else
		ok "$1"
	fi
}

monitor 0
on a ip link set v1 down
say read
tells "a lost carrier is told" '^link v0 ifindex [0-9]+ .* up$'
tells "a link that is down is told" '^link v1 .* kind veth$'
on a ip link set v1 up
say read
tells "a carrier that is back is told" '^link v0 .* up carrier$'
on a ip addr add 10.0.0.1/24 dev v0
on a ip addr del 10.0.0.1/24 dev v0
say read
tells "an address is told" '^address 10.0.0.1/24 '
tells "its removal too" '^address-gone 10.0.0.1/24 '
silent "the kernel's own routes are not" '^route'
k a route replace dst 10.1.0.7/32 metric 7 dev v0 via fe80::9
say read
tells "a route of ours that another process sets is told" '^route 10.1.0.7/32 table 254 metric 7 via fe80::9'
on a ip route del 10.1.0.7/32 metric 7
say read
tells "a route of ours that somebody deletes is told" '^route-gone 10.1.0.7/32 .* metric 7'
on a ip route add 10.3.0.0/16 dev v0
on a ip route del 10.3.0.0/16
say own
say read
silent "routes of others and our own changes are not" '^route'
on a ip neigh add fe80::7 lladdr 02:00:00:00:00:07 dev v0 nud permanent
on a ip neigh del fe80::7 dev v0
say read
tells "a permanent neighbour is told" '^neighbour fe80::7 dev [0-9]+ lladdr 02:00:00:00:00:07'
tells "its removal too" '^neighbour-gone fe80::7 '
on a ip link add dumb type bridge
on a ip link del dumb
say read
tells "a new link is told" '^link dumb .* kind bridge'
tells "its removal too" '^link-gone dumb '
silent "nothing was lost" '^resync'

k a route replace dst 10.1.0.7/32 metric 7 dev v0 via fe80::9
say resync
same "a resynchronisation at will has a beginning and an end" "resync-begin replay;resync replay" \
	"$(sed -n '1s/ *$//p; $!d' <<<"$told" | head -n 1);$(sed '/^$/d' <<<"$told" | tail -n 1 | sed 's/ *$//')"
tells "and replays links" '^link replay v0 '
tells "addresses" '^address replay 127.0.0.1/8 '
tells "and our routes" '^route replay 10.1.0.7/32 '
stop

# --- overrun: a tiny receive buffer, and more events than fit --------------------------------------

monitor 4096
for n in $(seq 300); do echo "addr add 10.77.$((n / 250)).$((n % 250))/32 dev v0"; done | on a ip -batch -
for n in $(seq 299); do echo "addr del 10.77.$((n / 250)).$((n % 250))/32 dev v0"; done | on a ip -batch -
say read
tells "lost events are noticed, and all is read again" '^resync-begin replay'
tells "to the end" '^resync replay'
tells "with what is there now" '^address replay 10.77.1.50/32 '
silent "and not what is gone" '^address replay 10.77.0.9/32 '
tells "our route is among it" '^route replay 10.1.0.7/32 '
on a ip addr del 10.77.1.50/32 dev v0
say read
tells "afterwards events come singly again" '^address-gone 10.77.1.50/32 '
silent "without another resynchronisation" '^resync'
stop

k a route sweep x
same "the kernel is where it was" "$before" "$(whole_state a)"
finish
