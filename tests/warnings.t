#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# gcc and clang compile everything, tests included, without a warning. Some of what gcc says comes of
# its optimisation, so it goes as far as assembly; clang says all of it before it makes any code.

set -u
SRCDIR=${SRCDIR:-$(cd -- "$(dirname -- "$0")/.." && pwd)}
BUILD=${BUILD:-$SRCDIR/build}
cd -- "${BUILD%/build*}" || exit 1
compilers=(gcc clang)
declare -A stop=([gcc]=-S [clang]=-fsyntax-only)
echo "1..${#compilers[@]}"
count=0
failed=0
for compiler in "${compilers[@]}"; do
	count=$((count + 1))
	if ! command -v "$compiler" >/dev/null; then
		echo "ok $count - $compiler # SKIP $compiler not found"
	elif out=$(make -s -k -j2 O="build/warnings-$compiler" CC="$compiler" \
		CFLAGS="-O2 -Werror ${stop[$compiler]}" objects 2>&1); then
		echo "ok $count - $compiler"
	else
		failed=1
		echo "not ok $count - $compiler"
		printf '%s\n' "$out" | grep -E 'warning|error' | head -n 40 | sed 's/^/# /'
	fi
done
exit "$failed"
