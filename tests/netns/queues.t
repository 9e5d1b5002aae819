#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: host uml
#
# What a flood cannot drown stands in queues of its own, into which the kernel sorts: the access
# side's (common/link_socket.h), each datagram into one of three, and the core channel's
# (core-agent/core_socket.h), by test-core-socket, which this runs on every kernel.
. "${SRCDIR:-.}/tests/netns/lib.sh"
need_root
need_device veth
QUEUE_TOOL=$BUILD/tests/netns/queue-tool
CORE_SOCKETS=$BUILD/tests/unit/test-core-socket
for program in "$QUEUE_TOOL" "$CORE_SOCKETS"; do
	[ -x "$program" ] || skip_all "$program is not built"
done
modprobe -a ipv6 2>/dev/null

netns core
on core ip link add far type veth peer name near
on core ip link set far up
on core ip link set near up
on core ip link set lo up

heard() {
	same "$1" "$2" "$(on core "$QUEUE_TOOL" far near "$3")"
}
heard "a sealed datagram with the core's mark" "ours all" sealed
heard "one without, which anybody may have made up" "rest all" sealed-otherwise
heard "a discovery with a short proof" "proving all" short-proof
heard "one with a cookie" "proving all" cookie-proof
heard "one with both" "proving all" both-proofs
heard "one that proves nothing" "rest all" discovery
heard "what is too short for anything" "rest all" too-short
heard "what is for another port" none elsewhere

note "the core channel"
check "the sockets of the core channel" on core "$CORE_SOCKETS"

finish
