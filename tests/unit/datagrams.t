#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The golden datagrams and the fuzz corpora are what their generators make: nobody has edited them,
# and nobody has changed a generator without running it.
#
# SRCDIR is the source tree, BUILD the build directory; both have defaults for a call by hand from
# the top of a tree that was built in place.

set -u
: "${SRCDIR:=.}" "${BUILD:=build}"
vectors=$SRCDIR/tests/vectors/datagrams.json
work=$(mktemp -d "${TMPDIR:-/tmp}/sno-datagrams-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
count=0

result() { # status, name
	count=$((count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $count - $2"
	else
		echo "not ok $count - $2"
		sed 's/^/# /' "$work/out"
	fi
}

"$BUILD/tests/make-datagrams" >"$work/datagrams.json" 2>"$work/out" &&
	cmp "$work/datagrams.json" "$vectors" >>"$work/out" 2>&1
result $? "golden datagrams are what make-datagrams makes"

"$BUILD/tests/make-datagrams" argument >"$work/out" 2>&1
[ $? -eq 2 ]
result $? "make-datagrams takes no argument"

mkdir "$work/fuzz"
"$BUILD/tests/make-corpus" "$vectors" "$work/fuzz" >"$work/out" 2>&1
result $? "make-corpus writes"

for target in fuzz-message fuzz-access; do
	diff -r "$work/fuzz/$target.corpus" "$SRCDIR/tests/fuzz/$target.corpus" >"$work/out" 2>&1
	result $? "the corpus of $target is what make-corpus makes"
done

echo '{"messages": [{"name": "x", "place": "core"}], "dropped": []}' >"$work/bad.json"
"$BUILD/tests/make-corpus" "$work/bad.json" "$work/fuzz" >"$work/out" 2>&1
[ $? -eq 1 ] && grep -q 'x: incomplete' "$work/out"
result $? "make-corpus names an incomplete vector"

echo "1..$count"
