#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Manual pages: groff formats each without a warning, mandoc finds nothing to improve where it is
# installed, and each has the sections that readers look for first.

set -u
cd -- "$(dirname -- "$0")/.." || exit 1
if ! command -v groff >/dev/null; then
	echo '1..0 # SKIP groff not found (scripts/install-deps)'
	exit 0
fi
mapfile -t pages < <(find common core-agent terminal-agent sat-forwarder scripts -name '*.[1-8]' | LC_ALL=C sort)
if [ ${#pages[@]} -eq 0 ]; then
	printf '1..1\nnot ok 1 - there are manual pages\n'
	exit 1
fi
echo "1..${#pages[@]}"
count=0
failed=0
for page in "${pages[@]}"; do
	count=$((count + 1))
	# -mandoc serves pages written with man(7) as well as mdoc(7).
	out=$(groff -mandoc -Tutf8 -ww -rLL=100n "$page" 2>&1 >/dev/null)
	# What other pages are installed here, and in which database, is not the page's fault.
	if command -v mandoc >/dev/null; then
		out+=$(mandoc -T lint -W style "$page" 2>/dev/null | grep -v 'referenced manual not found')
	fi
	for section in NAME SYNOPSIS DESCRIPTION; do
		grep -qiE "^\.S[Hh] \"?$section" "$page" || [[ $page = *.5 && $section = SYNOPSIS ]] ||
			out="$out"$'\n'"no section $section"
	done
	if [ -z "$out" ]; then
		echo "ok $count - $page"
	else
		failed=1
		echo "not ok $count - $page"
		printf '%s\n' "$out" | sed 's/^/# /'
	fi
done
exit "$failed"
