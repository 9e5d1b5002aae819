#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: host
# shellcheck disable=SC2016,SC2317 # functions are called by name, and by eval
#
# A terminal that chooses its satellites itself: by a timetable, over a link to each of them, then
# over one antenna, then over two; and by orbital elements, where it says what sno-plan says.
#
#	core a - s1 - t1 of core a
#	core b - s2 /
. "${SRCDIR:-.}/tests/netns/lib.sh"

need_root
need_program ping jq
SERVER=203.0.113.2

# All of it on one processor: when a machine's processors stand still each for itself, a packet that lies before
# one of them is overtaken by what the others do after it, as on no link of one way.
own=$(($(nproc) > 1 ? $$ % $(nproc) : 0))
taskset -cp "$own" $$ >/dev/null 2>&1 || note "on any processor"

# Packets are held as long as the machine may stand still, and cores are waited for as long.
lab_up <<-LAB
	delay access=5ms core=10ms
	gap 40ms
	associations known
	advertise 1s
	core a hold_time=60s prepared_for=60s prepare_wait=5s
	core b hold_time=60s prepared_for=60s prepare_wait=5s
	satellite s1 core=a
	satellite s2 core=b
	terminal t1 home=a links=s1,s2 mode=predictive addresses=ipv4
LAB

now() { date +%s.%N; }
at() { date -u -d "@$(awk -v a="$1" -v b="$2" 'BEGIN {printf "%.3f", a + b}')" +%Y-%m-%dT%H:%M:%S.%3NZ; }

# timetable FILE: rows "FROM UNTIL SATELLITE CORE" in units from $begun, on standard input.
timetable() {
	local from until satellite core
	echo from,until,satellite,core >"$1.new"
	while read -r from until satellite core; do
		echo "$(at "$begun" $((from * unit))),$(at "$begun" $((until * unit))),$satellite,$core.example" >>"$1.new"
	done
	mv "$1.new" "$1"
}

# without GROUP: the configuration of t1 without this setting.
CONF=$LAB_DIR/t1.conf
TABLE=$WORK/timetable.csv
cp "$CONF" "$WORK/t1.conf"
touch "$WORK/orders"
without() { awk -v name="$1" 'index($0, name " = ") == 1 {skip = 1} !skip {print} /^[^ ].*;$/ {skip = 0}'; }

# The last handovers, one a line: "FROM TO MODE".
handovers() { ctl t1 --json handovers | jq -r '.handovers[] | "\(.from.link) \(.to.link) \(.mode)"'; }
count() { handovers | wc -l; }
# The last satellite of the table in force: "FROM UNTIL NAME CORE".
last() { ctl t1 --json satellites | jq -r '.table.rows[-1][:4] | map(tostring) | join(" ")'; }
# went NUMBER FROM TO: of the handovers since there were $before, that one was so.
went() { [ "$(handovers | sed -n "$((before + $1))s/ [a-z]*$//p")" = "$2 $3" ]; }
# changes: these handovers, on one line.
changes() { handovers | tail -n +$((before + 1)) | tr '\n' ' ' | sed 's/ $//'; }

# foresee CONFIGURATION...: the timetable on standard input is in force with what this prints, and echoes go to and
# fro, before there is anything to do for its first change: two units after $begun an antenna is pointed there, one
# later the cores are told, and one after that the terminal leaves. Units are of a second. A machine that is not
# through in the first two of them has not shown what there is to see, and gets a timetable with longer ones. The
# numbers of handovers and of orders to antennas before all that are left in $before and $told.
foresee() {
	local rows
	rows=$(cat)
	for unit in 1 2 4 8; do
		[ "$unit" = 1 ] || { kill "$echoes" && wait "$echoes"; } 2>/dev/null
		begun=$(now)
		timetable "$TABLE" <<<"$rows"
		"$@" >"$CONF"
		ctl t1 reload >"$WORK/out" 2>&1
		reloaded=$?
		poll 10 served_by t1 a s1
		before=$(count)
		told=$(wc -l <"$WORK/orders")
		echoes t1 0.01 $SERVER
		awk -v now="$(now)" -v a="$begun" -v u="$unit" 'BEGIN {exit !(now < a + 2 * u)}' && return
		note "not in force within two units of $unit s"
	done
}

check "an agent says at its start by which schedule it goes" grep -q '/associations.csv: [0-9]* associations$' "$LAB_DIR/t1.log"

# --- a timetable ------------------------------------------------------------------------------------

# settings: what the agent is told beside its links: all that has to be in time is so by the unit.
settings() {
	cat <<-CONF
		timetable = "$TABLE";
		handover = { mode = "$1"; lead = $unit; hold_time = 60; };
		timers = { disconnect_wait = $((unit < 10 ? unit : 10)); };
	CONF
}
linked() {
	without handover <"$WORK/t1.conf"
	settings predictive
}
foresee linked <<-ROWS
	-5 5 s1 a
	5 9 s2 b
	9 600 s1 a
ROWS
same "a timetable is taken by a reload" 0 "$reloaded"
check "the terminal stays where it is" served_by t1 a s1
same "the next satellites are told" "s1 s2 s1" \
	"$(ctl t1 --json satellites | jq -r '[.table.rows[][2]] | join(" ")')"
in_force=$(last)
within $((6 * unit)) "it moves when the timetable says so" went 1 s1 s2
within $((6 * unit)) "and back" went 2 s2 s1
same "both were announced" "s1 s2 predictive s2 s1 predictive" "$(changes)"
all_echoed "nothing was lost" sort -n

begun=$(now)
timetable "$TABLE" <<-ROWS
	-5 4 s1 a
	3 8 s2 b
ROWS
ctl t1 reload >"$WORK/out" 2>&1
same "a timetable with two satellites at a time is refused" 1 $?
same "the old one stays in force" "$in_force" "$(last)"
timetable "$TABLE" <<-ROWS
	-50 -5 s2 b
ROWS
check "so is one that is over" eval '! ctl t1 reload'
check "the terminal is where it was" served_by t1 a s1

# --- one antenna ------------------------------------------------------------------------------------

# The air: each antenna ends there, and a line to each satellite for it. The modem joins the antenna
# to one of them, and it has no carrier while it turns.
cat >"$WORK/modem" <<-'MODEM'
	#!/bin/bash
	# modem NETNS FOLDER: the antennas of t1
	tc() { command tc -n "$air" "$@"; }
	air=$1
	while read -r antenna satellite; do
		echo "$antenna $satellite" >>"$2/orders"
		there=$(cat "$2/$antenna" 2>/dev/null)
		if [ "$there" != "$satellite" ]; then
			ip -n "$air" link set "p$antenna" down
			sleep 0.04
			[ -z "$there" ] || tc filter del dev "$antenna-$there" ingress
			tc filter del dev "p$antenna" ingress
			tc filter add dev "p$antenna" ingress protocol all u32 match u32 0 0 \
				action mirred egress redirect dev "$antenna-$satellite"
			tc filter add dev "$antenna-$satellite" ingress protocol all u32 match u32 0 0 \
				action mirred egress redirect dev "p$antenna"
			echo "$satellite" >"$2/$antenna"
			ip -n "$air" link set "p$antenna" up
		fi
		echo ok
	done
MODEM
chmod +x "$WORK/modem"
netns air
for dish in dish0 dish1; do
	on t1 ip link add $dish type veth peer name p$dish netns "$PREFIX-air"
	on t1 ip link set $dish addrgenmode none up
	on air ip link set p$dish addrgenmode none
	on air tc qdisc add dev p$dish clsact
	for satellite in s1 s2; do
		on air ip link add $dish-$satellite type veth peer name a$dish netns "$PREFIX-$satellite"
		on air ip link set $dish-$satellite addrgenmode none up
		on air tc qdisc add dev $dish-$satellite clsact
		on $satellite ip link set a$dish addrgenmode none master acc0 up
	done
done

# antennas DISH...: the configuration with these.
antennas() {
	local dish links=
	for dish; do links+="${links:+, }{ antenna = \"$dish\"; interface = \"$dish\"; }"; done
	without links <"$WORK/t1.conf" | without switching | without handover
	cat <<-CONF
		links = ( $links );
		switching = { mode = "command"; resident = true; command = [ "$WORK/modem", "$PREFIX-air", "$WORK" ]; };
	CONF
	settings soft
}

foresee antennas dish0 <<-ROWS
	-5 5 s1 a
	5 10 s2 b
	10 600 s1 a
ROWS
same "links become an antenna by a reload" 0 "$reloaded"
check "it is pointed at the satellite of the hour" served_by t1 a s1
within $((6 * unit)) "and at the next one" went 1 s1 s2
within $((6 * unit)) "and at the first one again" went 2 s2 s1
same "each change was announced" "s1 s2 predictive s2 s1 predictive" "$(changes)"
all_echoed "nothing was lost" sort -n
same "the program was told each time" "dish0 s1 dish0 s2 dish0 s1" \
	"$(tail -n "+$told" "$WORK/orders" | tr '\n' ' ' | sed 's/ $//')"

# --- two antennas -----------------------------------------------------------------------------------

# Its home core has to allow what the terminal can do now, or it makes less of it.
sed -i '/t1@a.example/s/mode = "predictive"; //' "$LAB_DIR/a.conf"
check "its home core allows soft handovers" ctl a reload
foresee antennas dish0 dish1 <<-ROWS
	-5 5 s1 a
	5 10 s2 b
	10 600 s1 a
ROWS
same "a second antenna comes" 0 "$reloaded"
within $((7 * unit)) "it is on the next satellite in time" went 1 s1 s2
within $((7 * unit)) "as is the first one then" went 2 s2 s1
same "so that the changes are soft" "s1 s2 soft s2 s1 soft" "$(changes)"
all_echoed "nothing was lost" sort -n
# The first one still points there when it is that satellite's turn again.
same "only the second one had to be pointed" "dish1 s2" "$(tail -n 1 "$WORK/orders")"

# --- orbits -----------------------------------------------------------------------------------------

# Satellites of both operators; every third one belongs to b. Names have capitals, as in catalogues.
"$BUILD/sno-plan" walker -t 288 -p 16 -f 5 -i 53 -a 1200 --name SAT --epoch "$(at "$begun" 0)" >"$WORK/all.tle"
{
	echo from,until,satellite,core
	for number in {1..288}; do
		printf '%s,%s,SAT-%04d,%s.example\n' "$(at "$begun" -100)" "$(at "$begun" 9000)" \
			"$number" "$([ $((number % 3)) = 0 ] && echo b || echo a)"
	done
} >"$WORK/associations.csv"
orbits() { # POLICY
	antennas dish0 dish1 | without timetable | without handover
	cat <<-CONF
		position = { latitude = 48.1; longitude = 11.6; height = 500; };
		elements = [ "$WORK/all.tle" ];
		policy = "$1";
		handover = { schedule = "$WORK/associations.csv"; lead = 1; };
	CONF
}
# sequence: "SATELLITE CORE" for the next ones, as the agent has them, and as sno-plan does.
sequence() {
	ctl t1 --json satellites | jq -r '.table.rows[0:6][] | "\(.[2]) \(.[3])"'
}
# It knows what it is on, and so must the other.
planned() { # POLICY
	local on
	mapfile -t on < <(ctl t1 --json status | jq -r '.fields.link // "" | ascii_upcase | select(startswith("SAT-")) | "--on", .')
	"$BUILD/sno-plan" terminal "${on[@]}" --tle "a.example=$WORK/all.tle" --associations "$WORK/associations.csv" --sno a.example \
		--lat 48.1 --lon 11.6 --height 500 --hours 1 --start "$(at "$(now)" 0)" --policy "$1" |
		awk -F, 'NR > 1 {print tolower($3), $4}' | head -6
}
for policy in plan home-first longest elevation; do
	orbits "$policy" >"$CONF"
	ctl t1 reload >"$WORK/out" 2>&1 || note "$(cat "$WORK/out")"
	same "by $policy it chooses what sno-plan does" "$(planned "$policy")" "$(sequence)"
done
within 3 "an antenna is pointed there" eval '[ "$(tail -n 1 "$WORK/orders" | cut -d" " -f2)" = "$(sequence | head -1 | cut -d" " -f1)" ]'
sed -i '5s/^1 /1x/' "$WORK/all.tle"
check "elements with a fault are refused" eval '! ctl t1 reload'
check "and the former ones stay" test "$(sequence | wc -l)" = 6

ip netns del "$PREFIX-air"
lab_down
finish
