#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Who asks a measurement what it does is told, and it does not begin.

set -u
here=$(cd -- "$(dirname -- "$0")" && pwd)
number=0

for file in "$here"/bench/*; do
	if [ -d "$file" ] || [ ! -x "$file" ]; then
		continue
	fi
	number=$((number + 1))
	told=$(timeout 60 "$file" --help 2>&1 </dev/null)
	status=$?
	case $(head -1 "$file") in
	*python*) says=$(sed -n '3s/^"""//p' "$file") ;;
	*) says="tests/bench/${file##*/} [" ;;
	esac
	if [ $status -le 2 ] && grep -qF -- "$says" <<<"$told"; then
		echo "ok $number - ${file##*/} tells what it is asked with"
	else
		echo "not ok $number - ${file##*/} tells what it is asked with"
		echo "# status $status: ${told:0:200}"
	fi
done
echo "1..$number"
