#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Which code may use what. Prints TAP, one test per rule, and names every offending line.
#
#   tests/layers.sh [TOP]      TOP is the source tree, default the one this script lies in
#
# The architecture is a set of walls, and a wall that nobody checks falls down unnoticed:
#
#   netlink     only common/kernel_*.[ch] include netlink headers, and *.bpf.c, which run in the
#               kernel; kernel.h is the whole surface
#   sodium      only common/{noise,keys,seal}.c include libsodium
#   libbpf      only common/kernel_guard.c and kernel_gate.c include libbpf, and the programs that they
#               load
#   libconfig   only common/conf*.[ch] include libconfig
#   daemons     common/ includes no daemon's header, and no daemon another's
#   state       in a daemon, `->state =` stands only in a function NOUN_enter(), the one that logs
#               the transition, or where the object is created (calloc in the same function)
#   session     only a session's state machine (session.c, and moving.c and arriving.c of the terminal)
#               calls session_enter(), and only session.c assigns a session's state: who wants a
#               transition sends the session an event
#   shell       no system(), popen(), wordexp(), and no /bin/sh in C
#   exit        no exit() or abort() outside main.c and snoctl*.c
#   clock       state machines and codecs read no clock: they are handed `now`
#   raw-clock   only clock.c, and log.c for its stamps, ask the kernel for the time
#   spdx        every C file and script names its licence in its first two lines
#   guard       every header has an include guard SNO_..._H
#   length      files up to 700 lines, functions up to 120
#   unfinished  no marks of work left to do
#
# Comments do not count, strings do only where a rule says so. tests/layers.t shows that each
# rule catches an offender.

set -u -o pipefail
top=$(cd -- "${1:-$(dirname -- "$0")/..}" && pwd)
cd -- "$top" || exit 1
stripped=$(mktemp -d) || exit 1
trap 'rm -rf "$stripped"' EXIT

folders=(common core-agent terminal-agent sat-forwarder)
# Files where `now` comes from: event loops, commands, logging, progress, and the client.
may_read_clock='(^|/)(main|receive|show|daemon|daemon_[a-z]+|clock|log|control|command_[a-z]+|progress|snoctl[a-z_]*)\.c$'

mapfile -t shipped < <(find "${folders[@]}" -name '*.[ch]' 2>/dev/null | LC_ALL=C sort)
mapfile -t all_c < <(find "${folders[@]}" tests scripts -name '*.[ch]' 2>/dev/null | LC_ALL=C sort)
mapfile -t scripts < <(
	find .ci scripts tests -type f ! -name '*.[cho]' -exec grep -lE -m1 '^#!.*(sh|python3?|perl)( |$)' {} + |
		LC_ALL=C sort
)

# Copies of the shipped files with comments and the insides of strings blanked, line for line,
# except in #include lines.
# shellcheck disable=SC2016 # perl's variables
blank='
	local $/; my $text = <STDIN>;
	$text =~ s{(^\h*\#\h*include[^\n]*)|/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\x27(?:\\.|[^\x27\\\n])+\x27}
		{my $m = $&; if (defined $1) {$m} else {my $q = substr($m, 0, 1);
		$m =~ s/[^\n]//g; $q eq "/" ? " $m" : "$q$q$m"}}gemsx;
	print $text'
for file in "${shipped[@]}"; do
	mkdir -p "$stripped/${file%/*}"
	perl -e "$blank" <"$file" >"$stripped/$file" || exit 1
done

count=0
failed=0

# report NAME: the offending lines are read from standard input; none is a pass.
report() {
	local name=$1 lines
	lines=$(cat)
	count=$((count + 1))
	if [ -z "$lines" ]; then
		echo "ok $count - $name"
	else
		failed=$((failed + 1))
		echo "not ok $count - $name"
		printf '%s\n' "$lines" | sed 's/^/# /'
	fi
}

# lines REGEX ALLOWED: lines of the blanked sources that match, outside files named by ALLOWED.
lines() {
	[ ${#shipped[@]} -gt 0 ] || return 0
	(cd "$stripped" && grep -nPH -- "$1" "${shipped[@]}") | perl -F: -ane "print unless \$F[0] =~ m{$2}"
}

netlink='linux/(netlink|rtnetlink|if_link|if_addr|if_bridge|neighbour|fib_rules|lwtunnel|nexthop|xfrm|pkt_sched|pkt_cls|tc_act/\w+)\.h|libmnl/|netlink/'

check_daemons() {
	lines '^\s*#\s*include\s*"(core-agent|terminal-agent|sat-forwarder)/' '^$' |
		perl -ne 'print unless m{^([\w-]+)/[^:]*:\d+:.*"\1/}'
	lines '^\s*#\s*include\s*"\.\./' '^$'
}

# Assignments of `state` in daemons, outside NOUN_enter() and outside functions that allocate.
# shellcheck disable=SC2016 # perl's variables
check_state() {
	(cd "$stripped" && find "${folders[@]:1}" -name '*.c' 2>/dev/null | LC_ALL=C sort | xargs -r perl -ne '
		if (/^[A-Za-z_].*?\b(\w+)\(/ && !/;\s*$/) {($function, $allocates) = ($1, 0)}
		$allocates = 1 if /\b(calloc|malloc)\s*\(/;
		print "$ARGV:$.:$_" if /(->|[\w)\]]\.)state\s*=[^=]/ && $function !~ /_enter$/ && !$allocates;
		close ARGV if eof')
}

check_session() {
	lines '\bsession_enter\s*\(' '^common/|/session\.c$|^terminal-agent/(moving\.c|arriving\.c|session_internal\.h)$'
	lines '\b(s|session|sessions\[\w+\])(->|\.)state\s*=[^=]' '^common/|/session\.c$'
}

check_shell() {
	lines '\b(system|popen|wordexp)\s*\(' '^$'
	grep -nHE '"/bin/(ba|da)?sh"' "${shipped[@]}" /dev/null
}

check_spdx() {
	for file in "${all_c[@]}" "${scripts[@]}"; do
		head -n 2 "$file" | grep -q 'SPDX-License-Identifier: GPL-2.0-or-later' ||
			echo "$file:1: no SPDX line"
	done
}

check_guard() {
	for file in "${all_c[@]}"; do
		case $file in
		*.h) grep -qE '^#ifndef SNO_[A-Z0-9_]+_H$' "$file" ||
			echo "$file:1: no include guard SNO_..._H" ;;
		esac
	done
}

# clang-format puts the braces of a function, and few others, into the first column.
check_length() {
	awk '
		FNR == 1 && lines > 700 {print file ": " lines " lines"}
		{file = FILENAME; lines = FNR}
		/^\{/ {start = FNR}
		/^\}/ && start {
			if (FNR - start > 120) print file ":" start ": function of " FNR - start " lines"
			start = 0
		}
		END {if (lines > 700) print file ": " lines " lines"}
	' "${shipped[@]}" /dev/null
}

check_unfinished() {
	# Written in pieces, so that this file is not its own offender.
	local marks='\b(TO''DO|FIX''ME|X''XX|HA''CK)\b'
	grep -nHE "$marks" "${all_c[@]}" "${scripts[@]}" Makefile configure.ac ./*/sources.mk /dev/null 2>/dev/null
}

echo 1..16
report netlink < <(lines "^\\s*#\\s*include\\s*[<\"]($netlink)" '^(common/kernel_\w+\.[ch]|core-agent/guard\.bpf\.c|terminal-agent/gate\.bpf\.c)$')
report sodium < <(lines '^\s*#\s*include\s*[<"]sodium' '^common/(noise|keys|seal)\.c$')
report libbpf < <(lines '^\s*#\s*include\s*[<"]bpf/' '^(common/kernel_(guard|gate)\.c|core-agent/guard\.bpf\.c|terminal-agent/gate\.bpf\.c)$')
report libconfig < <(lines '^\s*#\s*include\s*[<"]libconfig' '^common/conf\w*\.[ch]$')
report sqlite < <(lines '^\s*#\s*include\s*[<"]sqlite3' '^common/database\.c$')
report daemons < <(check_daemons)
report state < <(check_state)
report session < <(check_session)
report shell < <(check_shell)
report exit < <(lines '(?<![\w.>])(exit|quick_exit|abort)\s*\(' '(^|/)(main|snoctl\w*)\.c$')
report clock < <(lines '\b(clock_now|clock_wall|ev_now|ev_time)\s*\(' "$may_read_clock|^common/clock\\.h\$")
report raw-clock < <(lines '(?<![\w.>])(time|clock_gettime|gettimeofday|timespec_get)\s*\(' '^common/(clock|log)\.c$')
report spdx < <(check_spdx)
report guard < <(check_guard)
report length < <(check_length)
report unfinished < <(check_unfinished)

[ "$failed" -eq 0 ]
