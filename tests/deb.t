#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The Debian package: lintian has nothing to say; installed (in a copy of this system that is thrown
# away) it starts and enables nothing; an upgrade and a removal leave the administrator's files;
# purged, it leaves nothing.

# shellcheck disable=SC2317 # functions are called by name
set -u
SRCDIR=${SRCDIR:-$(cd -- "$(dirname -- "$0")/.." && pwd)}
BUILD=${BUILD:-$SRCDIR/build}

skip() {
	echo "1..0 # SKIP $*"
	exit 0
}

for program in dpkg-buildpackage dh lintian unshare; do
	command -v "$program" >/dev/null || skip "$program is not installed"
done
[ "$(id -u)" -eq 0 ] || skip "a package is installed by root"

# Everything below happens in a mount namespace of its own. It is gone, with all that was mounted in
# it, before anything is removed; nothing of this system is mounted writable in it.
if [ -z "${SNO_DEB_WORK:-}" ]; then
	SNO_DEB_WORK=$(mktemp -d) || exit 1
	export SNO_DEB_WORK
	unshare --mount --propagation private --pid --fork --kill-child "$0"
	status=$?
	rm -rf --one-file-system "$SNO_DEB_WORK"
	exit "$status"
fi

work=$SNO_DEB_WORK
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

build() {
	# A tree of its own, as it is now, so that nothing is written beside the sources.
	mkdir "$work/tree"
	(cd "$SRCDIR" && if [ -e .git ]; then git ls-files -z; else find . -type f ! -path './build/*' -print0; fi |
		tar --null -cf - -T -) | tar -C "$work/tree" -xf -
	if ! (cd "$work/tree" && { [ -x configure ] || make -s configure; } && ./configure --quiet &&
		make -s deb) >"$work/build.log" 2>&1; then
		tail -n 20 "$work/build.log"
		return 1
	fi
}


# What a build needs beside what every build has; a release has its configure.
undeclared() {
	local declared name
	declared=" $(sed -n '/^Build-Depends:/,/^[^ B]/p' "$SRCDIR/conf/debian/control" | tr -s ',\n' ' ') "
	for name in $("$SRCDIR/scripts/install-deps" --build --list | awk '/^  (have|missing) / {print $2}'); do
		case $name in autoconf | make | gcc | libc6-dev) continue ;; esac
		[[ $declared = *" $name "* ]] || echo "$name is missing"
	done
}

in_copy() { chroot "$root" env DEBIAN_FRONTEND=noninteractive PATH="$PATH" "$@"; }
quietly() { "$@" >"$work/out" 2>&1 || { cat "$work/out"; return 1; }; }

point "what a build needs is in Build-Depends" undeclared
point "make deb" build
package=$(ls "$work"/tree/build/deb/sno-mobility_*.deb 2>/dev/null)
if [ -z "$package" ]; then
	echo "1..$count"
	exit 1
fi
point "lintian has nothing to say" lintian --allow-root --tag-display-limit 0 "$work"/tree/build/deb/*.changes

root=$work/fs/root
mkdir "$work/fs"
if ! mount -t tmpfs none "$work/fs" || ! mkdir "$work/fs/upper" "$work/fs/work" "$root" ||
	! mount -t overlay none -o "lowerdir=/,upperdir=$work/fs/upper,workdir=$work/fs/work" "$root" 2>"$work/out"; then
	count=$((count + 1))
	echo "ok $count - installation # SKIP no overlay of this file system: $(cat "$work/out")"
	echo "1..$count"
	exit "$failed"
fi
mount -t proc -o ro none "$root/proc"
mount -t tmpfs none "$root/dev"
mknod -m 666 "$root/dev/null" c 1 3
mknod -m 666 "$root/dev/urandom" c 1 9
cp "$package" "$root/tmp/package.deb"

no_services() {
	find "$root/etc/systemd" -name 'sno-*' 2>/dev/null
	pgrep -a sno- | grep -v ' /proc' | grep -F "$root"
	true
}
has() { for f in "$@"; do [ -e "$root$f" ] || echo "$f is missing"; done; }
has_not() { for f in "$@"; do [ ! -e "$root$f" ] || echo "$f is there"; done; }

mode() { [ "$(stat -c %a "$1")" = "$2" ] || stat -c '%a %n' "$1"; }

point "it installs" quietly in_copy dpkg -i /tmp/package.deb
point "daemons, tools, units, pages and drop-ins are there" has /usr/sbin/sno-core-agent /usr/sbin/sno-terminal-agent \
	/usr/sbin/sno-sat-forwarder /usr/bin/snoctl /usr/bin/sno-plan /lib/systemd/system/sno-core-agent.service \
	/usr/share/man/man8/sno-core-agent.8.gz /usr/share/bash-completion/completions/snoctl \
	/usr/lib/sysctl.d/50-sno-mobility.conf /etc/sno
point "the daemons find their libraries" quietly in_copy sno-core-agent -V
point "nothing is enabled or started" no_services
point "nobody else may look into /etc/sno" mode "$root/etc/sno" 750

echo 'core = { name = "a.example"; };' >"$root/etc/sno/core-agent.conf"
mkdir -p "$root/var/lib/sno"
echo state >"$root/var/lib/sno/kept"
point "it installs again, as an upgrade" quietly in_copy dpkg -i /tmp/package.deb
point "... and leaves configuration and state" has /etc/sno/core-agent.conf /var/lib/sno/kept
point "it is removed" quietly in_copy dpkg -r sno-mobility
point "... and leaves configuration and state" has /etc/sno/core-agent.conf /var/lib/sno/kept
point "... and no program" has_not /usr/sbin/sno-core-agent /usr/bin/snoctl /lib/systemd/system/sno-core-agent.service
point "it is purged" quietly in_copy dpkg -P sno-mobility
point "... and nothing of it is left" has_not /etc/sno /var/lib/sno /etc/iproute2/rt_protos.d/sno.conf \
	/etc/NetworkManager/conf.d/sno-mobility.conf /usr/share/sno-mobility /usr/share/doc/sno-mobility
echo "1..$count"
exit "$failed"
