/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames of the access side, built and taken apart, against octets from elsewhere. */
#include "frame.h"

#include "tests/hex.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/*
 * "hello" from [fe80::ff:fe00:101]:6276 to [ff02::6276:1]:6276. The checksum was
 * computed by hand from RFC 8200 section 8.1.
 */
static const char hello[] = "333362760001020000000101"
			    "86dd"
			    "60000000000d11ff"
			    "fe80000000000000000000fffe000101"
			    "ff020000000000000000000062760001"
			    "18841884000d2afe"
			    "68656c6c6f";

static struct frame frame_of(const uint8_t *payload, size_t length)
{
	struct frame f = {.src = {{2, 0, 0, 0, 1, 1}},
			  .sport = 6276,
			  .dport = 6276,
			  .hop_limit = 255,
			  .payload = payload,
			  .length = length};

	assert_int_equal(addr_parse(&f.ip_src, "fe80::ff:fe00:101"), 0);
	assert_int_equal(addr_parse(&f.ip_dst, "ff02::6276:1"), 0);
	f.dst = frame_multicast(&f.ip_dst);
	return f;
}

/* RFC 8200 section 8.1 in the plainest way: the sum over pseudo-header and datagram is all ones. */
static bool checksum_right(const uint8_t *octets, size_t length)
{
	const uint8_t *udp = octets + 54;
	size_t udp_length = length - 54;
	uint64_t sum = udp_length + 17;

	for (size_t i = 22; i < 54; i++)
		sum += i % 2 ? octets[i] : (uint64_t)octets[i] << 8;
	for (size_t i = 0; i < udp_length; i++)
		sum += i % 2 ? udp[i] : (uint64_t)udp[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff && (udp[6] || udp[7]);
}

static void test_build(void **state)
{
	struct frame f = frame_of((const uint8_t *)"hello", 5);
	uint8_t octets[100], wanted[100];
	ssize_t length = hex_decode(wanted, sizeof(wanted), hello);

	(void)state;
	assert_int_equal(frame_build(&f, octets, sizeof(octets)), 67);
	assert_int_equal(length, 67);
	assert_memory_equal(octets, wanted, (size_t)length);
	assert_true(checksum_right(octets, (size_t)length));
	assert_int_equal(frame_build(&f, octets, 67), 67);
	assert_int_equal(frame_build(&f, octets, 66), -EMSGSIZE);
}

/* A checksum of zero would mean "none", which IPv6 does not allow. */
static void test_checksum(void **state)
{
	static const uint8_t zero_sum[] = {0x6e, 0xd6};
	struct frame f = frame_of(zero_sum, sizeof(zero_sum));
	uint8_t octets[1500], payload[1300];

	(void)state;
	assert_int_equal(frame_build(&f, octets, sizeof(octets)), 64);
	assert_int_equal(octets[60] << 8 | octets[61], 0xffff);
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 251 + 255);
	for (size_t length = 0; length <= sizeof(payload); length++) {
		f = frame_of(payload, length);
		assert_int_equal(frame_build(&f, octets, sizeof(octets)), 62 + length);
		assert_true(checksum_right(octets, 62 + length));
	}
}

static void test_parse(void **state)
{
	uint8_t octets[200];
	ssize_t length = hex_decode(octets, sizeof(octets), hello);
	struct frame f, wanted = frame_of(NULL, 0);

	(void)state;
	assert_int_equal(frame_parse(&f, octets, (size_t)length), 0);
	assert_true(lladdr_equal(&f.src, &wanted.src));
	assert_true(lladdr_equal(&f.dst, &wanted.dst));
	assert_true(addr_equal(&f.ip_src, &wanted.ip_src));
	assert_true(addr_equal(&f.ip_dst, &wanted.ip_dst));
	assert_int_equal(f.sport, 6276);
	assert_int_equal(f.dport, 6276);
	assert_int_equal(f.hop_limit, 255);
	assert_int_equal(f.length, 5);
	assert_memory_equal(f.payload, "hello", 5);
	/* A link pads short frames: what is behind the packet is nothing. */
	memset(octets + length, 0xee, 60);
	assert_int_equal(frame_parse(&f, octets, (size_t)length + 60), 0);
	assert_int_equal(f.length, 5);
	/* Cut anywhere, it is none. */
	for (size_t cut = 0; cut < (size_t)length; cut++) {
		uint8_t *exact = malloc(cut ? cut : 1);

		assert_non_null(exact);
		memcpy(exact, octets, cut);
		assert_int_equal(frame_parse(&f, exact, cut), -EBADMSG);
		free(exact);
	}
}

static void test_ports(void **state)
{
	uint8_t octets[200];
	ssize_t length = hex_decode(octets, sizeof(octets), hello);
	struct frame f;

	(void)state;
	octets[54] = 1;
	octets[57] = 2;
	octets[21] = 64;
	assert_int_equal(frame_parse(&f, octets, (size_t)length), 0);
	assert_int_equal(f.sport, 0x184);
	assert_int_equal(f.dport, 0x1802);
	assert_int_equal(f.hop_limit, 64);
}

/* One octet made another: what is then said of the frame. */
static void test_other_frames(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		int result;
	} table[] = {
		{12, 0x08, -EPROTONOSUPPORT}, /* no IPv6 */
		{13, 0x00, -EPROTONOSUPPORT}, /* ... */
		{14, 0x40, -EPROTONOSUPPORT}, /* version 4 */
		{14, 0x6f, 0},		      /* a traffic class */
		{20, 6, -EPROTONOSUPPORT},    /* TCP */
		{20, 0, -EPROTONOSUPPORT},    /* hop-by-hop options */
		{20, 44, -EPROTONOSUPPORT},   /* a fragment */
		{19, 14, -EBADMSG},	      /* the packet is longer than the frame */
		{19, 12, -EBADMSG},	      /* it is not as long as the datagram in it */
		{59, 12, -EBADMSG},	      /* nor the datagram as the packet */
		{59, 14, -EBADMSG},
		{58, 1, -EBADMSG},
		{18, 1, -EBADMSG},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		uint8_t octets[200];
		ssize_t length = hex_decode(octets, sizeof(octets), hello);
		struct frame f;

		octets[table[i].at] = table[i].value;
		assert_int_equal(frame_parse(&f, octets, (size_t)length), table[i].result);
	}
}

/* Both lengths agree, and are less than a UDP head: RFC 768 has none so short. */
static void test_too_short(void **state)
{
	uint8_t octets[200];
	ssize_t length = hex_decode(octets, sizeof(octets), hello);
	struct frame f;

	(void)state;
	octets[19] = octets[59] = 7;
	assert_int_equal(frame_parse(&f, octets, (size_t)length), -EBADMSG);
	octets[19] = octets[59] = 8;
	assert_int_equal(frame_parse(&f, octets, (size_t)length), 0);
	assert_int_equal(f.length, 0);
}

static void test_too_long(void **state)
{
	uint8_t *payload = calloc(1, 65536), *octets = malloc(65536 + 62);
	struct frame f = frame_of(payload, 65527), back;

	(void)state;
	assert_true(payload && octets);
	assert_int_equal(frame_build(&f, octets, 65536 + 62), 65527 + 62);
	assert_int_equal(frame_parse(&back, octets, 65527 + 62), 0);
	assert_int_equal(back.length, 65527);
	f.length = 65528;
	assert_int_equal(frame_build(&f, octets, 65536 + 62), -EMSGSIZE);
	f.length = SIZE_MAX;
	assert_int_equal(frame_build(&f, octets, 65536 + 62), -EMSGSIZE);
	free(payload);
	free(octets);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_build),	     cmocka_unit_test(test_checksum),
		cmocka_unit_test(test_parse),	     cmocka_unit_test(test_ports),
		cmocka_unit_test(test_other_frames), cmocka_unit_test(test_too_short),
		cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
