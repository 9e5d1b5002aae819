#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What is installed for other programs: systemd finds no fault in the units, nor that they leave the
# daemons more than they need, and takes the directories and the user; ip knows our routing protocol
# by its name. tests/netns/boot.t starts the units.

# shellcheck disable=SC2317 # functions are called by name
set -u
SRCDIR=${SRCDIR:-$(cd -- "$(dirname -- "$0")/.." && pwd)}
BUILD=${BUILD:-$SRCDIR/build}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
count=0
failed=0

# point NAME COMMAND...: passes when the command succeeds and prints nothing.
point() {
	local name=$1 out
	shift
	count=$((count + 1))
	if out=$("$@" 2>&1) && [ -z "$out" ]; then
		echo "ok $count - $name"
	else
		failed=1
		printf 'not ok %d - %s\n%s\n' "$count" "$name" "${out:+# ${out//$'\n'/$'\n'# }}"
	fi
}

# needs PROGRAM NAME: true where it is installed, else a skipped point.
needs() {
	! command -v "$1" >/dev/null || return 0
	count=$((count + 1))
	echo "ok $count - $2 # SKIP $1 is not installed"
	return 1
}

# filled FILE [INSTANCE]: as the build fills a file of conf/ in, with the programs where this build has
# them.
filled() {
	local i=${2:-}
	sed -e "s|@s\{0,1\}bindir@|$BUILD|g" -e 's|@sysconfdir@|/etc|g' -e 's|@runstatedir@|/run|g' \
		-e 's|@localstatedir@|/var|g' -e "s|@titled@|${i:+ $i}|" -e "s|@of_instance@|${i:+-$i}|" \
		-e "s|@instance@|${i:+ -N $i}|" "$1"
}

# modest UNIT: its exposure by the measure of systemd, 0 to 10, is 2.5 or less.
modest() {
	systemd-analyze security --offline=true --threshold=25 "$1" >"$work/out" 2>&1 || ! tail -n 1 "$work/out"
}

for unit in "$SRCDIR"/conf/systemd/*.in; do
	name=$(basename "$unit" .service.in)
	filled "$unit" >"$work/$name.service"
	filled "$unit" %i >"$work/$name@.service"
	for one in "$name.service" "$name@.service"; do
		needs systemd-analyze "$one" || continue
		point "$one" systemd-analyze verify --man=no "$work/$one"
		point "... leaves the daemon little" modest "$work/$one"
	done
done

# The user and the directories, made in an empty root.
mkdir -p "$work/root/etc"
made_user() {
	systemd-sysusers --root="$work/root" "$SRCDIR"/conf/sysusers.d/*.conf >/dev/null 2>&1 &&
		grep -q '^sno:' "$work/root/etc/group" "$work/root/etc/passwd"
}
made_directories() {
	local file
	for file in "$SRCDIR"/conf/tmpfiles.d/*.in; do
		filled "$file" >"$work/tmpfiles.conf"
		systemd-tmpfiles --root="$work/root" --create "$work/tmpfiles.conf" || return 1
	done
	[ "$(stat -c '%a' "$work/root/run/sno" "$work/root/var/lib/sno" | tr '\n' ' ')" = '755 750 ' ]
}
if [ "$(id -u)" -eq 0 ]; then
	needs systemd-sysusers "user sno" && point "user sno" made_user
	needs systemd-tmpfiles "directories" && point "directories" made_directories
fi

# What ip prints, and what kernel.h says the number is.
point "routing protocol 83 is called sno" grep -qx '83 sno' "$SRCDIR/conf/rt_protos.d/sno.conf"
point "... and is ours" grep -Eq 'KERNEL_PROTOCOL[^0-9]*83\b' "$SRCDIR/common/kernel.h"
echo "1..$count"
exit "$failed"
