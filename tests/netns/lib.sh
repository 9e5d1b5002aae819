# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What every namespace test shares: TAP, namespaces of its own, polling, cleaning up and the proof
# that nothing is left.
#
#   . "${SRCDIR:-.}/tests/netns/lib.sh"
#   need_root; need_device gre external
#   netns a; netns b                        two namespaces; `on a CMD` runs in one
#   check "b answers" on a ping -c1 -W1 192.0.2.2
#   within 5 "the route is there" route_exists
#   finish                                  the plan, the leak proof, the exit status
#
# or, for whole topologies, the lab of scripts/lab (see sno-lab(5)):
#
#   lab_up <<LAB ... LAB                    every terminal is registered when it returns
#   handover t1 s2; associate s4 b; ctl a bindings --json; on t1 ip route
#   lab_down                                also done by finish
#
# A test that cannot run says so with `skip_all REASON`; with REQUIRE_NETNS=1 (on the host) or
# REQUIRE_UML=1 (inside UML) that is a failure. On a failure the evidence (logs, configurations
# without keys, `ip -j` dumps of each namespace) is kept in BUILD/log/NAME.failed.

set -u
SRCDIR=${SRCDIR:-$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)}
BUILD=${BUILD:-$SRCDIR/build}
KERNEL=${KERNEL:-host}
export SRCDIR BUILD SNO_BUILD=$BUILD PYTHONDONTWRITEBYTECODE=1

TEST_NAME=$(basename -- "$0" .t)
PREFIX=sno$$
LAB=$PREFIX
LAB_DIR=/run/sno-lab/$LAB
WORK=$(mktemp -d) || exit 1
EVIDENCE=$BUILD/log/$TEST_NAME-$KERNEL.failed

tap_count=0
tap_failed=0
finished=
namespaces=()
processes=()

# --- TAP -----------------------------------------------------------------------------------------

note() { printf '%s\n' "$*" | sed 's/^/# /'; }

ok() {
	tap_count=$((tap_count + 1))
	printf 'ok %d - %s\n' "$tap_count" "$*"
}

not_ok() {
	tap_count=$((tap_count + 1))
	tap_failed=$((tap_failed + 1))
	printf 'not ok %d - %s\n' "$tap_count" "$*"
	[ "$tap_failed" -gt 1 ] || keep_evidence
}

# result STATUS NAME
result() {
	if [ "$1" -eq 0 ]; then ok "$2"; else not_ok "$2"; fi
}

# check NAME COMMAND...: passes when the command succeeds; shows its output when not.
check() {
	local name=$1 output
	shift
	if output=$("$@" 2>&1); then
		ok "$name"
	else
		not_ok "$name"
		note "$* failed:"
		note "$output"
		return 1
	fi
}

# same NAME WANTED FOUND
same() {
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1"
		note "wanted: $2"
		note "found:  $3"
		return 1
	fi
}

# skip NAME REASON: one point.
skip() {
	if required; then
		not_ok "$1 (required, but skipped: $2)"
	else
		tap_count=$((tap_count + 1))
		printf 'ok %d - %s # SKIP %s\n' "$tap_count" "$1" "$2"
	fi
}

# lacks NAME REASON: the host's kernel may be without such a thing; that of user-mode Linux has all.
lacks() {
	if [ "$KERNEL" = uml ]; then
		skip "$1" "$2"
	else
		tap_count=$((tap_count + 1))
		printf 'ok %d - %s # SKIP %s\n' "$tap_count" "$1" "$2"
	fi
}

required() {
	if [ "$KERNEL" = uml ]; then
		[ "${REQUIRE_UML:-0}" = 1 ]
	else
		[ "${REQUIRE_NETNS:-0}" = 1 ]
	fi
}

# skip_all REASON: the whole test, before its first point.
skip_all() {
	finished=1
	if required; then
		printf '1..1\nnot ok 1 - required, but skipped: %s\n' "$1"
		exit 1
	fi
	printf '1..0 # SKIP %s\n' "$1"
	exit 0
}

bail_out() {
	not_ok "the test could not go on: $*"
	exit 1
}

# --- what a test may need ------------------------------------------------------------------------

need_root() {
	[ "$(id -u)" -eq 0 ] || skip_all "namespaces need root"
	ip netns add "$PREFIX-probe" 2>/dev/null || skip_all "this kernel lets us make no network namespaces"
	ip netns del "$PREFIX-probe"
}

need_program() {
	local program
	for program; do
		command -v "$program" >/dev/null || skip_all "$program is not installed (scripts/install-deps)"
	done
}

# have_device TYPE OPTIONS...: true where the kernel has such links.
have_device() {
	local status
	ip netns add "$PREFIX-probe" || return 1
	ip -n "$PREFIX-probe" link add probe type "$@" 2>/dev/null
	status=$?
	ip netns del "$PREFIX-probe"
	return "$status"
}

need_device() {
	have_device "$@" || skip_all "this kernel has no $1 devices"
}

# have_esp: true where the kernel protects packets.
have_esp() {
	local status
	ip netns add "$PREFIX-probe" || return 1
	ip -n "$PREFIX-probe" xfrm state add src 192.0.2.253 dst 192.0.2.253 proto esp spi 0x80000001 mode tunnel \
		aead 'rfc7539esp(chacha20,poly1305)' "0x$(printf '5a%.0s' {1..36})" 128 2>/dev/null
	status=$?
	ip netns del "$PREFIX-probe"
	return "$status"
}

have_netem() {
	local status
	ip netns add "$PREFIX-probe" || return 1
	tc -n "$PREFIX-probe" qdisc add dev lo root netem delay 1us 2>/dev/null
	status=$?
	ip netns del "$PREFIX-probe"
	return "$status"
}

# tunnel_kinds: those of gre, ipip and gpe that this kernel has.
tunnel_kinds() {
	have_device gre external && echo gre
	have_device ipip external && echo ipip
	have_device vxlan external gpe dstport 4790 && echo gpe
	return 0
}

# --- namespaces and processes ----------------------------------------------------------------------

# netns NAME: a namespace of this test, with lo up.
netns() {
	ip netns add "$PREFIX-$1" || bail_out "namespace $1"
	namespaces+=("$PREFIX-$1")
	ip -n "$PREFIX-$1" link set lo up
}

# wire NODE DEVICE NODE DEVICE: a veth pair, without addresses of its own.
wire() {
	ip link add "$2" netns "$PREFIX-$1" type veth peer name "$4" netns "$PREFIX-$3"
	on "$1" ip link set "$2" addrgenmode none up
	on "$3" ip link set "$4" addrgenmode none up
}

# on NODE COMMAND...
on() {
	local node=$1
	shift
	ip netns exec "$PREFIX-$node" "$@"
}

# background NODE COMMAND...: its number is in $background, its output in $WORK/NODE.NUMBER.
background() {
	local node=$1 log
	shift
	log=$WORK/$node.${#processes[@]}
	ip netns exec "$PREFIX-$node" "$@" >"$log" 2>&1 </dev/null &
	background=$!
	processes+=("$background")
}

# within SECONDS NAME COMMAND...: a point that passes once the command succeeds in time.
within() {
	local seconds=$1 name=$2
	shift 2
	if poll "$seconds" "$@"; then
		ok "$name"
	else
		not_ok "$name (not within many times $seconds s: $*)"
		return 1
	fi
}

# poll SECONDS COMMAND...: true once the command succeeds, false when it does not within ten times as
# many seconds as it takes an ordinary machine at most: a deadline is for what never comes, and a host
# may leave a machine a tenth of its time. A virtual CPU gets half as long again.
#
# Where each program costs a virtual CPU tens of milliseconds none is run only to wait.
poll() {
	local deadline slow=10 over=
	[ "$KERNEL" = host ] || slow=15
	deadline=$((${EPOCHREALTIME/[.,]/} + $1 * slow * 1000000))
	shift
	until "$@" >/dev/null 2>&1; do
		[ -z "$over" ] || return 1
		[ "${EPOCHREALTIME/[.,]/}" -lt "$deadline" ] || over=1
		read -r -t 0.05 -u "$never" _ || :
	done
}
# From here nothing ever comes.
exec {never}<> <(:)

# --- traffic ---------------------------------------------------------------------------------------

# listening NODE PORT [u]: waits until somebody listens there to TCP, or to UDP.
listening() { poll 20 listens "$@"; }
# shellcheck disable=SC2317 # called by name
listens() { [ -n "$(ss -N "$PREFIX-$1" -Hln"${3:-t}" "sport = :$2")" ]; }

# transfer FROM TO ADDRESS OCTETS: so many arrive by TCP as they were sent; the largest segment that the
# sender has used is in $WORK/mss.
transfer() {
	on "$2" timeout 120 python3 -c "
import hashlib, socket, sys
s = socket.create_server((sys.argv[1], 9100), family=socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET)
c, h = s.accept()[0], hashlib.sha256()
while data := c.recv(65536):
    h.update(data)
print(h.hexdigest())" "$3" >"$WORK/tcp.to" &
	local receiver=$!
	listening "$2" 9100
	on "$1" timeout 120 python3 -c "
import hashlib, random, socket, sys
data = random.Random(1).randbytes(int(sys.argv[2]))
c = socket.create_connection((sys.argv[1], 9100))
c.sendall(data)
mss = c.getsockopt(socket.IPPROTO_TCP, 2)
c.shutdown(socket.SHUT_WR)
c.recv(1)
print(hashlib.sha256(data).hexdigest(), mss)" "$3" "$4" >"$WORK/tcp.from"
	wait "$receiver"
	cut -d' ' -f2 <"$WORK/tcp.from" >"$WORK/mss"
	[ -s "$WORK/tcp.to" ] && [ "$(cat "$WORK/tcp.to")" = "$(cut -d' ' -f1 <"$WORK/tcp.from")" ]
}

# echoes NODE INTERVAL TARGET [OPTIONS]: echo requests in the background, of which the first has been
# answered, until all_echoed.
echoes() {
	local node=$1 interval=$2 target=$3
	shift 3
	background "$node" ping -n -i "$interval" "$@" "$target"
	echoes=$background
	echoes_log=$WORK/$node.$((${#processes[@]} - 1))
	poll 5 echoed_all 1
}

# echoed [NUMBER]: the numbers of the requests that were answered, of those up to this one, in the order of
# the answers.
echoed() {
	sed -n 's/^[0-9]* bytes from .*icmp_seq=\([0-9]*\) .*/\1/p' "$echoes_log" | awk -v n="${1:-65535}" '$1 <= n'
}

# echoed_all NUMBER: true when that many were answered.
# shellcheck disable=SC2317 # called by name
echoed_all() {
	awk -v n="$1" -F 'icmp_seq=' '
		/^[0-9]+ bytes from / && $2 + 0 <= n && !seen[$2 + 0]++ {count++}
		END {exit count < n}' "$echoes_log"
}

# echoed_beyond NUMBER: true when a later one was answered.
# shellcheck disable=SC2317 # called by name
echoed_beyond() {
	awk -v n="$1" -F 'icmp_seq=' '/^[0-9]+ bytes from / && $2 + 0 > n {found = 1} END {exit !found}' "$echoes_log"
}

# all_echoed NAME [sort -n]: a point: all requests up to some that come now were answered once, and in order,
# or in any if sorted: $echoes_sent. On a machine that stands still now and then an answer may be late, so it
# is waited for.
all_echoed() {
	local name=$1
	shift
	[ $# -gt 0 ] || set -- cat
	echoes_sent=$(($(echoed | sort -n | tail -n 1) + 20))
	# Those that are still missing when later ones have come may be late, but are lost in the end.
	poll 10 echoed_beyond "$echoes_sent"
	poll 1 echoed_all "$echoes_sent"
	kill "$echoes"
	wait "$echoes" 2>/dev/null
	same "$name ($echoes_sent echoes)" "" "$(diff <(seq "$echoes_sent") <(echoed "$echoes_sent" | "$@") | head -n 20)"
}

# --- the lab ---------------------------------------------------------------------------------------

# lab_up: builds the lab described on standard input. A lab that does not come up ends the test.
lab_up() {
	cat >"$WORK/lab"
	if ! "$SRCDIR/scripts/lab" up --name "$LAB" "$WORK/lab" >"$WORK/lab.out" 2>&1; then
		not_ok "the lab comes up"
		note "$(cat "$WORK/lab.out")"
		bail_out "no lab"
	fi
	ok "the lab comes up and every terminal registers"
}

# lab_down: takes it down; a point that fails when anything is left.
lab_down() {
	[ -e "$LAB_DIR/state.json" ] || return 0
	check "the lab is taken down and nothing is left" \
		"$SRCDIR/scripts/lab" down --force --name "$LAB"
}

# ctl NODE COMMAND...: snoctl for the daemon of a node.
ctl() {
	local node=$1
	shift
	"$BUILD/snoctl" -s "$LAB_DIR/$node.sock" "$@"
}

lab_do() { "$SRCDIR/scripts/lab" "do" --name "$LAB" "$@"; }

# handover TERMINAL SATELLITE; associate SATELLITE CORE
handover() { ctl "$1" terminal switch "$2"; }
associate() { ctl "$1" satellite associate "$2.example"; }

# field NODE NAME: one field of a daemon's status.
field() {
	ctl "$1" --json status | jq -r --arg name "$2" '.fields[$name] | if type == "object" then .value else . end'
}

# served_by TERMINAL CORE [SATELLITE]: true when it is registered there.
served_by() {
	ctl "$1" --json status | jq -e --arg core "$2.example" --arg link "${3:-}" \
		'.fields | map_values(if type == "object" then .value else . end) |
			.state == "registered" and .core == $core and ($link == "" or .link == $link)'
}

# reaches NODE ADDRESS: one echo request is answered.
reaches() { on "$1" ping -n -c 1 -W 1 "$2"; }

# kernel_state NODE: everything a core's agent could leave in the kernel, in a form to compare.
kernel_state() {
	local ns=$PREFIX-$1
	ip -n "$ns" -o link | sed 's/^[0-9]*: //; s/ state .*//; s/@.*//; s/: .*//' | sort
	ip -n "$ns" -o addr | sed 's/^[0-9]*: //; s/ *valid_lft.*//; s/\\.*//' | grep -v ' fe80::[^1/]' | sort
	ip -n "$ns" rule
	ip -n "$ns" -6 rule
	# Everything of ours bears protocol 83; the rest of the tables is the kernel's own upkeep.
	ip -n "$ns" route show table all proto 83
	ip -n "$ns" -6 route show table all proto 83
	ip -n "$ns" neigh show nud permanent
	bridge -n "$ns" fdb show 2>/dev/null | grep static
	return 0
}

# --- evidence and the end ---------------------------------------------------------------------------

# redact: leaves out what could be a key.
redact() {
	sed -E 's#[A-Za-z0-9+/]{43}=#(key)#g'
}

keep_evidence() {
	local ns file what
	rm -rf "$EVIDENCE"
	mkdir -p "$EVIDENCE" || return
	for ns in $(ip netns list | awk -v p="$PREFIX-" 'index($1, p) == 1 {print $1}'); do
		for what in link addr rule "-6 rule" "route show table all" "-6 route show table all" neigh; do
			# shellcheck disable=SC2086 # several words on purpose
			ip -n "$ns" -j $what
			echo
		done >"$EVIDENCE/$ns.json" 2>&1
		tc -n "$ns" -s qdisc >"$EVIDENCE/$ns.qdisc" 2>&1
	done
	for file in "$LAB_DIR"/*.log "$LAB_DIR"/*.conf "$LAB_DIR/description" "$WORK"/*; do
		case $file in
		*.key | *.psk) continue ;;
		esac
		[ ! -f "$file" ] || redact <"$file" >"$EVIDENCE/${file##*/}"
	done
	cp "$LAB_DIR"/*.pcap "$EVIDENCE" 2>/dev/null
	note "evidence: $EVIDENCE"
}

# remove: everything of this test, whatever state it is in.
remove() {
	local process ns
	[ ! -e "$LAB_DIR/state.json" ] || "$SRCDIR/scripts/lab" down --force --name "$LAB" >/dev/null 2>&1
	for process in "${processes[@]}"; do
		kill "$process" 2>/dev/null
	done
	wait 2>/dev/null
	for ns in "${namespaces[@]}"; do
		ip netns pids "$ns" 2>/dev/null | xargs -r kill 2>/dev/null
		ip netns del "$ns" 2>/dev/null
	done
	rm -rf "$WORK"
}

# left: one line for everything of this test that still exists.
left() {
	ip netns list | awk -v p="$PREFIX-" 'index($1, p) == 1 {print "namespace " $1}'
	[ ! -e "$LAB_DIR" ] || echo "directory $LAB_DIR"
	local process
	for process in "${processes[@]}"; do
		kill -0 "$process" 2>/dev/null && echo "process $process"
	done
	return 0
}

# finish: takes down, proves it, prints the plan and ends with the test's status.
finish() {
	local remains
	lab_down
	remove
	remains=$(left)
	if [ -z "$remains" ]; then
		ok "nothing is left of this test"
	else
		not_ok "nothing is left of this test"
		note "$remains"
	fi
	finished=1
	echo "1..$tap_count"
	[ "$tap_failed" -eq 0 ] || exit 1
	exit 0
}

# shellcheck disable=SC2317 # called by the trap
on_exit() {
	local status=$?
	if [ -z "$finished" ]; then
		[ "$tap_failed" -gt 0 ] || keep_evidence
		remove
	else
		rm -rf "$WORK"
	fi
	exit "$status"
}
trap on_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
