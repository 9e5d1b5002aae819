#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: host
#
# Figures for a monitoring system as it fetches them, while terminals move: what promtool thinks of
# them, whether they tell what happened, and that they are served where the configuration says and
# nowhere else.
. "${SRCDIR:-.}/tests/netns/lib.sh"

need_root
need_program jq promtool python3
lab_up <<'LAB'
mode combined
tunnel auto
gap 20ms
core a drain=1s
core b drain=1s
satellite s1 core=a
satellite s2 core=b
terminal t1 home=a links=s1,s2
LAB

# fetch NODE URL: the body; the status and the type of the answer go to $WORK/head.
fetch() {
	on "$1" python3 - "$2" "$WORK/head" <<'PY'
import sys, urllib.request, urllib.error
try:
    answer = urllib.request.urlopen(sys.argv[1], timeout=5)
except urllib.error.HTTPError as error:
    answer = error
open(sys.argv[2], "w").write(f"{answer.status} {answer.headers['Content-Type']}\n")
sys.stdout.write(answer.read().decode())
PY
}

# configure NODE PORT: has the figures of a daemon served there; 0: not at all.
configure() {
	sed -i '/^metrics/d' "$LAB_DIR/$1.conf"
	printf 'metrics = { port = %d; };\n' "$2" >>"$LAB_DIR/$1.conf"
	ctl "$1" reload
}

# value FILE SAMPLE
value() { awk -v name="$2" '$1 == name {print $2}' "$1"; }

check "without the key nobody listens" test -z "$(on a ss -Hltn)"
for node in a b s1 t1; do
	check "$node: a reload begins to serve" configure "$node" 9273
	fetch "$node" http://127.0.0.1:9273/metrics >"$WORK/$node.before"
	result $? "$node: figures are there" || note "$(cat "$WORK/$node.before")"
	same "$node: ... in the format of Prometheus" \
		"200 text/plain; version=0.0.4; charset=utf-8" "$(cat "$WORK/head")"
	promtool check metrics <"$WORK/$node.before" >"$WORK/promtool" 2>&1
	result $? "$node: ... in which promtool finds no fault" || note "$(cat "$WORK/promtool")"
	same "$node: ... of this version" 1 "$(grep -c '^sno_build_info{version="' "$WORK/$node.before")"
done
same "only on the address that is configured" "127.0.0.1:9273" "$(on a ss -Hltn | awk '{print $4}')"

# counts NODE FILE SAMPLE WANTED
# shellcheck disable=SC2317 # called by name
counts() {
	fetch "$1" http://127.0.0.1:9273/metrics >"$2" && [ "$(value "$2" "$3")" = "$4" ]
}

gap='sno_handover_gap_seconds_count{mode="combined"}'
same "at first no handover is counted" 0 "$(value "$WORK/a.before" "$gap")"
handover t1 s2
within 5 "the terminal moves to b" served_by t1 b s2
within 5 "a counts it, and what the terminal measured" counts a "$WORK/a.after" "$gap" 1
same "a: a handover in combined" 1 "$(value "$WORK/a.after" 'sno_handovers_total{mode="combined"}')"
same "a: ... and none in another mode" 0 "$(value "$WORK/a.after" 'sno_handovers_total{mode="soft"}')"
# On a busy machine it may be longer than 100 ms, and is counted as that.
lasted=$(value "$WORK/a.after" "${gap/count/sum}")
same "a: the gap of 20 ms is one of more than 10 ms, and counted as long as it was" \
	"0 $(awk -v lasted="$lasted" 'BEGIN {print lasted <= 0.1}')" \
	"$(value "$WORK/a.after" 'sno_handover_gap_seconds_bucket{mode="combined",le="0.01"}') $(value "$WORK/a.after" 'sno_handover_gap_seconds_bucket{mode="combined",le="0.1"}')"
same "a: the kernel was switched once" 1 "$(value "$WORK/a.after" 'sno_handover_switch_seconds_count{mode="combined"}')"
same "a: one subscriber is bound" 1 "$(value "$WORK/a.after" sno_bindings)"
same "a: its peer is up" 1 "$(value "$WORK/a.after" 'sno_peer_up{peer="b.example"}')"
check "a: messages are counted" test "$(value "$WORK/a.after" 'sno_messages_received_total{side="core",type="authentication"}')" -ge 1
check "b tells of its visitor" counts b "$WORK/b.after" 'sno_peer_visitors{peer="a.example"}' 1
same "b: a care-of address is in use" 1 "$(value "$WORK/b.after" 'sno_pool_addresses_used{pool="care_of4"}')"
check "t1 tells where it is" counts t1 "$WORK/t1.after" 'sno_registration{core="b.example",satellite="s2"}' 1
same "t1: one handover" 1 "$(value "$WORK/t1.after" sno_handovers_total)"
same "t1: ... with the gap that a tells of" "1 $lasted" \
	"$(value "$WORK/t1.after" "$gap") $(value "$WORK/t1.after" "${gap/count/sum}")"
check "s1 tells what it serves" grep -q '^sno_association{core="a.example",' "$WORK/s1.before"
for node in a b s1 t1; do
	fetch "$node" http://127.0.0.1:9273/metrics | promtool check metrics >"$WORK/promtool" 2>&1
	result $? "$node: promtool finds no fault in them now" || note "$(cat "$WORK/promtool")"
done

# What is shipped for the monitoring system asks for figures that there are.
cat "$WORK"/*.after "$WORK"/s1.before | awk '/^# TYPE/ {print $3}' | sort -u >"$WORK/families"
cat "$SRCDIR/conf/grafana/sno-mobility.json" "$SRCDIR/conf/prometheus/sno-mobility.rules.yml" | grep -oE 'sno_[a-z_]+' |
	sed -E 's/_(bucket|sum|count)$//' | sort -u >"$WORK/asked"
check "dashboard and alerts ask for something" test -s "$WORK/asked"
same "... and for nothing that is not there" "" "$(comm -23 "$WORK/asked" "$WORK/families")"
promtool check rules "$SRCDIR/conf/prometheus/sno-mobility.rules.yml" >"$WORK/promtool" 2>&1
result $? "promtool finds no fault in the alerts" || note "$(cat "$WORK/promtool")"
jq '{groups: [{name: "dashboard", rules: [.panels[].targets[].expr] | to_entries
	| map({record: "panel:\(.key)", expr: (.value | gsub("\\$instance"; ".*") | gsub("\\$__rate_interval"; "1m"))})}]}' \
	"$SRCDIR/conf/grafana/sno-mobility.json" >"$WORK/dashboard.yml"
promtool check rules "$WORK/dashboard.yml" >"$WORK/promtool" 2>&1
result $? "... nor in the expressions of the dashboard" || note "$(cat "$WORK/promtool")"

fetch a http://127.0.0.1:9273/ >/dev/null
same "nothing else is served" 404 "$(cut -d' ' -f1 "$WORK/head")"

# A port that is taken: everything stays as it was.
on a python3 -c 'import socket, time
s = socket.socket(); s.bind(("127.0.0.1", 9274)); s.listen(); print("ready", flush=True); time.sleep(60)' >"$WORK/taken" &
processes+=($!)
within 5 "somebody takes port 9274" grep -q ready "$WORK/taken"
configure a 9274 >"$WORK/refused" 2>&1
check "a reload to it is refused" test $? -ne 0
check "... and says why" grep -q 'metrics cannot be served' "$WORK/refused"
check "... and the figures are where they were" counts a "$WORK/a.after" sno_bindings 1
check "another port" configure a 9275
check "... is served" fetch a http://127.0.0.1:9275/metrics
check "... and the old one is not" test "$(on a ss -Hltn | grep -c ':9273 ')" = 0
check "none" configure a 0
check "... is none" test "$(on a ss -Hltn | grep -c ':927[35] ')" = 0
finish
