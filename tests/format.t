#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every C file is as clang-format leaves it. Another major version formats differently, so only
# Debian 12's is asked.

set -u
cd -- "$(dirname -- "$0")/.." || exit 1
format=$(command -v clang-format-14 || command -v clang-format)
if [ -z "$format" ]; then
	echo '1..0 # SKIP clang-format not found (scripts/install-deps)'
	exit 0
fi
version=$("$format" --version | sed -n 's/.*version \([0-9]*\).*/\1/p')
if [ "$version" != 14 ]; then
	echo "1..0 # SKIP clang-format is version $version, the format is version 14's"
	exit 0
fi
mapfile -t files < <(find common core-agent terminal-agent sat-forwarder tests scripts -name '*.[ch]' | LC_ALL=C sort)
echo "1..${#files[@]}"
count=0
failed=0
for file in "${files[@]}"; do
	count=$((count + 1))
	if out=$("$format" --dry-run -Werror "$file" 2>&1); then
		echo "ok $count - $file"
	else
		failed=1
		echo "not ok $count - $file"
		printf '%s\n' "$out" | sed 's/^/# /' | head -n 20
	fi
done
exit "$failed"
