#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# scripts/uml: a command inside user-mode Linux looks like a command here, has the kernel that
# the tunnels need, and leaves nothing behind however it ends.
# shellcheck disable=SC2016 # the guest expands its own variables

set -u
top=$(cd -- "$(dirname -- "$0")/.." && pwd)
uml=$top/scripts/uml
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

reason=$("$uml" -- true 2>&1)
case $? in
0) ;;
77)
	echo "1..0 # SKIP $reason"
	exit 0
	;;
*)
	printf '1..1\nnot ok 1 - a guest starts\n'
	printf '%s\n' "$reason" | sed 's/^/# /'
	exit 1
	;;
esac

count=0
result() { # STATUS NAME
	count=$((count + 1))
	if [ "$1" -eq 0 ]; then echo "ok $count - $2"; else echo "not ok $count - $2"; fi
}

# The process group of a guest is gone, and so is its directory, soon (on a busy machine: later).
# left_behind MARK: the guest was started with this word on its command line.
left_behind() {
	for ((i = 0; i < 200; i++)); do
		if ! pgrep -f "rootfstype=hostfs.*$1" >/dev/null; then
			return 1
		fi
		sleep 0.2
	done
	pgrep -af "rootfstype=hostfs.*$1" | sed 's/^/# /'
	return 0
}

echo 1..8

mkdir "$work/a b" && cd "$work/a b" && echo before >file &&
	WORD='a "b" $c' "$uml" -- bash -c 'cat file; echo "$WORD|$1|$2"; id -u; echo err >&2; echo after >file; exit 7' \
		_ 'x  y' "it's" >"$work/out" 2>"$work/err"
status=$?
result $((status != 7)) 'the exit status is the command'\''s'
printf 'before\na "b" $c|x  y|it'\''s\n0\n' | cmp -s - "$work/out"
result $? 'output, arguments, environment, directory and user arrive'
[ "$(cat "$work/err")" = err ] && [ "$(cat file)" = after ]
result $? 'standard error stays apart, files are written back'

"$uml" -- bash -c '
	for module in ip_gre ip6_gre ipip vxlan tun veth bridge sch_netem act_mirred cls_u32 cls_matchall cls_bpf esp4 esp6 xfrm_user; do
		modprobe $module || exit 1
	done
	ip link add g type gre external && ip link add g6 type ip6gre external &&
		ip link add i type ipip external && ip netns add x && ip tuntap add mode tun t &&
		! ip -n x link show gre0' >"$work/out" 2>&1
status=$?
result $status 'tunnels, modules, namespaces and tun are there'
[ $status -eq 0 ] || sed 's/^/# /' "$work/out"

"$uml" --timeout 3 -- sleep 60 >/dev/null 2>&1
result $(($? != 124)) 'a timeout ends the guest with status 124'

"$uml" -- bash -c 'echo c >/proc/sysrq-trigger' >"$work/out" 2>&1
status=$?
[ $status -eq 125 ] && grep -q 'Kernel panic' "$work/out"
result $? 'a panic is status 125 and shown'

# killed SIGNAL: the launcher is killed while its guest runs.
killed() {
	local launcher directory
	: >"$work/up"
	"$uml" --share "$work" -- bash -c "echo up >'$work/up'; sleep 600" >/dev/null 2>&1 &
	launcher=$!
	for ((i = 0; i < 1500; i++)); do
		[ -s "$work/up" ] && break
		sleep 0.1
	done
	directory=$(pgrep -P "$launcher" -a | sed -n 's/.* uml_dir=\([^ ]*\)\/ .*/\1/p' | head -n 1)
	kill "-$1" "$launcher"
	wait "$launcher" 2>/dev/null
	[ -n "$directory" ] && ! left_behind "$directory" || return
	for ((i = 0; i < 100; i++)); do
		[ -e "$directory" ] || return 0
		sleep 0.1
	done
	return 1
}
killed TERM
result $? 'a launcher that is terminated takes the guest along'
killed KILL
result $? 'a launcher that is killed leaves nothing for long'
