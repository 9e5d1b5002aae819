#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: host uml
#
# The terminal agent against a core agent, at home, without satellites between them: links, routes,
# hosts behind, restart, repair, reload, orders. Moves between cores are tested with whole labs.
#
#	         +-- sat1 ------- feed-s1 --+
#	host -- term -- sat2 ------- feed-s2 -- core -- 203.0.113.1, 2001:db8:ffff::1
#	    lan0                                        (on lo)
# shellcheck disable=SC2317 # functions are called by name
. "${SRCDIR:-.}/tests/netns/lib.sh"

need_root
need_program jq python3
[ -n "$(tunnel_kinds)" ] || skip_all "this kernel has no kind of tunnel"

server4=203.0.113.1
server6=2001:db8:ffff::1

# --- the topology ----------------------------------------------------------------------------------

netns core
netns term
netns host
for n in 1 2; do
	# Indexes that differ: the kernel takes a veth whose peer has its own index for a plain device
	# and reports the loss of its carrier up to a second late.
	ip -n "$PREFIX-term" link add "sat$n" index "10$n" type veth \
		peer name "feed-s$n" index "20$n" netns "$PREFIX-core"
	on term ip link set "sat$n" up
done
ip -n "$PREFIX-term" link add lan0 type veth peer name eth0 netns "$PREFIX-host"
on term ip link set lan0 up
on host ip link set eth0 up
on host ip addr add 2001:db8:a01::10/64 dev eth0 nodad
on host ip -6 route add default via 2001:db8:a01::1
for address in 192.0.2.1/32 $server4/32 $server6/128; do on core ip addr add "$address" dev lo; done

(
	umask 077
	for key in core term stranger; do "$BUILD/snoctl" genkey >"$WORK/$key.key"; done
)
core_public=$("$BUILD/snoctl" pubkey <"$WORK/core.key")
term_public=$("$BUILD/snoctl" pubkey <"$WORK/term.key")

cat >"$WORK/core.conf" <<END
core = { name = "a.example"; listen = [ "192.0.2.1" ]; private_key_file = "$WORK/core.key"; state = "$WORK/core.state"; };
access = { satellites = ( { name = "s1"; interface = "feed-s1"; }, { name = "s2"; interface = "feed-s2"; } ); };
tunnel = { kind = "auto"; local = [ "192.0.2.1" ]; };
pools = { home4 = [ "10.1.0.0/24" ]; home6 = [ "2001:db8:a::/64" ];
	  delegated = [ "2001:db8:a00::/40" ]; delegated_length = 56; };
subscribers = ( { nai = "alice@a.example"; public_key = "$term_public"; home4 = "10.1.0.7";
		  home6 = "2001:db8:a::7"; prefix = "2001:db8:a01::/56"; } );
END

# The modem: the carrier of the one link goes, that of the other comes. The gap begins when the agent has
# seen the loss, and lasts until it holds as many packets as $WORK/hold says.
cat >"$WORK/modem" <<END
#!/bin/bash
echo "\$@" >>$WORK/modem.log
snoctl() { "$BUILD/snoctl" -s $WORK/term.sock "\$@"; }
if [ "\$1" != - ]; then
	ip -n $PREFIX-core link set "feed-\$1" down
	until snoctl links | grep -q "^\$1 .*no carrier"; do sleep 0.01; done
fi
sleep 0.05
until snoctl --json status | jq -e ".fields.held.value >= \$(cat $WORK/hold)" >/dev/null; do sleep 0.01; done
ip -n $PREFIX-core link set "feed-\$2" up
END
echo 0 >"$WORK/hold"
chmod +x "$WORK/modem"

# terminal_conf SWITCHING KEY EXTRA
terminal_conf() {
	cat >"$WORK/term.conf" <<-END
		terminal = { nai = "alice@a.example"; private_key_file = "$WORK/$2.key"; state = "$WORK/$2.state";
			     home_public_key = "$core_public"; };
		links = ( { name = "s1"; interface = "sat1"; }, { name = "s2"; interface = "sat2"; } );
		switching = { $1 };
		delegated = { interface = "lan0"; };
		handover = { hold_time = 20.0; };
		$3
	END
}

command_mode="mode = \"command\"; command = [ \"$WORK/modem\" ]; timeout = 20.0;"

start_terminal() {
	# shellcheck disable=SC2154 # background is lib.sh's
	background term "$BUILD/sno-terminal-agent" -f -c "$WORK/term.conf" -s "$WORK/term.sock"
	terminal=$background
	terminal_log=$WORK/term.$((${#processes[@]} - 1))
}

stop_terminal() {
	kill "-$1" "$terminal"
	wait "$terminal" 2>/dev/null
}

term() { "$BUILD/snoctl" -s "$WORK/term.sock" "$@"; }
value() { term --json status | jq -r --arg name "$1" '.fields[$name] | if type == "object" then .value else . end'; }
registered() { [ "$(value state)" = registered ] && [ "$(value link)" = "$1" ]; }
state_is() { [ "$(value state)" = "$1" ]; }
last_handover() { term --json handovers | jq -r ".handovers[-1] | $1"; }
timed() { [ "$(last_handover .first_packet_us)" -ge 0 ]; }
routes() { on term ip route show default; on term ip -6 route show default; }
routes_by() { [ "$(routes | grep -c "via .*fe80::1 dev $1 proto \(83\|sno\)")" = 2 ]; }
# Everything of ours in the terminal's kernel; without the link-local addresses of its links.
ours() {
	on term ip route show table all proto 83
	on term ip -6 route show table all proto 83
	on term ip rule show | grep -v '^\(0\|32766\|32767\):'
	on term ip -6 rule show | grep -v '^\(0\|32766\|32767\):'
	on term ip neigh show nud permanent
	on term ip -o addr show | grep -E '10\.1\.0|2001:db8' | sed 's/^[0-9]*: //; s/ *valid_lft.*//'
	return 0
}
all_back() { [ "$before" = "$(ours)" ]; }
traffic() { reaches term "$server4" && reaches term "$server6" && reaches host "$server6"; }

# --- registration ------------------------------------------------------------------------------------

background core "$BUILD/sno-core-agent" -f -c "$WORK/core.conf" -s "$WORK/core.sock"
core=$background
ports_up() { [ "$("$BUILD/snoctl" -s "$WORK/core.sock" --json satellites | jq '[.table.rows[][2]] == ["connected", "connected"]')" = true ]; }
poll 5 ports_up
on core ip link set feed-s2 down # the core has set its ports up
terminal_conf "$command_mode" term ""
check "the configuration is good" "$BUILD/sno-terminal-agent" -t -c "$WORK/term.conf"
start_terminal
within 5 "the terminal registers on the link that has a carrier" registered s1
same "with its home address" 10.1.0.7 "$(value home4)"
check "default routes lead to the satellite" routes_by sat1
within 2 "packets of the terminal and of hosts behind it pass" traffic
same "the link-local address needed no duplicate address detection" "" \
	"$(on term ip -6 addr show dev sat1 tentative)"
same "the interior of the prefix cannot loop" unreachable \
	"$(on term ip -6 route show 2001:db8:a01::/56 proto 83 | cut -d' ' -f1)"
before=$(ours)

# --- what it tells -------------------------------------------------------------------------------------

links_listed() {
	[ "$(term --json links | jq -r '[.table.rows[] | "\(.[0]) \(.[3]) \(.[5])"] | join(", ")')" = \
		"s1 in use a.example, s2 no carrier null" ]
}
within 3 "the links are listed, with what is heard on them" links_listed
same "messages are counted" "2 1 1" \
	"$(term --json counters | jq -r '"\(.sent["core discovery"]) \(.received["registration done"]) \(.received["registration reject"])"')"
# From a router, too short, and with an unknown index; as frames, since the core has the address.
terminal_address=$(on term ip -o -6 addr show dev sat1 scope link | sed 's/.*inet6 \([^/]*\).*/\1/')
terminal_mac=$(on term ip -j link show sat1 | jq -r '.[0].address')
on core python3 - feed-s1 "$terminal_mac" "$terminal_address" <<'END'
import socket, struct, sys
port, mac, address = sys.argv[1:]
source, target = (socket.inet_pton(socket.AF_INET6, a) for a in ("fe80::1", address))
def checksum(octets):
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total ^ 0xffff or 0xffff
def send(hops, octets):
    length = 8 + len(octets)
    udp = struct.pack("!HHHH", 6276, 6276, length, 0) + octets
    pseudo = source + target + struct.pack("!II", length, 17)
    udp = udp[:6] + struct.pack("!H", checksum(pseudo + udp)) + udp[8:]
    ip = struct.pack("!IHBB", 6 << 28, length, 17, hops) + source + target
    link = bytes.fromhex(mac.replace(":", "")) + bytes.fromhex("02534e4f0001") + b"\x86\xdd"
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind((port, 0))
        s.send(link + ip + udp)
send(64, bytes([0x20, 1, 0, 0, 0, 0, 0, 0]))
send(255, bytes([0x20, 1]))
send(255, bytes([3, 1, 0, 0, 1, 2, 3, 4] + 40 * [0]))
END
dropped() { [ "$(term --json drops | jq -c '[.drops.value, .drops.short, .drops.index]')" = '[1,1,1]' ]; }
within 2 "forged datagrams are dropped, each for its reason" dropped
same "no answer holds a key" "" "$( (term --json status; term --json links; term --json counters) | grep -E '[A-Za-z0-9+/]{43}=')"
background core "$BUILD/snoctl" -s "$WORK/term.sock" --json monitor
monitor=$background
events=$WORK/core.$((${#processes[@]} - 1))
poll 3 test -s "$events"

# --- moving ------------------------------------------------------------------------------------------

echo 3 >"$WORK/hold"
echoes host 0.01 $server6
begun=$(date +%s%N)
check "a switch is accepted" term terminal switch s2
within 3 "the terminal is on the other link" registered s2
poll 3 timed
took=$((($(date +%s%N) - begun) / 1000))
same "the command was told from where to where" "s1 s2" "$(cat "$WORK/modem.log")"
within 2 "routes have moved" routes_by sat2
same "the handover is listed" "s1 s2 combined switch" \
	"$(last_handover '"\(.from.link) \(.to.link) \(.mode) \(.reason)"')"
gap=$(last_handover .gap_us)
result $((gap < 50000 || gap > took)) "with its gap ($gap us)"
# What is sent while there is no link waits for the next one.
all_echoed "of the traffic nothing is lost, repeated or out of order" ||
	note "$("$BUILD/snoctl" -s "$WORK/core.sock" drops; on core bridge -d link; on core ip -s link show dev feed-s2)"
echo 0 >"$WORK/hold"
held=$(last_handover .held)
result $((held < 3)) "as much of it has waited for the new link ($held packets)"
first=$(last_handover .first_packet_us)
result $((first < 1 || first > took)) "the first packet on it is timed ($first us)"
same "nothing is left in the hold" "0 0" "$(last_handover .dropped) $(term --json status | jq '.fields.held.value')"
seen() { jq -r 'select(.event) | .event' "$events" | tr '\n' ' '; }
all_seen() { [ "$(seen)" = "state state link state link state handover " ]; }
within 2 "a monitor has seen all of it" all_seen || note "$(seen)"
kill "$monitor"
same "no neighbour is left on the old link" "" "$(on term ip neigh show dev sat1 nud permanent)"
term terminal switch s1 >"$WORK/switch.out"
within 3 "and back again" registered s1
within 2 "everything is as it was" all_back || note "$(ours)"
same "the link in use is refused" 1 "$(term terminal switch s1 >/dev/null 2>&1; echo $?)"
same "and a time that is none" "1 1 1" "$(for time in in=soon in=-1 at=yesterday; do
	term terminal handover s2 $time >/dev/null 2>&1; echo $?; done | xargs)"
check "a handover can be ordered ahead" term terminal handover s2 in=3
same "it is planned" "s2 s1" "$(value 'next link') $(value link)"
within 6 "and made when it is time" registered s2
check "and so it goes back" term terminal handover s1
check "at once: it has left when the order is answered" test "$(value state) $(value link)" != "registered s2"
within 3 "and arrives" registered s1
on term ip link del sno-buf-up
# buffer_is_back NODE DEVICE
buffer_is_back() { on "$1" ip -d link show "$2" up 2>/dev/null | grep -qw tun; }
within 2 "the hold's device comes back when somebody has removed it" buffer_is_back term sno-buf-up
# Whoever is late reads that there is no device at once with the kernel's word that it has gone.
kill -STOP "$terminal" "$core"
on term ip link del sno-buf-up
on core ip link del sno-buf
kill -CONT "$terminal" "$core"
within 2 "also where the agent is late" buffer_is_back term sno-buf-up
within 2 "and that of a core" buffer_is_back core sno-buf
kill -STOP "$terminal"
on term ip link del sno-buf-up
on term ip link add sno-buf-up type veth peer name taken
kill -CONT "$terminal"
within 2 "another device in its place is told" grep -q 'sno-buf-up: there is a device of this name' "$terminal_log"
term terminal switch s2 >"$WORK/switch.out"
within 3 "without the hold the links can be switched still" registered s2
term terminal switch s1 >"$WORK/switch.out"
within 3 "and switched back" registered s1
on term ip link del sno-buf-up
within 2 "and when that is gone the hold's own comes" buffer_is_back term sno-buf-up
same "an unknown link is refused" 1 "$(term terminal switch s9 >/dev/null 2>&1; echo $?)"

# --- links that fail -----------------------------------------------------------------------------------

on core ip link set feed-s1 down
within 3 "a lost link is noticed" state_is down
same "the home addresses stay" 2 "$(on term ip -o addr show dev lo | grep -cE '10\.1\.0\.7|2001:db8:a::7')"
on core ip link set feed-s2 up
within 3 "and another one is taken as soon as it is there" registered s2
on core ip link set feed-s1 up
on core ip link set feed-s2 down
within 3 "or the one that is there already" registered s1
within 2 "with packets passing" traffic
on term ip link set sat1 down
on term ip link set sat1 up
within 3 "an interface that was set down and up is prepared anew" registered s1
within 2 "and its routes are back" traffic

# --- restart and repair ----------------------------------------------------------------------------------

before=$(ours)
stop_terminal KILL
check "without the agent, packets pass" traffic
same "and all is in place" "$before" "$(ours)"
start_terminal
within 5 "an agent that was killed goes on" registered s1
same "without a word to the home core" "null 1" \
	"$(term --json counters | jq -r '"\(.sent["core discovery"]) \(.sent.keepalive)"')"
same "over what it has left" "$before" "$(ours)"
on term ip route del default
on term ip -6 addr del 2001:db8:a::7/128 dev lo
within 4 "routes and addresses that somebody removes come back" all_back
stop_terminal TERM
same "stopping leaves them too" "$before" "$(ours)"

# --- reload ------------------------------------------------------------------------------------------------

on term ip link add sno-buf-up type veth peer name taken
start_terminal
within 5 "it registers, also where another device is in the hold's place" registered s1
check "which it tells" grep -q 'sno-buf-up: there is a device of this name' "$terminal_log"
on term ip link del sno-buf-up
within 2 "and when that is gone the hold's own comes" buffer_is_back term sno-buf-up
terminal_conf "$command_mode" term 'routes = { default = false; metric = 77; };'
check "a reload is carried out" term reload
same "routes have left the main table" "" "$(routes)"
same "and are in the own one" 2 "$( (on term ip route show table 8300; on term ip -6 route show table 8300) | grep -c '^default .* metric 77')"
check "where packets from the home address find them" on term ping -n -c 1 -W 1 -I 10.1.0.7 $server4
check "and those of hosts behind" reaches host $server6
same "nothing was lost by that" 0 "$(grep -c 'putting back' "$terminal_log")"
terminal_conf "$command_mode" stranger 'routes = { metric = 50; };'
same "a reload that takes a restart is refused" 1 "$(term reload >/dev/null 2>&1; echo $?)"
terminal_conf "$command_mode" term 'nonsense = 1;'
same "so is a bad configuration" 1 "$(term reload >/dev/null 2>&1; echo $?)"
terminal_conf "$command_mode" term ""
kill -HUP "$terminal"
within 2 "SIGHUP reloads" all_back

# --- farewell --------------------------------------------------------------------------------------------------

check "the terminal deregisters" term terminal disconnect
within 2 "and is down" state_is down
same "nothing is left of it" "" "$(ours)"
bound() { [ "$("$BUILD/snoctl" -s "$WORK/core.sock" --json bindings | jq -r '.table.rows[0][1]')" = "$1" ]; }
within 2 "the home core has no binding" bound none
on core ip link set feed-s1 down
on core ip link set feed-s1 up
sleep 1
check "it stays away" state_is down
check "until it is told to connect" term -d terminal connect
within 3 "and registers" registered s1
stop_terminal TERM

terminal_conf "$command_mode" stranger ""
start_terminal
poll 3 state_is discovering
sleep 1
check "another key does not register" state_is discovering
stop_terminal TERM

# --- switching by itself -----------------------------------------------------------------------------------------

on core ip link set feed-s2 up
terminal_conf 'mode = "self"; administrative = true;' term ""
start_terminal
within 5 "in mode self the agent sets the links" registered s1
same "one is up, the other is down" "sat1" "$(on term ip -br link show up | grep -o '^sat[12]')"
check "a switch is accepted" term terminal switch s2
within 5 "carried out" registered s2
links_up() { [ "$(on term ip -br link show up | grep -o '^sat[12]')" = "$1" ]; }
within 4 "and the old link is given up in the end" links_up sat2
check "packets pass" traffic
term terminal disconnect >"$WORK/disconnect.out"
within 2 "the terminal is gone" state_is down
same "without a trace" "" "$(ours)"
stop_terminal TERM

finish
