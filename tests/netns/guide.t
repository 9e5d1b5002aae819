#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: host uml
# shellcheck disable=SC2016,SC2317 # backquotes are meant; functions are called by name
#
# What the guide says about three cores is true: this test reads common/guide/deploy.md, writes the
# files that stand there, types the commands that stand there on the hosts that stand before them, in
# that order, and looks for what stands behind them. The recipes of the lab cookbook are descriptions
# in which the lab finds no fault.
#
#	a, b, c [eth0] --- inet (one Ethernet)        [eth1] --- [sat1], [sat2], [sat3] t
. "${SRCDIR:-.}/tests/netns/lib.sh"
. "${SRCDIR:-.}/tests/netns/hosts.sh"

need_root
need_program nsenter unshare ping pidof
"$BUILD/sno-core-agent" -h | grep -qF '(/etc/sno/core-agent.conf)' ||
	skip_all "this build looks for its configuration elsewhere: ./configure without --prefix"
modprobe ipv6 2>/dev/null

letters=([core-a]=a [core-b]=b [core-c]=c [terminal]=t)
for node in a b c t inet; do netns "$node"; done
on inet ip link add hub type bridge forward_delay 0
on inet ip link set dev hub up
number=0
for node in a b c; do
	number=$((number + 1))
	wire "$node" eth0 inet "port-$node"
	wire "$node" eth1 t "sat$number"
	on inet ip link set dev "port-$node" master hub
	on "$node" ip addr add "192.0.2.$number/24" dev eth0
done
for host in core-a core-b core-c terminal; do boot "$host"; done

declare -A keys # by the words that stand for them

# says HOST COMMAND WORD...: its output has a line with all these words, in this order.
says() {
	local host=$1 command=$2 pattern='' word
	shift 2
	for word; do
		pattern+=".*$(sed 's/[][\.*^$/]/\\&/g' <<<"$word")"
	done
	at "$host" "$command" 2>&1 | tr -s ' \t' ' ' | grep -q -- "$pattern"
}

# step HOST COMMAND PROMISE
step() {
	local name="$1# $2" words
	case $3 in
	'') check "$name" at "$1" "$2" ;;
	'KEY OF '*)
		keys[$3]=$(at "$1" "$2" 2>&1)
		check "$name" grep -qE '^[A-Za-z0-9+/]{43}=$' <<<"${keys[$3]}"
		;;
	*)
		read -ra words <<<"$3"
		within 10 "$name: $3" says "$1" "$2" "${words[@]}" || note "$(at "$1" "$2" 2>&1)"
		;;
	esac
}

# configured HOST FILE TEXT: with the keys in the places that are kept for them.
configured() {
	local words text=$3
	for words in "${!keys[@]}"; do text=${text//"$words"/"${keys[$words]}"}; done
	case $text in *'KEY OF'*) not_ok "the guide says how to come by all keys for $2" ;; esac
	# As README tells those whose kernel has no ESP.
	[ "$2" != /etc/sno/core-agent.conf ] || have_esp || text+='tunnel = { protection = "none"; };'
	printf '%s' "$text" >"$WORK/$1$2"
	ok "$1:$2"
}

file='' text='' steps=0
while IFS= read -r line <&3; do
	if [ -n "$file" ] && [ -n "$text" ] && [[ $line != '    '* ]]; then
		configured "$host" "$file" "$text"
		file=
	fi
	if [[ $line =~ ^\`(/etc/[a-z/.-]+)\`\ on\ (core-[abc]|terminal):$ ]]; then
		file=${BASH_REMATCH[1]} host=${BASH_REMATCH[2]} text=
	elif [[ $line =~ ^\ {4}(core-[abc]|terminal)\#\ (.*)$ ]]; then
		host=${BASH_REMATCH[1]} command=${BASH_REMATCH[2]} promise=
		[[ $command =~ ^(.*[^ ])\ \ +([^ ].*)$ ]] && command=${BASH_REMATCH[1]} promise=${BASH_REMATCH[2]}
		step "$host" "$command" "$promise"
		steps=$((steps + 1))
	elif [ -n "$file" ] && [[ $line = '    '* ]]; then
		text+=${line#    }$'\n'
	fi
done 3<"$SRCDIR/common/guide/deploy.md"
check "the guide has its steps" [ "$steps" -ge 40 ]

# --- the cookbook ------------------------------------------------------------------------------------

number=0
while IFS= read -r line; do
	case $line in
	'## '*) number=$((number + 1)) name=${line#'## '} ;;
	'    scripts/'*) ;;
	'    '*) printf '%s\n' "${line#    }" >>"$WORK/recipe-$number.lab" && names[number]=$name ;;
	esac
done <"$SRCDIR/common/guide/lab.md"
for number in "${!names[@]}"; do
	check "recipe: ${names[number]}" "$SRCDIR/scripts/lab" check "$WORK/recipe-$number.lab"
done
check "the cookbook has its recipes" [ "${#names[@]}" -ge 5 ]

# --- what daemons say, by which troubles are found ------------------------------------------------------

# said TEXT: in the sources, whose long lines are broken.
said() {
	cat "$SRCDIR"/*-agent/*.c "$SRCDIR"/sat-forwarder/*.c "$SRCDIR"/common/*.c | tr -d '\n\t' | sed 's/" *"//g' |
		grep -qF -- "$1"
}
number=0
while IFS= read -r text; do
	check "somebody says: $text" said "$text"
	number=$((number + 1))
done < <(sed -n 's/^| `\([^`]*\)`.*/\1/p' "$SRCDIR/common/guide/troubleshooting.md")
check "troubles are found by what is said" [ "$number" -ge 10 ]
finish
