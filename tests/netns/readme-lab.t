#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: host uml
# shellcheck disable=SC2317 # functions are called by name
#
# "A first topology of your own" in README: the description that stands there is played, and the
# commands that stand there do what stands beside them.
. "${SRCDIR:-.}/tests/netns/lib.sh"

need_root
need_program ping jq
cd -- "$WORK" || exit 1
sed -n '/^A first topology/,/^Handover modes/s/^    //p' "$SRCDIR/README" >section
grep -v '^scripts/' section >my.lab
mapfile -t commands < <(grep '^scripts/' section)

# lab COMMAND-LINE: as README has it, on a lab that other labs of this machine do not disturb.
lab() {
	local words
	read -ra words <<<"$*"
	timeout 600 "$SRCDIR/${words[0]}" "${words[1]}" --name "$LAB" "${words[@]:2}"
}

check "README has a description of a lab" grep -q '^end ' my.lab
check "scripts/lab finds no fault in it" "$SRCDIR/scripts/lab" check my.lab
same "README plays it here and in user-mode Linux" "scripts/lab run my.lab scripts/uml scripts/lab run my.lab" \
	"${commands[*]:0:2}"
lab "${commands[0]}" --json result.json >run.out 2>&1
result $? "${commands[0]}" || note "$(cat run.out)"
same "... both handovers are in the report" "a b
b a" "$(jq -r '.handovers[] | "\(.from) \(.to)"' result.json)"
same "... it says that nothing is left" 1 "$(grep -c 'nothing is left' run.out)"

# refused WORDS COMMAND-LINE: it fails and says so, and nothing else.
refused() {
	lab "$2" >refused.out 2>&1 && return 1
	cat refused.out
	[ "$(wc -l <refused.out)" -eq 1 ] && grep -qF -- "$1" refused.out
}
# forwards NODE: what doctor finds the node's kernel set to, which a core has set to 1 and this terminal left.
forwards() {
	lab "scripts/lab ctl $1 --json doctor" | jq -r '.table.rows[] | select(.[1] == "net.ipv4.ip_forward")[3]'
}
ip netns add "$LAB-mine"
for line in "scripts/lab up my.lab" "${commands[0]}"; do
	check "$line: not in the place of a namespace that is there" refused "network namespace $LAB-mine" "$line"
done
check "... which stays" ip netns del "$LAB-mine"

for line in "${commands[@]:2}"; do
	[[ $line =~ ^(.*[^ ])\ \ +[^\ ] ]] && line=${BASH_REMATCH[1]}
	check "$line" lab "$line"
	case $line in
	*'lab up my.lab')
		check "... and not twice" refused "exists already: scripts/lab down -n $LAB" "$line"
		check "... no order to a link that is not there" refused "lab: do handover t1 s9: t1 has no link s9" \
			"scripts/lab do handover t1 s9"
		same "... and snoctl looks at the host of the daemon that it asks" "1 0" \
			"$(for node in a t1; do forwards "$node"; done | xargs)"
		;;
	*' handover t1 s2') within 5 "... t1 is served by b" served_by t1 b s2 ;;
	esac
done
check "README takes it down" test ! -e "$LAB_DIR"
finish
