#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: host
#
# What a tester sees who asks for the key log: tshark, with scripts/wireshark/sno.lua, shows the
# signalling of real handovers down to what is sealed twice; without the keys it shows that there is
# something. Nobody else gets keys: the file is its owner's, and a service does not start with it.
. "${SRCDIR:-.}/tests/netns/lib.sh"

need_root
need_program tshark jq
cd -- "$WORK" || exit 1
cat >keylog.lab <<'END'
mode combined
associations known
tunnel auto
gap 20ms
core a drain=1s
core b drain=1s
satellite s1 core=a
satellite s2 core=b
terminal t1 home=a links=s1,s2
at 1 handover t1 s2
at 4 handover t1 s1
end 7
END

SNO_KEYLOGFILE=$WORK/keys timeout 300 "$SRCDIR/scripts/lab" run --name "$LAB" --keep --output out keylog.lab >run.out 2>&1
result $? "a lab with SNO_KEYLOGFILE" || note "$(cat run.out)"
same "the key log is its owner's alone" 600 "$(stat -c %a keys)"
check "it is lines of the two kinds" test "$(grep -vcE '^(SEALED [0-9a-f]{8}|NOISE [0-9a-f]{64}) [0-9a-f]{64}$' keys)" = 0
check "every daemon that seals says so aloud" test "$(grep -l 'all keys are written to' out/a.log out/b.log out/t1.log | wc -l)" = 3

# dissect FILE FILTER FIELD...: one line for each frame of a capture.
dissect() {
	local fields=() field
	for field in "${@:3}"; do fields+=(-e "$field"); done
	tshark -X "lua_script:$SRCDIR/scripts/wireshark/sno.lua" -o "sno.keylog:$KEYS" -r "$1" -Y "$2" \
		-T fields "${fields[@]}" 2>tshark.err
}

KEYS=$WORK/keys
for capture in a-net0 s1-acc0 s2-acc0; do
	check "$capture: there is signalling" test "$(dissect "out/$capture.pcap" sno frame.number | wc -l)" -gt 0
	same "$capture: everything sealed is opened" "" "$(dissect "out/$capture.pcap" 'sno.opened == 0' frame.number sno.type)"
	same "$capture: nothing would be dropped" "" "$(dissect "out/$capture.pcap" sno.malformed frame.number _ws.expert.message)"
done
same "who a terminal is, in its discovery" t1 "$(dissect out/s2-acc0.pcap 'sno.type == 0x21' sno.user | sort -u)"
same "... which the core that it visits passes on" t1 "$(dissect out/a-net0.pcap 'sno.type == 0x30' sno.user | sort -u)"
same "what its home core assigns, in the answer to it" 1 "$(dissect out/s2-acc0.pcap 'sno.type == 0x12' sno.hoa4 | sort -u | grep -c '^10\.1\.')"
check "the access key, sealed between cores" test -n "$(dissect out/a-net0.pcap 'sno.type == 0xb0' sno.access_key)"
check "what terminal and core say under it" test -n "$(dissect out/s2-acc0.pcap 'sno.type == 0x34' sno.gap)"

KEYS=
same "without the keys nothing is opened" "" "$(dissect out/a-net0.pcap 'sno.opened == 1' frame.number)"
check "... and what is clear is shown" test "$(dissect out/s2-acc0.pcap 'sno.realm == "a.example"' frame.number | wc -l)" -gt 0

# A service manager's child refuses.
"$BUILD/snoctl" genkey >private 2>/dev/null
chmod 600 private
cat >core.conf <<END
core = { name = "a.example"; private_key_file = "$WORK/private"; listen = [ "127.0.0.1" ]; };
END
SNO_KEYLOGFILE=$WORK/refused NOTIFY_SOCKET=/nowhere "$BUILD/sno-core-agent" -f -c core.conf -s "$WORK/sock" >refused.out 2>&1
same "a service does not start with SNO_KEYLOGFILE" 1 $?
check "... says why" grep -q 'SNO_KEYLOGFILE is set: keys are written in labs only' refused.out
check "... and writes nothing" test ! -e refused
finish
