#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: host uml
# shellcheck disable=SC2317 # functions are called by name
#
# What README says about three hosts is true: this test reads that section, writes the files that
# stand there, types the commands that stand there on the host that stands before them, in that
# order, and sees whether what stands behind them comes about. What README says and this test does
# not understand is a failure.
#
#	a [eth0] --- inet (one Ethernet) --- [eth0] b      a, b, t: hosts with a network, mounts and
#	  [eth1] --- [sat1] t [sat2] --- [eth1]            processes of their own
. "${SRCDIR:-.}/tests/netns/lib.sh"
. "${SRCDIR:-.}/tests/netns/hosts.sh"

need_root
need_program nsenter unshare ping pidof
"$BUILD/sno-core-agent" -h | grep -qF '(/etc/sno/core-agent.conf)' ||
	skip_all "this build looks for its configuration elsewhere: ./configure without --prefix"
modprobe ipv6 2>/dev/null

# --- three hosts ---------------------------------------------------------------------------------

letters=([core-a]=a [core-b]=b [terminal]=t)
for node in a b t inet; do netns "$node"; done
on inet ip link add hub type bridge forward_delay 0
on inet ip link set dev hub up
wire a eth0 inet port-a
wire b eth0 inet port-b
wire a eth1 t sat1
wire b eth1 t sat2
for port in port-a port-b; do on inet ip link set dev $port master hub; done
on a ip addr add 192.0.2.1/24 dev eth0
on b ip addr add 192.0.2.2/24 dev eth0
state_a=$(kernel_state a)
state_b=$(kernel_state b)
for host in core-a core-b terminal; do boot "$host"; done

# --- what README promises ------------------------------------------------------------------------

declare -A keys # by the words that stand for them

# says HOST COMMAND PATTERN...: its output has a line that matches each pattern.
says() {
	local host=$1 command=$2 output pattern
	shift 2
	output=$(at "$host" "$command" 2>&1)
	for pattern; do
		grep -Eq -- "$pattern" <<<"$output" || {
			printf '%s\n' "no $pattern in:" "$output"
			return 1
		}
	done
}

# answers N: the ping that runs has had so many.
answers() { [ "$(grep -c 'bytes from' "$WORK/ping")" -ge "$1" ]; }

# answered: it gets three more.
answered() { poll 10 answers $(($(grep -c 'bytes from' "$WORK/ping") + 3)); }

# step HOST COMMAND PROMISE
step() {
	local host=$1 command=$2 promise=$3 name="$1# $2" patterns=()
	case $promise in
	*"'S PUBLIC KEY")
		keys[$promise]=$(at "$host" "$command" 2>&1)
		check "$name" grep -qE '^[A-Za-z0-9+/]{43}=$' <<<"${keys[$promise]}"
		return
		;;
	*': STATE is up') patterns=("^${promise%%:*} +up ") ;;
	'state: registered, core: a.example') patterns=('^state: +registered$' '^core: +a.example$') ;;
	'the home address, '*) patterns=("inet ${promise##* }/32 ") ;;
	'is answered, '*)
		at "$host" "$command" >"$WORK/ping" 2>&1 &
		ping=$!
		processes+=("$ping")
		check "$name: $promise" answered
		return
		;;
	'visiting b.example, with its care-of address')
		patterns=('^alice@a\.example +visiting +b\.example +10\.1\.0\.7 .* 198\.51\.100\.1[2-9][0-9] ')
		;;
	'registered, served here') patterns=('^alice@a\.example +registered +s2 ') ;;
	'what each of them took')
		patterns=(' s1 +s2 +a\.example +b\.example +soft ' ' s2 +s1 +b\.example +a\.example +soft ')
		;;
	'')
		check "$name" at "$host" "$command" || return
		case $command in *' switch '*) check "... and the home address goes on answering" answered ;; esac
		return
		;;
	*)
		not_ok "$name: README promises what this test does not know: $promise"
		return
		;;
	esac
	within 10 "$name: $promise" says "$host" "$command" "${patterns[@]}" ||
		note "$(says "$host" "$command" "${patterns[@]}")"
}

# configured HOST FILE TEXT: with the keys in the places that are kept for them.
configured() {
	local words text=$3
	for words in "${!keys[@]}"; do text=${text//"$words"/"${keys[$words]}"}; done
	case $text in *'PUBLIC KEY'*) not_ok "README says how to come by all keys for $2" ;; esac
	# What README tells those to write whose kernel has no ESP.
	[ "$2" != /etc/sno/core-agent.conf ] || have_esp || text+='tunnel = { protection = "none"; };'
	printf '%s' "$text" >"$WORK/$1$2"
	ok "$1:$2"
}

# --- the section, from top to bottom -------------------------------------------------------------

sed -n '/^Three hosts:/,/^Testing$/p' "$SRCDIR/README" >"$WORK/section"
file='' text='' steps=0
while IFS= read -r line <&3; do
	if [[ $line =~ ^(.*\ )?(/etc/[a-z/.-]+)\ on\ (core-a|core-b|terminal):$ ]]; then
		file=${BASH_REMATCH[2]} host=${BASH_REMATCH[3]} text=
	elif [[ $line =~ ^\ {7}(core-a|core-b|terminal)\#\ (.*)$ ]]; then
		host=${BASH_REMATCH[1]} command=${BASH_REMATCH[2]} promise=
		[[ $command =~ ^(.*[^ ])\ \ +([^ ].*)$ ]] && command=${BASH_REMATCH[1]} promise=${BASH_REMATCH[2]}
		step "$host" "$command" "$promise"
		steps=$((steps + 1))
	elif [ -n "$file" ] && [[ $line = '       '* ]]; then
		text+=${line#       }$'\n'
	elif [ -n "$file" ] && [ -n "$text" ]; then
		configured "$host" "$file" "$text"
		file=''
	fi
done 3<"$WORK/section"
check "the section of README was found" [ "$steps" -ge 20 ]

# "and likewise on core-b"
kill "$ping" 2>/dev/null
while IFS= read -r line; do
	line=${line#*core-a# }
	at core-b "${line/198.51.100.128/198.51.100.0}" >/dev/null 2>&1
done < <(sed -n '/^7\./,$s/^ *core-a# /&/p' "$WORK/section")
same "core-a is as it was before" "$state_a" "$(kernel_state a)"
same "core-b is as it was before" "$state_b" "$(kernel_state b)"
same "the terminal has no address and no route left" "" \
	"$(on t ip -4 addr show scope global; on t ip route show table all proto 83; on t ip neigh show nud permanent)"
finish
