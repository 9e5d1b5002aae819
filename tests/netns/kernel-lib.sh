# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What the kernel-*.t tests share: each operation of common/kernel.h is done by kernel-tool, and what the
# kernel then has is asked of ip, bridge or tc, which know nothing of our code.

. "${SRCDIR:-.}/tests/netns/lib.sh"
KERNEL_TOOL=$BUILD/tests/netns/kernel-tool

need_root
need_program ip bridge tc jq
[ -x "$KERNEL_TOOL" ] || skip_all "$KERNEL_TOOL is not built"

# k NODE OBJECT VERB...: one request.
k() {
	local node=$1
	shift
	on "$node" "$KERNEL_TOOL" "$@"
}

# does NAME NODE OBJECT VERB...: the kernel acknowledges; and once more, with the same result.
does() {
	local name=$1
	shift
	check "$name" k "$@"
}

again() {
	local name=$1
	shift
	check "$name" k "$@" && check "$name, once more" k "$@"
}

# refused NAME PATTERN NODE OBJECT VERB...: fails, with a message that matches.
refused() {
	local name=$1 pattern=$2 output
	shift 2
	if output=$(k "$@" 2>&1); then
		not_ok "$name (was not refused)"
	elif [[ $output =~ $pattern ]]; then
		ok "$name"
	else
		not_ok "$name"
		note "wanted: $pattern"
		note "found:  $output"
	fi
}

# has NAME WANTED FILTER COMMAND...: what jq makes of the command's JSON, in one line.
has() {
	local name=$1 wanted=$2 filter=$3
	shift 3
	same "$name" "$wanted" "$("$@" 2>/dev/null | jq -cr "$filter" | tr '\n' ' ' | sed 's/ $//')"
}

# whole_state NODE: everything that kernel.h can make.
whole_state() {
	kernel_state "$1"
	on "$1" tc qdisc show | grep -v noqueue
	on "$1" tc actions ls action mirred 2>/dev/null
	on "$1" ip xfrm state 2>/dev/null
	on "$1" ip xfrm policy 2>/dev/null
	return 0
}
