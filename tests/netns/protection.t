#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: uml
# shellcheck disable=SC2317 # functions are called by name
#
# Protected tunnels with real packets (PROTOCOL section 16): nothing but ESP is on the wire, what is
# forged does not get in, keys are renewed by time and by octets under 1,000 packets a second without
# one lost, a core is restarted under them, and there is no way down to clear text.
#
#	t1 of core a visits core b; the server sends to it, and it to the server
. "${SRCDIR:-.}/tests/netns/lib.sh"
need_root
need_program tcpdump jq python3
need_device gre external
have_esp || skip_all "this kernel has no ESP"

SERVER=203.0.113.2 HOME4=10.1.0.10 END_A=198.18.1.2 END_B=198.18.2.2

# lab CORE-A-OPTIONS -- CORE-B-OPTIONS: and t1 goes to b.
lab() {
	local a=() b=()
	while [ "$1" != -- ]; do a+=("$1") && shift; done
	shift
	b=("$@")
	lab_up <<-LAB
		gap 10ms
		underlay both
		core a drain=500ms ${a[*]}
		core b drain=500ms ${b[*]}
		satellite s1 core=a
		satellite s2 core=b
		terminal t1 home=a links=s1,s2
	LAB
}

home6() { ip -n "$PREFIX-t1" -6 -o addr show scope global | grep -o "2001:db8:a0:1:[^/]*" | head -n 1; }

visits() {
	handover t1 s2 >/dev/null
	within 10 "t1 visits b" served_by t1 b s2
	within 5 "and is reached there" on server ping -n -c 1 -W 1 "$HOME4"
}

# stat CORE NAME: a counter of the kernel's IPsec.
stat() { on "$1" sed -n "s/^$2[[:space:]]*//p" /proc/net/xfrm_stat; }

# spis CORE FROM: the indices of the associations from an address.
spis() { on "$1" ip xfrm state list src "$2" | awk '/^\tproto esp/ {print $4}' | sort; }

# flows SECONDS [OPTIONS]: 1,000 packets a second each way for so long.
flows() {
	local count=$(($1 * 1000)) log
	shift
	receivers=() senders=()
	for log in down up; do
		local node=t1 port=9001 to=$HOME4 from=server
		[ $log = down ] || { node=server port=9002 to=$SERVER from=t1; }
		rm -f "$WORK/$log"
		ip netns exec "$PREFIX-$node" "$BUILD/tests/bench/stream" receive -o "$WORK/$log" $port >"$WORK/$log.sum" &
		receivers+=($!)
		# From when it catches SIGTERM and SIGINT, it is ready; what is this shell still catches more.
		poll 10 grep -q '^SigCgt:[[:space:]]*0*4002$' "/proc/$!/status"
		ip netns exec "$PREFIX-$from" "$BUILD/tests/bench/stream" send -i 1000 -n "$count" "$@" "$to/$port" >/dev/null &
		senders+=($!)
	done
}

flows_end() {
	wait "${senders[@]}"
	sleep 1
	kill "${receivers[@]}"
	wait "${receivers[@]}" 2>/dev/null
}

# arrived LOG: how many packets, each counted once.
arrived() { "$BUILD/tests/bench/stream" dump "$WORK/$1" | awk -F, '/^[0-9]/ {if (!seen[$1]++) n++} END {print n + 0}'; }

# lossless NAME SECONDS
lossless() {
	flows_end
	same "$1: every packet down has arrived" $(($2 * 1000)) "$(arrived down)"
	same "$1: and every packet up" $(($2 * 1000)) "$(arrived up)"
}

renewed() { [ "$(on "$1" ip -j xfrm state list src "$2" 2>/dev/null | wc -c)" -gt 0 ] && [ "$(spis "$1" "$2")" != "$3" ]; }

# --- what is on the wire ---------------------------------------------------------------------------

# An association dies at one and a half of rekey.
lab rekey=6 keepalive=500ms -- rekey=6 keepalive=500ms
visits
for core in a b; do
	ip netns exec "$PREFIX-$core" tcpdump -q -n -i net0 -Q out --immediate-mode -U -w "$WORK/wire.$core" 2>"$WORK/tcpdump.$core" &
	sniffers+=($!)
	poll 5 grep -q 'listening on' "$WORK/tcpdump.$core"
done
check "echo requests are answered" on server ping -n -c 20 -i 0.05 -W 2 "$HOME4"
check "over IPv6 too" on server ping -n -6 -c 20 -i 0.05 -W 2 "$(home6)"
esp() { tcpdump -n -r "$WORK/wire.$1" 'ip proto 50 or ip6 proto 50' 2>/dev/null | wc -l; }
all_seen() { [ "$(esp a)" -ge 40 ] && [ "$(esp b)" -ge 40 ]; }
poll 5 all_seen
kill "${sniffers[@]}"
wait "${sniffers[@]}" 2>/dev/null
for core in a b; do
	esp=$(esp $core)
	same "what leaves $core for the other core is ESP" yes "$([ "$esp" -ge 40 ] && echo yes || echo "$esp")"
	same "and nothing else but signalling" "" "$(tcpdump -n -r "$WORK/wire.$core" \
		'net 198.18.0.0/15 or net 100.64.0.0/10 or ip6 net 2001:db8:f0::/48 or ip6 net 2001:db8:c0::/48' 2>/dev/null |
		grep -vE 'ESP\(|\.6275|ICMP6, neighbor|ARP' | head -n 3)"
done
same "in 64-bit numbers, with a window of 4096" 1 \
	"$(on a ip xfrm state | grep -q 'replay_window 4096' && on a ip xfrm state | grep -q 'esn' && echo 1)"

# shown: way and SPI of each association of a with its peer, as snoctl shows them; there: as the kernel has them.
shown() {
	ctl a protection --json |
		jq -r '.table | (.columns | map(.name? // .)) as $c | .rows[]
			| [$c, .] | transpose | map({(.[0]): .[1]}) | add
			| select(.protection == "chacha20-poly1305" and .peer == "b.example"
				and .octets >= 0 and .age >= 0 and .end != null) | "\(.way) \(.spi)"' |
		sed 's/0x/0x00000000/; s/0x0*\(.\{8\}\)$/0x\1/' | sort -u
}
there() {
	on a ip xfrm state | awk -v end="$END_A" '/^src/ {way = $2 == end ? "out" : $4 == end ? "in" : ""}
		way && /^\tproto esp/ {print way, $4}' | sort -u
}
# They come and go every six seconds: what counts is a moment in which none has.
shows_all() {
	local before all
	before=$(there) all=$(shown)
	[ -n "$all" ] && [ "$all" = "$before" ] && [ "$before" = "$(there)" ]
}
within 10 "snoctl shows each association" shows_all
# Of what has been replaced nothing is told any more.
carried() {
	reaches server "$HOME4"
	[ "$(ctl a protection --json | jq '[.table.rows[][6]] | add')" -gt 0 ]
}
within 10 "and what it has carried" carried
check "and when the next is due" bash -c "'$BUILD/snoctl' -s '$LAB_DIR/a.sock' protection --json | jq -e '[.table.rows[] | select(.[1] == \"out\") | .[8] <= 8] | all'"

# --- what is forged --------------------------------------------------------------------------------

# forge FROM TO INNER-FROM INNER-TO KEY [SECONDS]: an echo request in clear GRE, from somewhere on the
# Internet; again after so many seconds, for ever.
forge() {
	on inet python3 - "$@" <<-'END'
		import socket, struct, sys, time
		def total(data):
		    value = sum(struct.unpack(f"!{len(data) // 2}H", data))
		    while value >> 16:
		        value = (value & 0xffff) + (value >> 16)
		    return ~value & 0xffff
		def ip(source, target, proto, payload):
		    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 7, 0, 64, proto, 0,
		                       socket.inet_aton(source), socket.inet_aton(target))
		    return head[:10] + struct.pack("!H", total(head)) + head[12:] + payload
		outer_from, outer_to, inner_from, inner_to, key, *pause = sys.argv[1:]
		echo = struct.pack("!BBHHH", 8, 0, 0, 0x5353, 1)
		echo = echo[:2] + struct.pack("!H", total(echo)) + echo[4:]
		gre = struct.pack("!HHI", 0x2000, 0x0800, int(key)) + ip(inner_from, inner_to, 1, echo)
		raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
		raw.sendto(ip(outer_from, outer_to, 47, gre), (outer_to, 0))
		while pause:
		    time.sleep(float(pause[0]))
		    raw.sendto(ip(outer_from, outer_to, 47, gre), (outer_to, 0))
	END
}

# forged NAME CORE COUNTER NODE FILTER FORGE...: nothing of it comes out, and the kernel counts it.
forged() {
	local name=$1 core=$2 counter=$3 node=$4 filter=$5 before
	shift 5
	before=$(stat "$core" "$counter")
	rm -f "$WORK/tcpdump.forged"
	ip netns exec "$PREFIX-$node" tcpdump -l -n -i any -c 1 "icmp and $filter" >"$WORK/came" 2>"$WORK/tcpdump.forged" &
	poll 5 grep -q 'listening on' "$WORK/tcpdump.forged"
	forge "$@"
	poll 5 eval "[ \$((\$(stat $core $counter) - $before)) -ge 1 ]"
	sleep 0.3
	kill $! 2>/dev/null
	wait $!
	same "$name: nothing comes out of the tunnel" "" "$(cat "$WORK/came")"
	same "$name: counted as $counter" 1 $(($(stat "$core" "$counter") - before))
}

coa=$(ctl a bindings --json | jq -r '.. | .["care-of"]? // .coa? // empty' | head -n 1)
[ -n "$coa" ] || coa=$(ip -n "$PREFIX-a" route show "$HOME4" | grep -o 'dst 100\.64[0-9.]*' | cut -d' ' -f2)
key_b=$(ip -n "$PREFIX-a" route show "$HOME4" | grep -o 'id [0-9]*' | cut -d' ' -f2)
key_a=$(ip -n "$PREFIX-b" route show table 8300 | grep -o 'id [0-9]*' | head -n 1 | cut -d' ' -f2)
forged "clear text in the name of a" b XfrmInTmplMismatch t1 "src 203.0.113.77" \
	"$END_A" "$coa" 203.0.113.77 "$HOME4" "$key_b"
forged "from an address that is no peer's" b XfrmInPolBlock t1 "src 203.0.113.78" \
	203.0.113.9 "$coa" 203.0.113.78 "$HOME4" "$key_b"
forged "clear text in the name of b" a XfrmInTmplMismatch server "src 10.1.0.77" \
	"$END_B" "$END_A" 10.1.0.77 "$SERVER" "$key_a"
forged "to the home core from nobody" a XfrmInPolBlock server "src 10.1.0.78" \
	203.0.113.9 "$END_A" 10.1.0.78 "$SERVER" "$key_a"
check "what is true still passes" reaches server "$HOME4"

# The same while somebody takes the policies away again and again: then it is the guard that drops it.
# clear CORE: so many packets.
clear() { ctl "$1" drops --json | jq '[.table.rows[] | select(.[:2] == ["packets", "tunnel: clear"]) | .[2]] | add // 0'; }
# heard CORE: how many packets have come in there.
heard() { on "$1" cat /sys/class/net/net0/statistics/rx_packets; }
has_heard() { [ "$(heard "$1")" -ge "$2" ]; }
# robbed CORE: without policies, and with nobody who would put them back, while 60 packets come, of which
# few are not forged.
robbed() {
	local pid
	pid=$(pgrep -f "sno-core-agent -f -c $LAB_DIR/$1\\.conf")
	kill -STOP "$pid"
	on "$1" ip xfrm policy flush
	poll 10 has_heard "$1" $(($(heard "$1") + 60))
	kill -CONT "$pid"
}
# poured CORE BEFORE: its policies have refused more than that.
poured() { [ "$(stat "$1" XfrmInTmplMismatch)" -ge $(($2 + 20)) ]; }
dropped_clear() { [ "$(clear "$1")" -ge 20 ]; }
same "b has dropped no clear text by its guard" 0 "$(clear b)"
same "nor has a" 0 "$(clear a)"
sniffers=() forgers=()
for node in t1 server; do
	ip netns exec "$PREFIX-$node" tcpdump -n -i any -U -w "$WORK/came.$node" 'icmp[icmptype] = 8 and icmp[4:2] = 0x5353' \
		2>"$WORK/tcpdump.$node" &
	sniffers+=($!)
	poll 20 grep -q 'listening on' "$WORK/tcpdump.$node"
done
forge "$END_A" "$coa" 203.0.113.77 "$HOME4" "$key_b" 0.02 &
forgers+=($!)
forge "$END_B" "$END_A" "$HOME4" "$SERVER" "$key_a" 0.02 &
forgers+=($!)
for core in b a; do
	within 60 "$core: clear text is coming in" poured $core "$(stat $core XfrmInTmplMismatch)"
	robbed $core
	within 10 "$core: without policies its guard drops clear text" dropped_clear $core
done
kill "${forgers[@]}"
wait "${forgers[@]}" 2>/dev/null
sleep 1
kill "${sniffers[@]}"
wait "${sniffers[@]}" 2>/dev/null
for node in t1 server; do
	same "none of it comes out of the tunnel to $node" "" "$(tcpdump -n -r "$WORK/came.$node" 2>/dev/null | head -n 3)"
done
within 10 "and what is true passes" reaches server "$HOME4"

# What has told the guard that they were protected is none of anybody's business behind it.
mark=$(on b ip xfrm state list src "$END_A" | grep -o 'output-mark [^ ]*' | sort -u)
same "what b decrypts has a mark of the peer" output-mark "${mark%% *}"
on b ip rule add iif sno-gre fwmark "${mark#* }" prohibit priority 50
check "which it has lost behind the guard" reaches server "$HOME4"
on b ip rule del iif sno-gre fwmark "${mark#* }" prohibit priority 50

# --- keys are renewed by time ------------------------------------------------------------------------

before_a=$(spis a "$END_A") before_b=$(spis b "$END_B")
flows 10
lossless "renewed by time" 10
check "the keys of a were renewed" [ "$before_a" != "$(spis a "$END_A")" ]
check "those of b too" [ "$before_b" != "$(spis b "$END_B")" ]
same "one association to send with" 1 "$(spis a "$END_A" | wc -l)"
check "few to receive with" [ "$(spis a "$END_B" | wc -l)" -le 4 ]

# --- somebody removes it -------------------------------------------------------------------------------

# policies CORE: as they are, without the key material that states have.
policies() { on "$1" ip xfrm policy | sort; }
as_before() { [ "$(policies "$1")" = "$2" ]; }
# sends_under CORE FROM SPIS: with another association than these.
sends_under() { [ -n "$(spis "$1" "$2")" ] && [ "$(spis "$1" "$2")" != "$3" ]; }

sniffers=()
rm -f "$WORK"/tcpdump.*
for core in a b; do
	ip netns exec "$PREFIX-$core" tcpdump -n -i net0 -Q out -s 96 -B 8192 -U -w "$WORK/clear.$core" \
		'ip proto 47 or ip proto 4 or udp port 4790 or (ip6 and ip6[6] == 47)' 2>"$WORK/tcpdump.$core" &
	sniffers+=($!)
	poll 20 grep -q 'listening on' "$WORK/tcpdump.$core"
done
for core in a b; do
	own=$END_A
	[ $core = a ] || own=$END_B
	on $core ip xfrm state add src 203.0.113.71 dst 203.0.113.72 proto esp spi 0x5353 reqid 7 mode tunnel \
		aead 'rfc7539esp(chacha20,poly1305)' "0x$(printf '5b%.0s' {1..36})" 128
	before=$(policies $core)
	flows 12
	sleep 1
	on $core ip xfrm policy flush
	within 5 "$core: policies that somebody has flushed are back" as_before $core "$before"
	within 5 "$core: and t1 is reached" reaches server "$HOME4"
	on $core ip xfrm policy deleteall
	within 5 "$core: and those that were deleted one by one" as_before $core "$before"
	spis=$(spis $core $own)
	on $core ip xfrm state delete src $own dst "$([ $core = a ] && echo "$END_B" || echo "$END_A")" proto esp spi "$(head -n 1 <<<"$spis")"
	within 8 "$core: who has lost an association has another one" sends_under $core $own "$spis"
	within 5 "$core: and t1 is reached" reaches server "$HOME4"
	check "$core: what is not ours stays" on $core ip xfrm state get src 203.0.113.71 dst 203.0.113.72 proto esp spi 0x5353
	spis=$(spis $core $own)
	on $core ip xfrm state flush
	within 8 "$core: when all were flushed too" sends_under $core $own "$spis"
	within 5 "$core: and t1 is reached" reaches server "$HOME4"
	on $core bash -c 'ip xfrm policy flush; ip xfrm state flush'
	within 8 "$core: when nothing was left" sends_under $core $own "$spis"
	within 5 "$core: and t1 is reached" reaches server "$HOME4"
	check "$core: with its policies" as_before $core "$before"
	flows_end
	check "$core: meanwhile packets have passed" [ "$(arrived down)" -gt 4000 ]
done
kill "${sniffers[@]}"
wait "${sniffers[@]}" 2>/dev/null
for core in a b; do
	same "$core: nothing has left in clear text" "" "$(tcpdump -n -r "$WORK/clear.$core" 2>/dev/null | head -n 5)"
done

# --- restarts ----------------------------------------------------------------------------------------

for core in b a; do
	before=$(spis $core "$([ $core = a ] && echo "$END_A" || echo "$END_B")")
	flows 8
	sleep 2
	lab_do kill $core >/dev/null
	sleep 1
	lab_do start $core >/dev/null
	lossless "$core killed and started" 8
	check "$core has new keys" [ "$before" != "$(spis $core "$([ $core = a ] && echo "$END_A" || echo "$END_B")")" ]
done
within 10 "t1 is served by b" served_by t1 b s2
lab_down

# --- by octets, with AES -----------------------------------------------------------------------------

lab rekey_octets=300000 suite=aes-256-gcm -- rekey_octets=300000 suite=aes-256-gcm
visits
same "both prefer AES" 'aead rfc4106(gcm(aes))' "$(on a ip xfrm state | grep -o 'aead [^ ]*' | sort -u)"
rekeys=$(grep -c 'keys of the tunnels are worn' "$LAB_DIR/a.log")
flows 8 -s 200
lossless "renewed by octets" 8
check "a has renewed them several times" [ "$(grep -c 'keys of the tunnels are worn' "$LAB_DIR/a.log")" -ge $((rekeys + 2)) ]
lab_down

# --- no way down -------------------------------------------------------------------------------------

lab protection=none -- protection=esp
handover t1 s2 >/dev/null
within 10 "b refuses t1: they do not protect alike" \
	grep -q 'refused: no-common-protection' "$LAB_DIR/b.log"
same "there is no route into a tunnel" "" "$(ip -n "$PREFIX-a" route show | grep encap; ip -n "$PREFIX-b" route show table all | grep encap)"
check "b says what to do" grep -q 'no tunnels, it does not protect its own and we protect ours: set protection' "$LAB_DIR/b.log"
check "a too" grep -q 'no tunnels, it protects its own and we do not protect ours: set protection' "$LAB_DIR/a.log"
check "that a protects nothing is said at its start" grep -q 'tunnels to it are not protected' "$LAB_DIR/a.log"
same "snoctl says it too" "b.example both none" "$(ctl a protection | awk '/^b.example/ {print $1, $2, $3}')"
handover t1 s1 >/dev/null
within 10 "at home it is served" served_by t1 a s1
finish
