#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# gcc and clang compile everything, tests included, without a warning.

set -u
SRCDIR=${SRCDIR:-$(cd -- "$(dirname -- "$0")/.." && pwd)}
BUILD=${BUILD:-$SRCDIR/build}
cd -- "${BUILD%/build*}" || exit 1
compilers=(gcc clang)
echo "1..${#compilers[@]}"
count=0
failed=0
for compiler in "${compilers[@]}"; do
	count=$((count + 1))
	if ! command -v "$compiler" >/dev/null; then
		echo "ok $count - $compiler # SKIP $compiler not found"
	elif out=$(make -s -k -j2 O="build/warnings-$compiler" CC="$compiler" CFLAGS='-O2 -Werror' \
		test-programs 2>&1); then
		echo "ok $count - $compiler"
	else
		failed=1
		echo "not ok $count - $compiler"
		printf '%s\n' "$out" | grep -E 'warning|error|undefined|multiple' | head -n 40 | sed 's/^/# /'
	fi
done
exit "$failed"
