#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every shell script of the project is clean under shellcheck.

set -u
cd -- "$(dirname -- "$0")/.." || exit 1
if ! command -v shellcheck >/dev/null; then
	echo '1..0 # SKIP shellcheck not found (scripts/install-deps)'
	exit 0
fi
mapfile -t scripts < <(
	find .ci scripts tests -type f -exec grep -lE -m1 '^#!.*\b(ba|da)?sh$' {} + | LC_ALL=C sort
	find scripts tests -type f -name '*.sh' -exec grep -LE -m1 '^#!' {} + | LC_ALL=C sort
	printf '%s\n' conf/bash-completion/*
)
echo "1..${#scripts[@]}"
count=0
failed=0
for script in "${scripts[@]}"; do
	count=$((count + 1))
	# A file without #! is sourced by bash.
	if out=$(shellcheck --shell="$(head -n 1 "$script" | grep -q '^#!/bin/sh' && echo sh || echo bash)" \
		--external-sources --source-path=SCRIPTDIR "$script" 2>&1); then
		echo "ok $count - $script"
	else
		failed=1
		echo "not ok $count - $script"
		printf '%s\n' "$out" | sed 's/^/# /'
	fi
done
exit "$failed"
