#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The programs are hardened as built by default: their addresses are random (PIE), what the loader
# has filled in is read-only (full RELRO), nothing is writable and executable, stacks are guarded,
# the C library checks sizes (_FORTIFY_SOURCE), and jumps only lead where they may (CET, on x86).

set -u
SRCDIR=${SRCDIR:-$(cd -- "$(dirname -- "$0")/.." && pwd)}
BUILD=${BUILD:-$SRCDIR/build}
programs=(sno-core-agent sno-terminal-agent sno-sat-forwarder snoctl sno-plan)
config=${BUILD%/build*}/config.mk

skip() {
	echo "1..0 # SKIP $1"
	exit 0
}

command -v readelf >/dev/null || skip 'readelf not found: install binutils'
grep -q '^HARDENING = yes' "$config" || skip 'configured with --disable-hardening'
[ -x "$BUILD/snoctl" ] || skip "nothing is built in $BUILD"

count=0
failed=0

# point NAME STATUS: a TAP line.
point() {
	count=$((count + 1))
	if [ "$2" -eq 0 ]; then
		echo "ok $count - $1"
	else
		failed=1
		echo "not ok $count - $1"
	fi
}

echo "1..$((${#programs[@]} * 6))"
for name in "${programs[@]}"; do
	file=$BUILD/$name
	headers=$(readelf -hlW "$file")
	dynamic=$(readelf -dW "$file")
	symbols=$(readelf --dyn-syms -W "$file")
	grep -q 'Type: *DYN' <<<"$headers" && grep -q 'FLAGS_1.*PIE' <<<"$dynamic"
	point "$name: position-independent" $?
	grep -q GNU_RELRO <<<"$headers" && grep -q 'BIND_NOW' <<<"$dynamic"
	point "$name: full RELRO" $?
	! grep -Eq '(LOAD|GNU_STACK).* RWE ' <<<"$headers" && grep -q GNU_STACK <<<"$headers"
	point "$name: nothing is writable and executable" $?
	grep -q '__stack_chk_fail' <<<"$symbols"
	point "$name: guarded stacks" $?
	grep -Eq '__[a-z]+_chk' <<<"$symbols"
	point "$name: checked sizes" $?
	! grep -Eq 'R(UN)?PATH' <<<"$dynamic"
	point "$name: libraries of the system only" $?
done
exit "$failed"
