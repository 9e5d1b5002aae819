#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Configuration files against the daemons' own check (-t).
#
#   conf/DAEMON*.conf            the shipped examples: good, and what -t -v prints as the effective
#                                configuration is good again and prints the same
#   tests/config/DAEMON-*.conf   likewise, unless there is a file of the same name ending in
#                                .expected: then -t must fail with status 1 and print exactly that
#
# DAEMON is core-agent, terminal-agent or sat-forwarder.

set -u
SRCDIR=${SRCDIR:-$(cd -- "$(dirname -- "$0")/.." && pwd)}
BUILD=${BUILD:-$SRCDIR/build}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# The program that reads this file.
program_of() {
	case ${1##*/} in
	core-agent*) echo "$BUILD/sno-core-agent" ;;
	terminal-agent*) echo "$BUILD/sno-terminal-agent" ;;
	sat-forwarder*) echo "$BUILD/sno-sat-forwarder" ;;
	esac
}

shopt -s nullglob
files=()
for file in "$SRCDIR"/conf/*.conf "$SRCDIR"/tests/config/*.conf; do
	[ -z "$(program_of "$file")" ] || files+=("$file")
done
if [ ${#files[@]} -eq 0 ]; then
	printf '1..1\nnot ok 1 - there are example configurations\n'
	exit 1
fi

echo "1..${#files[@]}"
count=0
failed=0
result() { # STATUS NAME
	count=$((count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $count - $2"
	else
		failed=1
		echo "not ok $count - $2"
		sed 's/^/# /' "$work/log"
	fi
}

# Good, and its effective form is a fixed point. What is wrong goes to the log.
good() {
	local program=$1 file=$2
	"$program" -t -v -c "$file" >"$work/first.conf" 2>"$work/log" || return 1
	[ -s "$work/first.conf" ] || return 1
	"$program" -t -v -c "$work/first.conf" >"$work/second.conf" 2>"$work/log" || return 1
	diff -u "$work/first.conf" "$work/second.conf" >"$work/log"
}

# Refused with these messages; file names in them are relative to the file's folder.
refused() {
	local program=$1 file=$2
	(cd -- "${file%/*}" && "$program" -t -c "${file##*/}") >"$work/got" 2>&1
	if [ $? -ne 1 ]; then
		{
			echo "status is not 1"
			cat "$work/got"
		} >"$work/log"
		return 1
	fi
	sed -i "s#^$(cd -- "${file%/*}" && pwd -P)/##" "$work/got" # the daemon names files in full
	diff -u "${file%.conf}.expected" "$work/got" >"$work/log"
}

for file in "${files[@]}"; do
	program=$(program_of "$file")
	if [ -e "${file%.conf}.expected" ]; then
		refused "$program" "$file"
		result $? "${file#"$SRCDIR"/} is refused"
	else
		good "$program" "$file"
		result $? "${file#"$SRCDIR"/} is good"
	fi
done
exit "$failed"
