#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The layer check itself: it passes a small correct tree, and each of its rules, and no other,
# fails when one offender is put into that tree.

set -u
here=$(cd -- "$(dirname -- "$0")" && pwd)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
spdx='/* SPDX-License-Identifier: GPL-2.0-or-later */'

good_tree() {
	rm -rf "${work:?}"/*
	mkdir -p "$work"/{common,core-agent,terminal-agent,sat-forwarder,tests,scripts,.ci}
	write common/kernel_route.c '#include <linux/rtnetlink.h>'
	write common/keys.c '#include <sodium.h>'
	write common/conf.c '#include <libconfig.h>'
	write common/clock.c 'void f(void) { clock_gettime(0, 0); }'
	write common/addr.h $'#ifndef SNO_ADDR_H\n#define SNO_ADDR_H\n#endif'
	write core-agent/main.c $'#include "core-agent/session.h"\nint main(void) { exit(clock_now()); }'
	write core-agent/session.c $'/* once: s->state = 1; s->state = 2; system(3) */\nvoid session_enter(void) { s->state = next; }\nvoid session_new(void)\n{\n\ts = calloc(1, 1);\n\ts->state = FIRST;\n}'
	write core-agent/pool.c $'const char *t = "x->state = 1; system(2) // exit(1)"; /* exit() */\nint a = b->state == 1;'
	write core-agent/peer.c 'struct view v = {.state = 1}; int c = p->exit(1); void daemon_exit(void);'
}

# write FILE TEXT
write() {
	printf '%s\n%s\n' "$spdx" "$2" >"$work/$1"
}

long_function=$(printf 'void f(void)\n{\n'; for ((i = 0; i < 130; i++)); do echo '	g();'; done; echo '}')
long_file=$(for ((i = 0; i < 710; i++)); do echo "int v$i;"; done)

# rule | file | text
offenders=(
	'netlink|core-agent/forwarding.c|#include <linux/netlink.h>'
	'netlink|common/frame.c|  #  include <libmnl/libmnl.h>'
	'netlink|common/kernel.h|#include <netlink/route/link.h>'
	'sodium|core-agent/session.c|#include <sodium.h>'
	'sodium|common/message.c|#include <sodium/crypto_aead_chacha20poly1305.h>'
	'libbpf|core-agent/guard.c|#include <bpf/bpf.h>'
	'libbpf|common/kernel_tc.c|#include <bpf/libbpf.h>'
	'libconfig|core-agent/config.c|#include <libconfig.h>'
	'daemons|common/frame.c|#include "core-agent/session.h"'
	'daemons|core-agent/peer.c|#include "terminal-agent/session.h"'
	'daemons|core-agent/peer.c|#include "../sat-forwarder/session.h"'
	'state|core-agent/pool.c|void pool_take(void) { pool->state = POOL_FULL; }'
	$'state|core-agent/links.c|static int link_up(void)\n{\n\tlinks[i].state=LINK_UP;\n}'
	$'state|terminal-agent/session.c|void session_enter(void)\n{\n\ts->state = next;\n}\nvoid g(void)\n{\n\ts->state = 2;\n}'
	'session|core-agent/receive.c|void f(void) { session_enter(s, SESSION_HOME); }'
	'session|core-agent/receive.c|void receive_enter(void) { session->state = SESSION_HOME; }'
	'shell|terminal-agent/send.c|void f(void) { /* why */ system("ip link"); }'
	'shell|core-agent/main.c|void f(void) { popen("ip link", "r"); }'
	'shell|terminal-agent/send.c|char *argv[] = {"/bin/sh", "-c", 0};'
	'exit|common/frame.c|void f(void) { exit(1); }'
	'exit|core-agent/session.c|void f(void) { if (x) abort (); }'
	'clock|core-agent/session.c|usec_t now = clock_now();'
	'clock|common/channel.c|usec_t now = clock_wall();'
	'raw-clock|core-agent/main.c|time_t now = time(NULL);'
	'raw-clock|common/channel.c|void f(void) { clock_gettime(CLOCK_MONOTONIC, &ts); }'
	'guard|common/noise.h|#pragma once'
	"length|common/frame.c|$long_function"
	"length|common/frame.c|$long_file"
	'unfinished|common/frame.c|/* TO''DO: later */'
)

echo "1..$((2 + ${#offenders[@]}))"
count=0
result() { # STATUS NAME
	count=$((count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $count - $2"
	else
		echo "not ok $count - $2"
		sed 's/^/# /' "$work.out"
	fi
}
trap 'rm -rf "$work" "$work.out"' EXIT

good_tree
"$here/layers.sh" "$work" >"$work.out" 2>&1
result $? 'a correct tree passes'

for offender in "${offenders[@]}"; do
	rule=${offender%%|*}
	rest=${offender#*|}
	file=${rest%%|*}
	good_tree
	write "$file" "${rest#*|}"
	"$here/layers.sh" "$work" >"$work.out" 2>&1
	status=$?
	# Exactly this rule fails, and its report names the file.
	[ "$status" -eq 1 ] && [ "$(grep '^not ok' "$work.out" | sed 's/.* - //')" = "$rule" ] &&
		grep -q "^# $file" "$work.out"
	first=${rest#*|}
	result $? "$rule catches ${first%%$'\n'*} in $file"
done

good_tree
echo 'int x;' >"$work/common/frame.c"
printf '#!/bin/sh\necho\n' >"$work/scripts/tool"
"$here/layers.sh" "$work" >"$work.out" 2>&1
[ "$(grep -c '^# .*: no SPDX line' "$work.out")" -eq 2 ] && [ "$(grep -c '^not ok' "$work.out")" -eq 1 ]
result $? 'spdx catches a C file and a script without a licence'
