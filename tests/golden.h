/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the golden datagrams are made of: one line for each message, one for each datagram that is
 * to be dropped. Only make-datagrams.c includes this; everybody else reads the vectors.
 */
#ifndef SNO_TESTS_GOLDEN_H
#define SNO_TESTS_GOLDEN_H

#include "message.h"

#include <stddef.h>

/* Values as in tests/message_text.h; "*N" stands for N octets 00 01 02 ... */
struct golden_message {
	const char *name;
	enum message_type type;
	enum message_place place;
	uint32_t id;
	struct {
		enum attribute attribute;
		const char *value;
	} attributes[16];
	const char *skipped; /* octets of unknown attributes to be put behind, or NULL */
};

#define KEY_TEXT_A "d0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeef"
#define KEY_TEXT_H "909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
#define NAME_63	   "a-core-with-the-longest-name-that-fits-into-63-octets.0_example"

/* clang-format off */

static const struct golden_message golden_messages[] = {
	{"hello, IPv4 only", MESSAGE_HELLO, PLACE_HELLO, 0, .attributes = {
		{ATTR_CORE, "a.example"}, {ATTR_EPOCH, "72623859790382856"},
		{ATTR_TUNNEL_KINDS, "5"}, {ATTR_TUNNEL_KEY, "4711"}, {ATTR_TUNNEL_END4, "192.0.2.1"}}},
	{"hello, every tunnel kind", MESSAGE_HELLO, PLACE_HELLO, 0, .attributes = {
		{ATTR_CORE, "b.example"}, {ATTR_EPOCH, "18446744073709551615"},
		{ATTR_TUNNEL_KINDS, "31"}, {ATTR_TUNNEL_KEY, "16777215"},
		{ATTR_TUNNEL_END4, "192.0.2.2"}, {ATTR_TUNNEL_END6, "2001:db8::2"}}},
	{"hello, IPv6 only, longest name", MESSAGE_HELLO, PLACE_HELLO, 0, .attributes = {
		{ATTR_CORE, NAME_63}, {ATTR_EPOCH, "1"},
		{ATTR_TUNNEL_KINDS, "2"}, {ATTR_TUNNEL_KEY, "1"}, {ATTR_TUNNEL_END6, "2001:db8::3"}}},
	{"hello of a core that protects its tunnels", MESSAGE_HELLO, PLACE_HELLO, 0, .attributes = {
		{ATTR_CORE, "a.example"}, {ATTR_EPOCH, "72623859790382856"},
		{ATTR_TUNNEL_KINDS, "5"}, {ATTR_TUNNEL_KEY, "4711"}, {ATTR_TUNNEL_END4, "192.0.2.1"},
		{ATTR_SUITES, "3"}, {ATTR_SUITE, "2"}, {ATTR_SPI, "3221225473"}}},
	{"hello of another one, both families", MESSAGE_HELLO, PLACE_HELLO, 0, .attributes = {
		{ATTR_CORE, "b.example"}, {ATTR_EPOCH, "18446744073709551615"},
		{ATTR_TUNNEL_KINDS, "31"}, {ATTR_TUNNEL_KEY, "16777215"},
		{ATTR_TUNNEL_END4, "192.0.2.2"}, {ATTR_TUNNEL_END6, "2001:db8::2"},
		{ATTR_SUITES, "3"}, {ATTR_SUITE, "1"}, {ATTR_SPI, "256"}}},
	{"identity of a terminal that knows nothing yet", MESSAGE_IDENTITY, PLACE_IDENTITY, 0, .attributes = {
		{ATTR_USER, "alice"}, {ATTR_HOME_EPOCH, "0"}, {ATTR_COUNTER, "1"},
		{ATTR_LINK_LAYER, "02:00:00:00:00:0a"}, {ATTR_LINK_LOCAL, "fe80::ff:fe00:a"},
		{ATTR_MTU, "1500"}}},
	{"identity that names the core it heard", MESSAGE_IDENTITY, PLACE_IDENTITY, 0, .attributes = {
		{ATTR_CORE, "b.example"}, {ATTR_USER, "alice"},
		{ATTR_HOME_EPOCH, "81985529216486895"}, {ATTR_COUNTER, "42"},
		{ATTR_LINK_LAYER, "02:00:00:00:00:0a"}, {ATTR_LINK_LOCAL, "fe80::ff:fe00:a"},
		{ATTR_MTU, "1500"}}},
	{"identity, extreme values", MESSAGE_IDENTITY, PLACE_IDENTITY, 0, .attributes = {
		{ATTR_USER, NAME_63}, {ATTR_HOME_EPOCH, "18446744073709551615"},
		{ATTR_COUNTER, "18446744073709551615"}, {ATTR_LINK_LAYER, "00:00:5e:00:53:01"},
		{ATTR_LINK_LOCAL, "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}, {ATTR_MTU, "1280"}}},
	{"identity of a terminal between two links", MESSAGE_IDENTITY, PLACE_IDENTITY, 0, .attributes = {
		{ATTR_CORE, "c.example"}, {ATTR_USER, "alice"},
		{ATTR_HOME_EPOCH, "81985529216486895"}, {ATTR_COUNTER, "43"},
		{ATTR_LINK_LAYER, "02:00:00:00:00:0a"}, {ATTR_LINK_LOCAL, "fe80::ff:fe00:a"},
		{ATTR_MTU, "1500"}, {ATTR_MODE, "5"},
		{ATTR_EPHEMERAL,
		 "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"}}},
	{"assignment of everything", MESSAGE_ASSIGNMENT, PLACE_ASSIGNMENT, 0, .attributes = {
		{ATTR_CORE, "b.example"}, {ATTR_HOME_EPOCH, "81985529216486895"},
		{ATTR_COUNTER, "42"}, {ATTR_REASON, "0"}, {ATTR_LIFETIME, "300"},
		{ATTR_HOA4, "10.1.0.7"}, {ATTR_HOA6, "2001:db8:a::7"}, {ATTR_PREFIX, "2001:db8:a01::/56"},
		{ATTR_EPHEMERAL,
		 "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"}}},
	{"assignment, IPv4 only", MESSAGE_ASSIGNMENT, PLACE_ASSIGNMENT, 0, .attributes = {
		{ATTR_CORE, "a.example"}, {ATTR_HOME_EPOCH, "1"}, {ATTR_COUNTER, "1"},
		{ATTR_REASON, "0"}, {ATTR_LIFETIME, "4294967295"}, {ATTR_HOA4, "10.1.0.7"}}},
	{"assignment, IPv6 only", MESSAGE_ASSIGNMENT, PLACE_ASSIGNMENT, 0, .attributes = {
		{ATTR_CORE, "a.example"}, {ATTR_HOME_EPOCH, "1"}, {ATTR_COUNTER, "1"},
		{ATTR_REASON, "0"}, {ATTR_LIFETIME, "60"}, {ATTR_HOA6, "2001:db8:a::7"}}},
	{"assignment that asks to resynchronise", MESSAGE_ASSIGNMENT, PLACE_ASSIGNMENT, 0, .attributes = {
		{ATTR_CORE, "b.example"}, {ATTR_HOME_EPOCH, "81985529216486895"},
		{ATTR_COUNTER, "41"}, {ATTR_REASON, "4"}}},
	{"core advertisement", MESSAGE_CORE_ADVERTISEMENT, PLACE_CLEAR, 0, .attributes = {
		{ATTR_CORE, "b.example"}, {ATTR_EPOCH, "72623859790382856"}, {ATTR_INTERVAL, "1000"}}},
	{"core discovery", MESSAGE_CORE_DISCOVERY, PLACE_CLEAR, 305419896, .attributes = {
		{ATTR_REALM, "a.example"}, {ATTR_HANDSHAKE, "*180"}}},
	{"core discovery with the longest handshake", MESSAGE_CORE_DISCOVERY, PLACE_CLEAR, 4294967295, .attributes = {
		{ATTR_REALM, NAME_63}, {ATTR_HANDSHAKE, "*768"}}},
	{"core discovery with the short proof", MESSAGE_CORE_DISCOVERY, PLACE_CLEAR, 305419897, .attributes = {
		{ATTR_REALM, "a.example"}, {ATTR_COUNTER, "43"}, {ATTR_HANDSHAKE, "*180"},
		{ATTR_ARRIVAL, "000102030405060708090a0b0c0d0e0f"},
		{ATTR_HANDOVER_TAG, "5051525354555657"},
		{ATTR_HANDOVER_PROOF, "606162636465666768696a6b6c6d6e6f"}}},
	{"core discovery with the short proof, between two links", MESSAGE_CORE_DISCOVERY, PLACE_CLEAR, 1, .attributes = {
		{ATTR_REALM, "a"}, {ATTR_COUNTER, "18446744073709551615"}, {ATTR_HANDSHAKE, "*48"},
		{ATTR_ARRIVAL, "ffffffffffffffffffffffffffffffff"}, {ATTR_MODE, "5"},
		{ATTR_HANDOVER_TAG, "0000000000000000"},
		{ATTR_HANDOVER_PROOF, "00000000000000000000000000000000"}}},
	{"registration done", MESSAGE_REGISTRATION_DONE, PLACE_CLEAR, 305419896, .attributes = {
		{ATTR_HANDSHAKE, "*120"}, {ATTR_SEALED, "*70"}}},
	{"registration done, the shortest", MESSAGE_REGISTRATION_DONE, PLACE_CLEAR, 1, .attributes = {
		{ATTR_HANDSHAKE, "*48"}, {ATTR_SEALED, "*24"}}},
	{"registration done, as long as a datagram", MESSAGE_REGISTRATION_DONE, PLACE_CLEAR, 1, .attributes = {
		{ATTR_HANDSHAKE, "*768"}, {ATTR_SEALED, "*498"}}},
	{"registration done by the short proof", MESSAGE_REGISTRATION_DONE, PLACE_CLEAR, 305419897, .attributes = {
		{ATTR_SEALED, "*70"}}},
	{"registration reject by the serving core", MESSAGE_REGISTRATION_REJECT, PLACE_CLEAR, 305419896, .attributes = {
		{ATTR_REASON, "1"}}},
	{"registration reject by the home core", MESSAGE_REGISTRATION_REJECT, PLACE_CLEAR, 305419896, .attributes = {
		{ATTR_HANDSHAKE, "*100"}, {ATTR_REASON, "4"}}},
	{"registration at home", MESSAGE_REGISTRATION, PLACE_REGISTRATION, 2596069104, .attributes = {
		{ATTR_CORE, "a.example"}, {ATTR_EPOCH, "72623859790382856"}, {ATTR_MTU, "1500"},
		{ATTR_LIFETIME, "300"}}},
	{"registration of a visitor, IPv4", MESSAGE_REGISTRATION, PLACE_REGISTRATION, 2596069104, .attributes = {
		{ATTR_CORE, "b.example"}, {ATTR_EPOCH, "72623859790382856"}, {ATTR_MTU, "1400"},
		{ATTR_LIFETIME, "300"}, {ATTR_COA, "198.51.100.9"}}},
	{"registration of a visitor, IPv6", MESSAGE_REGISTRATION, PLACE_REGISTRATION, 2596069104, .attributes = {
		{ATTR_CORE, "b.example"}, {ATTR_EPOCH, "72623859790382856"}, {ATTR_MTU, "1360"},
		{ATTR_LIFETIME, "300"}, {ATTR_COA, "2001:db8:c::9"}}},
	{"registration of a prepared visitor", MESSAGE_REGISTRATION, PLACE_REGISTRATION, 2596069105, .attributes = {
		{ATTR_CORE, "c.example"}, {ATTR_EPOCH, "72623859790382857"}, {ATTR_MTU, "1400"},
		{ATTR_LIFETIME, "300"}, {ATTR_COA, "203.0.113.9"}, {ATTR_UPLINK_DELAY, "12500"},
		{ATTR_MODE, "4"}}},
	{"authentication", MESSAGE_AUTHENTICATION, PLACE_CORE, 1, .attributes = {
		{ATTR_REALM, "a.example"}, {ATTR_INDEX, "305419896"}, {ATTR_HANDSHAKE, "*180"}}},
	{"authentication that offers a care-of address", MESSAGE_AUTHENTICATION, PLACE_CORE, 10, .attributes = {
		{ATTR_REALM, "a.example"}, {ATTR_INDEX, "305419896"}, {ATTR_HANDSHAKE, "*180"},
		{ATTR_COA, "198.51.100.9"}, {ATTR_TUNNEL_KIND, "1"}, {ATTR_TUNNEL_KEY, "4711"},
		{ATTR_NEXT_SATELLITE, "s2"}}},
	{"authentication ACK, accepted", MESSAGE_AUTHENTICATION_ACK, PLACE_CORE, 1, .attributes = {
		{ATTR_USER, "alice"}, {ATTR_COUNTER, "2"}, {ATTR_HANDSHAKE, "*140"},
		{ATTR_LINK_LAYER, "02:00:00:00:00:0a"}, {ATTR_LINK_LOCAL, "fe80::ff:fe00:a"},
		{ATTR_MTU, "1500"}, {ATTR_REASON, "0"}, {ATTR_LIFETIME, "300"},
		{ATTR_HOA4, "10.1.0.7"}, {ATTR_HOA6, "2001:db8:a::7"}, {ATTR_PREFIX, "2001:db8:a01::/56"},
		{ATTR_ACCESS_KEY, KEY_TEXT_A}, {ATTR_BINDING, "1000001"}}},
	{"authentication ACK, accepted, IPv6 only", MESSAGE_AUTHENTICATION_ACK, PLACE_CORE, 4294967295, .attributes = {
		{ATTR_USER, "a"}, {ATTR_COUNTER, "0"}, {ATTR_HANDSHAKE, "*48"},
		{ATTR_LINK_LAYER, "02:00:00:00:00:0a"}, {ATTR_LINK_LOCAL, "fe80::1"},
		{ATTR_MTU, "65535"}, {ATTR_REASON, "0"}, {ATTR_LIFETIME, "1"},
		{ATTR_HOA6, "2001:db8:a::7"}, {ATTR_ACCESS_KEY, KEY_TEXT_A}, {ATTR_BINDING, "1"}}},
	{"authentication ACK, carried out", MESSAGE_AUTHENTICATION_ACK, PLACE_CORE, 10, .attributes = {
		{ATTR_USER, "alice"}, {ATTR_COUNTER, "2"}, {ATTR_HANDSHAKE, "*140"},
		{ATTR_LINK_LAYER, "02:00:00:00:00:0a"}, {ATTR_LINK_LOCAL, "fe80::ff:fe00:a"},
		{ATTR_MTU, "1400"}, {ATTR_REASON, "0"}, {ATTR_LIFETIME, "300"},
		{ATTR_HOA4, "10.1.0.7"}, {ATTR_ACCESS_KEY, KEY_TEXT_A}, {ATTR_BINDING, "1000001"},
		{ATTR_COA, "198.51.100.9"}, {ATTR_UPLINK_DELAY, "4294967295"}}},
	{"authentication ACK, resynchronise", MESSAGE_AUTHENTICATION_ACK, PLACE_CORE, 2, .attributes = {
		{ATTR_HANDSHAKE, "*100"}, {ATTR_REASON, "4"}}},
	{"authentication ACK, unknown terminal", MESSAGE_AUTHENTICATION_ACK, PLACE_CORE, 3, .attributes = {
		{ATTR_REASON, "2"}}},
	{"CoA + tunnel request, gre over IPv4", MESSAGE_TUNNEL_REQUEST, PLACE_CORE, 4, .attributes = {
		{ATTR_BINDING, "1000001"}, {ATTR_COA, "198.51.100.9"}, {ATTR_TUNNEL_KIND, "1"},
		{ATTR_TUNNEL_KEY, "4711"}}},
	{"CoA + tunnel request, gpe over IPv6", MESSAGE_TUNNEL_REQUEST, PLACE_CORE, 5, .attributes = {
		{ATTR_BINDING, "18446744073709551615"}, {ATTR_COA, "2001:db8:c::9"},
		{ATTR_TUNNEL_KIND, "8"}, {ATTR_TUNNEL_KEY, "16777215"}}},
	{"CoA + tunnel request of a terminal that has arrived", MESSAGE_TUNNEL_REQUEST, PLACE_CORE, 11, .attributes = {
		{ATTR_COUNTER, "43"}, {ATTR_BINDING, "1000002"}, {ATTR_COA, "203.0.113.9"},
		{ATTR_TUNNEL_KIND, "1"}, {ATTR_TUNNEL_KEY, "4712"}, {ATTR_NEXT_SATELLITE, "s3"},
		{ATTR_ARRIVAL, "000102030405060708090a0b0c0d0e0f"}, {ATTR_MODE, "5"}}},
	{"tunnel ACK, accepted", MESSAGE_TUNNEL_ACK, PLACE_CORE, 4, .attributes = {
		{ATTR_MTU, "1400"}, {ATTR_REASON, "0"}, {ATTR_BINDING, "1000001"}}},
	{"tunnel ACK, stale binding", MESSAGE_TUNNEL_ACK, PLACE_CORE, 5, .attributes = {
		{ATTR_REASON, "12"}, {ATTR_BINDING, "1000001"}}},
	{"core disconnect from a terminal that says nothing", MESSAGE_CORE_DISCONNECT, PLACE_ACCESS, 1, .attributes = {
		{0}}},
	{"core disconnect from a terminal", MESSAGE_CORE_DISCONNECT, PLACE_ACCESS, 2, .attributes = {
		{ATTR_NEXT_SATELLITE, "s2"}, {ATTR_NEXT_CORE, "c.example"}}},
	{"core disconnect that deregisters", MESSAGE_CORE_DISCONNECT, PLACE_ACCESS, 3, .attributes = {
		{ATTR_LIFETIME, "0"}}},
	{"core disconnect passed on", MESSAGE_CORE_DISCONNECT, PLACE_CORE, 6, .attributes = {
		{ATTR_LIFETIME, "298"}, {ATTR_BINDING, "1000001"}, {ATTR_NEXT_SATELLITE, "s2"},
		{ATTR_NEXT_CORE, "c.example"}}},
	{"core disconnect that names a move", MESSAGE_CORE_DISCONNECT, PLACE_ACCESS, 4, .attributes = {
		{ATTR_LINK_LAYER, "02:00:00:00:00:0b"}, {ATTR_LINK_LOCAL, "fe80::ff:fe00:b"},
		{ATTR_MTU, "1500"}, {ATTR_NEXT_SATELLITE, "s3"}, {ATTR_NEXT_CORE, "c.example"},
		{ATTR_HANDOVER_COUNTER, "1"}}},
	{"core disconnect that names a move, relayed", MESSAGE_CORE_DISCONNECT, PLACE_CORE, 12, .attributes = {
		{ATTR_LINK_LAYER, "02:00:00:00:00:0b"}, {ATTR_LINK_LOCAL, "fe80::ff:fe00:b"},
		{ATTR_MTU, "1500"}, {ATTR_BINDING, "1000001"}, {ATTR_NEXT_SATELLITE, "s3"},
		{ATTR_NEXT_CORE, "c.example"}, {ATTR_HANDOVER_COUNTER, "18446744073709551615"}}},
	{"disconnection ACK to a terminal", MESSAGE_DISCONNECTION_ACK, PLACE_ACCESS, 1, .attributes = {
		{ATTR_REASON, "0"}}},
	{"disconnection ACK between cores", MESSAGE_DISCONNECTION_ACK, PLACE_CORE, 6, .attributes = {
		{ATTR_REASON, "12"}}},
	{"disconnection ACK, prepared", MESSAGE_DISCONNECTION_ACK, PLACE_CORE, 12, .attributes = {
		{ATTR_REASON, "0"}, {ATTR_NEXT_CORE, "c.example"}, {ATTR_UPLINK_DELAY, "12500"},
		{ATTR_MODE, "3"}}},
	{"disconnection ACK, not prepared", MESSAGE_DISCONNECTION_ACK, PLACE_ACCESS, 4, .attributes = {
		{ATTR_REASON, "22"}}},
	{"release between cores", MESSAGE_RELEASE, PLACE_CORE, 7, .attributes = {
		{ATTR_REASON, "13"}, {ATTR_BINDING, "1000001"}}},
	{"release of a terminal that has two links", MESSAGE_RELEASE, PLACE_CORE, 13, .attributes = {
		{ATTR_REASON, "13"}, {ATTR_BINDING, "1000001"}, {ATTR_MODE, "5"}}},
	{"release of a preparation", MESSAGE_RELEASE, PLACE_CORE, 14, .attributes = {
		{ATTR_REASON, "21"}, {ATTR_BINDING, "1000002"}}},
	{"release to a terminal", MESSAGE_RELEASE, PLACE_ACCESS, 1, .attributes = {
		{ATTR_REASON, "16"}}},
	{"release ACK between cores", MESSAGE_RELEASE_ACK, PLACE_CORE, 7, .attributes = {
		{ATTR_REASON, "0"}}},
	{"release ACK from a terminal", MESSAGE_RELEASE_ACK, PLACE_ACCESS, 1, .attributes = {
		{ATTR_REASON, "0"}}},
	{"handover done from a terminal", MESSAGE_HANDOVER_DONE, PLACE_ACCESS, 4, .attributes = {
		{ATTR_GAP, "50123"}, {ATTR_REGISTRATION_TIME, "100456"}}},
	{"handover done passed on", MESSAGE_HANDOVER_DONE, PLACE_CORE, 8, .attributes = {
		{ATTR_BINDING, "1000001"}, {ATTR_GAP, "4294967295"}, {ATTR_REGISTRATION_TIME, "0"}}},
	{"handover done with everything measured", MESSAGE_HANDOVER_DONE, PLACE_ACCESS, 5, .attributes = {
		{ATTR_GAP, "50123"}, {ATTR_REGISTRATION_TIME, "50456"}, {ATTR_MODE, "4"},
		{ATTR_FIRST_PACKET, "50789"}, {ATTR_BUFFERED, "1500"}, {ATTR_DROPPED, "0"}}},
	{"handover done ACK to a terminal", MESSAGE_HANDOVER_DONE_ACK, PLACE_ACCESS, 4, .attributes = {
		{ATTR_REASON, "0"}}},
	{"handover done ACK between cores", MESSAGE_HANDOVER_DONE_ACK, PLACE_CORE, 8, .attributes = {
		{ATTR_REASON, "0"}}},
	{"proactive authentication, everything", MESSAGE_PROACTIVE_AUTHENTICATION, PLACE_CORE, 15, .attributes = {
		{ATTR_USER, "alice"}, {ATTR_LINK_LAYER, "02:00:00:00:00:0b"},
		{ATTR_LINK_LOCAL, "fe80::ff:fe00:b"}, {ATTR_MTU, "1500"}, {ATTR_LIFETIME, "300"},
		{ATTR_HOA4, "10.1.0.7"}, {ATTR_HOA6, "2001:db8:a::7"}, {ATTR_PREFIX, "2001:db8:a01::/56"},
		{ATTR_BINDING, "1000002"}, {ATTR_NEXT_SATELLITE, "s3"}, {ATTR_HANDOVER_KEY, KEY_TEXT_H},
		{ATTR_EXPECTED, "2000"}, {ATTR_HOLD, "1"}, {ATTR_UPLINK_DELAY, "12500"}}},
	{"proactive authentication, the least", MESSAGE_PROACTIVE_AUTHENTICATION, PLACE_CORE, 16, .attributes = {
		{ATTR_USER, "a"}, {ATTR_LIFETIME, "1"}, {ATTR_HOA6, "2001:db8:a::7"}, {ATTR_BINDING, "1"},
		{ATTR_HANDOVER_KEY, KEY_TEXT_H}, {ATTR_EXPECTED, "0"}, {ATTR_HOLD, "0"}}},
	{"proactive authentication ACK, prepared", MESSAGE_PROACTIVE_AUTHENTICATION_ACK, PLACE_CORE, 15, .attributes = {
		{ATTR_MTU, "1400"}, {ATTR_REASON, "0"}, {ATTR_COA, "203.0.113.9"},
		{ATTR_TUNNEL_KIND, "1"}, {ATTR_TUNNEL_KEY, "4712"}, {ATTR_HOLD, "1"}}},
	{"proactive authentication ACK, refused", MESSAGE_PROACTIVE_AUTHENTICATION_ACK, PLACE_CORE, 16, .attributes = {
		{ATTR_REASON, "5"}}},
	{"handover announcement", MESSAGE_HANDOVER_ANNOUNCEMENT, PLACE_ACCESS, 6, .attributes = {
		{ATTR_LINK_LAYER, "02:00:00:00:00:0b"}, {ATTR_LINK_LOCAL, "fe80::ff:fe00:b"},
		{ATTR_MTU, "1500"}, {ATTR_NEXT_SATELLITE, "s3"}, {ATTR_HANDOVER_COUNTER, "1"},
		{ATTR_EXPECTED, "2000"}}},
	{"handover announcement, relayed", MESSAGE_HANDOVER_ANNOUNCEMENT, PLACE_CORE, 17, .attributes = {
		{ATTR_BINDING, "1000001"}, {ATTR_NEXT_CORE, "c.example"}, {ATTR_HANDOVER_COUNTER, "2"},
		{ATTR_EXPECTED, "4294967295"}}},
	{"handover announcement ACK, prepared", MESSAGE_HANDOVER_ANNOUNCEMENT_ACK, PLACE_ACCESS, 6, .attributes = {
		{ATTR_REASON, "0"}, {ATTR_NEXT_CORE, "c.example"}, {ATTR_UPLINK_DELAY, "0"},
		{ATTR_MODE, "4"}}},
	{"handover announcement ACK, not prepared", MESSAGE_HANDOVER_ANNOUNCEMENT_ACK, PLACE_CORE, 17, .attributes = {
		{ATTR_REASON, "22"}}},
	{"echo", MESSAGE_ECHO, PLACE_CORE, 18, .attributes = {{0}}},
	{"echo ACK", MESSAGE_ECHO_ACK, PLACE_CORE, 18, .attributes = {
		{ATTR_REASON, "0"}}},
	{"keepalive between cores", MESSAGE_KEEPALIVE, PLACE_CORE, 0, .attributes = {{0}}},
	{"keepalive on the access side", MESSAGE_KEEPALIVE, PLACE_ACCESS, 0, .attributes = {{0}}},
	{"error between cores", MESSAGE_ERROR, PLACE_CORE, 9, .attributes = {
		{ATTR_REASON, "19"}}},
	{"error on the access side, reason of a later version", MESSAGE_ERROR, PLACE_ACCESS, 9, .attributes = {
		{ATTR_REASON, "65535"}}},
	{"keepalive with attributes of a later version", MESSAGE_KEEPALIVE, PLACE_CORE, 0, .attributes = {{0}},
		.skipped = "800003616263810000ff000100"},
	{"release with an attribute of a later version", MESSAGE_RELEASE, PLACE_CORE, 7, .attributes = {
		{ATTR_REASON, "13"}, {ATTR_BINDING, "1000001"}}, .skipped = "90000455aa55aa"},
};

/* What is dropped. The octets are written by hand from PROTOCOL section 2. */
static const struct {
	const char *name;
	enum message_place place;
	enum drop reason;
	const char *octets;
} golden_drops[] = {
	{"nothing", PLACE_CORE, DROP_SHORT, ""},
	{"hello, suites without an index", PLACE_HELLO, DROP_MISSING,
	 "1001000000000000" "01000161" "0400080000000000000001" "17000101" "18000400000001"
	 "2c000103" "2d000101"},
	{"hello, two suites preferred", PLACE_HELLO, DROP_VALUE,
	 "1001000000000000" "01000161" "0400080000000000000001" "17000101" "18000400000001"
	 "2c000103" "2d000103" "2e000400000100"},
	{"hello, a reserved index", PLACE_HELLO, DROP_VALUE,
	 "1001000000000000" "01000161" "0400080000000000000001" "17000101" "18000400000001"
	 "2c000103" "2d000101" "2e0004000000ff"},
	{"seven octets", PLACE_CORE, DROP_SHORT, "3e010000000000"},
	{"one octet behind the head", PLACE_CORE, DROP_SHORT, "3e0100000000000080"},
	{"attribute without its length", PLACE_CORE, DROP_SHORT, "b2010000000000010e00"},
	{"attribute without its value", PLACE_CORE, DROP_SHORT, "b2010000000000010e0002"},
	{"attribute cut in its value", PLACE_CORE, DROP_SHORT, "b2010000000000010e000200"},
	{"skipped attribute cut", PLACE_CORE, DROP_SHORT, "3e0100000000000080000461"},
	{"version 0", PLACE_CORE, DROP_VERSION, "3e00000000000000"},
	{"version 2", PLACE_CORE, DROP_VERSION, "3e02000000000000"},
	{"reserved not 0", PLACE_CORE, DROP_VERSION, "3e01000100000000"},
	{"version before type", PLACE_CORE, DROP_VERSION, "7702000000000000"},
	{"unknown type", PLACE_CORE, DROP_TYPE, "7701000000000001"},
	{"unknown request", PLACE_CORE, DROP_TYPE, "3d01000000000001"},
	{"bundle as a message", PLACE_CORE, DROP_TYPE, "3f0100000000000000083e01000000000000"},
	{"proactive authentication from a terminal", PLACE_ACCESS, DROP_TYPE, "3501000000000001"},
	{"echo from a terminal", PLACE_ACCESS, DROP_TYPE, "3701000000000001"},
	{"sealed inside sealed", PLACE_CORE, DROP_TYPE,
	 "03010000000000010000000000000000000102030405060708090a0b0c0d0e0f"},
	{"advertisement inside sealed", PLACE_CORE, DROP_TYPE,
	 "2001000000000000010001610400080000000000000001" "0d000203e8"},
	{"tunnel ACK on the access side", PLACE_ACCESS, DROP_TYPE,
	 "b1010000000000010e0002000014000800000000000000" "01"},
	{"keepalive in the clear", PLACE_CLEAR, DROP_TYPE, "3e01000000000000"},
	{"keepalive with an id", PLACE_CORE, DROP_VALUE, "3e01000000000001"},
	{"request without an id", PLACE_ACCESS, DROP_VALUE, "3201000000000000"},
	{"twice the same attribute", PLACE_CORE, DROP_ORDER, "b2010000000000010e000200000e00020000"},
	{"attributes the wrong way round", PLACE_CORE, DROP_ORDER,
	 "33010000000000071400080000000000000001" "0e0002000d"},
	{"known attribute behind a skipped one", PLACE_CORE, DROP_ORDER, "b2010000000000018000000e00020000"},
	{"attribute 0", PLACE_CORE, DROP_UNKNOWN, "3e01000000000000000000"},
	{"attribute 0x33", PLACE_CORE, DROP_UNKNOWN, "3e0100000000000033000161"},
	{"attribute 0x7f", PLACE_CORE, DROP_UNKNOWN, "3e010000000000007f0000"},
	{"keepalive with a reason", PLACE_CORE, DROP_UNEXPECTED, "3e010000000000000e00020000"},
	{"unexpected before its length", PLACE_CORE, DROP_UNEXPECTED, "3e010000000000000e0000"},
	{"ACK without a reason", PLACE_CORE, DROP_MISSING, "b201000000000001"},
	{"release between cores without a binding", PLACE_CORE, DROP_MISSING, "33010000000000010e0002000d"},
	{"core disconnect between cores without a binding", PLACE_CORE, DROP_MISSING, "3201000000000001"},
	{"authentication ACK 0 with nothing else", PLACE_CORE, DROP_MISSING, "b0010000000000010e00020000"},
	{"assignment 0 without lifetime", PLACE_ASSIGNMENT, DROP_MISSING,
	 "12010000000000000100016105000800000000000000010600080000000000000001"
	 "0e000200001000040a010007"},
	{"assignment 0 without an address", PLACE_ASSIGNMENT, DROP_MISSING,
	 "12010000000000000100016105000800000000000000010600080000000000000001"
	 "0e000200000f00040000012c"},
	{"core discovery with half of the short proof", PLACE_CLEAR, DROP_MISSING,
	 "210100000000000102000161" "0600080000000000000001"
	 "080030" "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f"
	 "210010" "000102030405060708090a0b0c0d0e0f"},
	{"authentication with a care-of address and no tunnel", PLACE_CORE, DROP_MISSING,
	 "300100000000000102000161" "07000400000001"
	 "080030" "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f"
	 "1500040a010007"},
	{"tunnel request with an arrival and no counter", PLACE_CORE, DROP_MISSING,
	 "310100000000000114000800000000000000011500040a010007" "16000101" "18000400000001"
	 "210010" "000102030405060708090a0b0c0d0e0f"},
	{"proactive authentication without an address", PLACE_CORE, DROP_MISSING,
	 "350100000000000103000161" "0f00040000012c" "1400080000000000000001"
	 "200020" "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f" "22000400000000"},
	{"proactive authentication ACK 0 without a care-of address", PLACE_CORE, DROP_MISSING,
	 "b501000000000001" "0c00020578" "0e00020000"},
	{"handover announcement between cores without a binding", PLACE_CORE, DROP_MISSING,
	 "3601000000000001" "1f00080000000000000001" "22000400000000"},
	{"reason of one octet", PLACE_CORE, DROP_LENGTH, "b2010000000000010e000100"},
	{"reason of three octets", PLACE_CORE, DROP_LENGTH, "b2010000000000010e0003000000"},
	{"name of no octets", PLACE_ACCESS, DROP_LENGTH, "32010000000000011c0000"},
	{"name of 64 octets", PLACE_ACCESS, DROP_LENGTH,
	 "32010000000000011c004061616161616161616161616161616161616161616161616161616161616161"
	 "61616161616161616161616161616161616161616161616161616161616161616161"},
	{"care-of address of five octets", PLACE_CORE, DROP_LENGTH,
	 "310100000000000114000800000000000000011500050a01000700" "16000101" "18000400000001"},
	{"proof of 15 octets", PLACE_CLEAR, DROP_LENGTH,
	 "210100000000000102000161" "0600080000000000000001"
	 "080030" "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f"
	 "210010" "000102030405060708090a0b0c0d0e0f" "2900080001020304050607" "2a000f000102030405060708090a0b0c0d0e"},
	{"name in capitals", PLACE_ACCESS, DROP_VALUE, "32010000000000011c000141"},
	{"name with a zero octet", PLACE_ACCESS, DROP_VALUE, "32010000000000011c00026100"},
	{"binding 0", PLACE_ACCESS, DROP_VALUE, "32010000000000011400080000000000000000"},
	{"move 0", PLACE_ACCESS, DROP_VALUE, "3601000000000001" "1f00080000000000000000" "22000400000000"},
	{"mode 0", PLACE_ACCESS, DROP_VALUE, "b6010000000000010e00020000" "25000100"},
	{"mode 6", PLACE_ACCESS, DROP_VALUE, "b6010000000000010e00020000" "25000106"},
	{"hold 2", PLACE_CORE, DROP_VALUE,
	 "350100000000000103000161" "0f00040000012c" "1000040a010007" "1400080000000000000001"
	 "200020" "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f" "22000400000000" "23000102"},
	{"interval 0", PLACE_CLEAR, DROP_VALUE, "2001000000000000010001610400080000000000000001" "0d00020000"},
	{"epoch 0", PLACE_CLEAR, DROP_VALUE, "2001000000000000010001610400080000000000000000" "0d000203e8"},
	{"two tunnel kinds at once", PLACE_CORE, DROP_VALUE,
	 "310100000000000114000800000000000000011500040a010007" "16000103" "18000400000001"},
	{"tunnel key of 25 bits", PLACE_CORE, DROP_VALUE,
	 "310100000000000114000800000000000000011500040a010007" "16000101" "18000401000000"},
	{"multicast care-of address", PLACE_CORE, DROP_VALUE,
	 "31010000000000011400080000000000000001150004e0000001" "16000101" "18000400000001"},
};

/* clang-format on */

/* What is sealed in a channel: a message or bundle in each. Messages are those above. */
static const struct {
	bool by_initiator;
	uint64_t counter;
	const char *messages[4];
} golden_channel[] = {
	{true, 0, {"keepalive between cores"}},
	{false, 0, {"authentication"}},
	{true, 1, {"authentication ACK, accepted"}},
	{false, UINT64_C(0x0102030405060708), {"release between cores"}},
	{true,
	 2,
	 {"proactive authentication, everything", "proactive authentication, the least",
	  "keepalive between cores"}},
	{false,
	 UINT64_C(0x0102030405060709),
	 {"proactive authentication ACK, prepared", "proactive authentication ACK, refused"}},
};

/* What is sealed between terminal and serving core after a registration. */
static const struct {
	bool up;
	uint64_t counter;
	const char *message;
} golden_session[] = {
	{true, 0, "handover done from a terminal"},
	{false, 1, "handover done ACK to a terminal"},
	{true, 1, "core disconnect from a terminal"},
	{false, 259, "release to a terminal"},
};

#endif
