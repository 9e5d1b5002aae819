/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses: what is taken, what is refused, and that every form survives the way to text and
 * socket address and back. The refusals matter most, since configuration files and command
 * lines end up here.
 */
#include "addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static struct addr address(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, text), 0);
	return a;
}

static struct prefix prefix(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(&p, text), 0);
	return p;
}

static void test_family(void **state)
{
	(void)state;
	assert_int_equal(addr_length(AF_INET), 4);
	assert_int_equal(addr_length(AF_INET6), 16);
	assert_int_equal(addr_length(AF_UNSPEC), 0);
	assert_int_equal(addr_bits(AF_INET), 32);
	assert_int_equal(addr_bits(AF_INET6), 128);
	assert_int_equal(addr_bits(AF_UNIX), 0);
}

static void test_addr_text(void **state)
{
	static const struct {
		const char *text;
		const char *shown; /* NULL: refused */
	} cases[] = {
		{"192.0.2.1", "192.0.2.1"},
		{"0.0.0.0", "0.0.0.0"},
		{"255.255.255.255", "255.255.255.255"},
		{"::", "::"},
		{"2001:DB8:0:0::1", "2001:db8::1"},
		{"fe80::1", "fe80::1"},
		{"ff02::6276:1", "ff02::6276:1"},
		{"2001:db8:1111:2222:3333:4444:5555:6666",
		 "2001:db8:1111:2222:3333:4444:5555:6666"},
		{"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
		{"", NULL},
		{" 192.0.2.1", NULL},
		{"192.0.2.1 ", NULL},
		{"192.0.2", NULL},
		{"192.0.2.256", NULL},
		{"192.0.2.01", NULL},
		{"192.0.2.1/32", NULL},
		{"192.0.2.1:80", NULL},
		{"2001:db8::1::2", NULL},
		{"[2001:db8::1]", NULL},
		{"fe80::1%lo", NULL},
		{"1:2:3:4:5:6:7:8:9", NULL},
		{"none", NULL},
	};
	char text[ADDR_TEXT];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct addr a = {.family = AF_UNSPEC}, before = a;

		if (!cases[i].shown) {
			assert_int_equal(addr_parse(&a, cases[i].text), -EINVAL);
			assert_memory_equal(&a, &before, sizeof(a));
			continue;
		}
		assert_int_equal(addr_parse(&a, cases[i].text), 0);
		assert_string_equal(addr_format(&a, text), cases[i].shown);
	}
	assert_string_equal(addr_format(&(struct addr){.family = AF_UNSPEC}, text), "none");
}

static void test_addr_order(void **state)
{
	static const char *const ascending[] = {
		"0.0.0.0", "9.255.255.255", "10.0.0.0",	   "192.0.2.255",
		"::",	   "2001:db8::",    "2001:db8::1", "fe80::",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(ascending); i++) {
		for (size_t j = 0; j < COUNT(ascending); j++) {
			struct addr a = address(ascending[i]), b = address(ascending[j]);
			int order = addr_compare(&a, &b);

			assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
			assert_int_equal(addr_equal(&a, &b), i == j);
		}
	}
}

/* Whatever lies in the twelve bytes after an IPv4 address, two equal addresses are equal. */
static void test_addr_tail_ignored(void **state)
{
	struct addr a, b;

	(void)state;
	memset(&a, 0xaa, sizeof(a));
	memset(&b, 0x55, sizeof(b));
	a.family = b.family = AF_INET;
	a.v4.s_addr = b.v4.s_addr = htonl(0xc0000201);
	assert_true(addr_equal(&a, &b));
	a.family = b.family = AF_UNSPEC;
	assert_true(addr_none(&a));
	assert_true(addr_equal(&a, &b));
}

static void test_link_local(void **state)
{
	static const struct {
		const char *text;
		bool link_local;
	} cases[] = {
		{"fe80::1", true},	{"febf:ffff::", true},	{"fec0::", false},
		{"fe7f::1", false},	{"2001:db8::1", false}, {"169.254.1.1", false},
		{"254.128.0.1", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct addr a = address(cases[i].text);

		assert_int_equal(addr_link_local(&a), cases[i].link_local);
	}
}

static void test_prefix_text(void **state)
{
	static const struct {
		const char *text;
		const char *shown; /* NULL: refused */
	} cases[] = {
		{"10.1.0.0/16", "10.1.0.0/16"},
		{"0.0.0.0/0", "0.0.0.0/0"},
		{"::/0", "::/0"},
		{"10.1.0.7", "10.1.0.7/32"},
		{"10.1.0.7/32", "10.1.0.7/32"},
		{"10.1.0.8/29", "10.1.0.8/29"},
		{"2001:db8:a::/64", "2001:db8:a::/64"},
		{"2001:db8:a01::/56", "2001:db8:a01::/56"},
		{"2001:db8::1", "2001:db8::1/128"},
		{"2001:db8:8000::/33", "2001:db8:8000::/33"},
		{"2001:db8:1111:2222:3333:4444:5555:6666/128",
		 "2001:db8:1111:2222:3333:4444:5555:6666/128"},
		{"10.1.0.1/16", NULL},
		{"10.1.0.8/28", NULL},
		{"2001:db8:8000::/32", NULL},
		{"128.0.0.0/0", NULL},
		{"10.0.0.0/33", NULL},
		{"::/129", NULL},
		{"10.0.0.0/", NULL},
		{"10.0.0.0/08", NULL},
		{"10.0.0.0/+8", NULL},
		{"10.0.0.0/ 8", NULL},
		{"10.0.0.0/8 ", NULL},
		{"10.0.0.0/8/8", NULL},
		{"10.0.0.0/-1", NULL},
		{"10.0.0.0/255.0.0.0", NULL},
		{"10.0.0.0/4294967304", NULL},
		{"/8", NULL},
		{"", NULL},
		{"2001:db8:1111:2222:3333:4444:5555:66666666666666666666666/8", NULL},
	};
	char text[PREFIX_TEXT];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct prefix p = {.length = 7}, before = p;

		if (!cases[i].shown) {
			assert_int_equal(prefix_parse(&p, cases[i].text), -EINVAL);
			assert_memory_equal(&p, &before, sizeof(p));
			continue;
		}
		assert_int_equal(prefix_parse(&p, cases[i].text), 0);
		assert_string_equal(prefix_format(&p, text), cases[i].shown);
	}
	assert_string_equal(prefix_format(&(struct prefix){.length = 8}, text), "none");
}

static void test_prefix_relations(void **state)
{
	static const struct {
		const char *outer, *inner;
		bool covers, overlap;
	} cases[] = {
		{"10.0.0.0/8", "10.1.0.0/16", true, true},
		{"10.1.0.0/16", "10.0.0.0/8", false, true},
		{"10.1.0.0/16", "10.1.0.0/16", true, true},
		{"10.1.0.0/16", "10.2.0.0/16", false, false},
		{"0.0.0.0/0", "192.0.2.1", true, true},
		{"0.0.0.0/0", "2001:db8::/32", false, false},
		{"::/0", "0.0.0.0/0", false, false},
		{"2001:db8::/33", "2001:db8:7fff::/48", true, true},
		{"2001:db8::/33", "2001:db8:8000::/48", false, false},
		{"10.1.0.8/29", "10.1.0.15", true, true},
		{"10.1.0.8/29", "10.1.0.16", false, false},
		{"192.0.2.1", "192.0.2.1", true, true},
	};
	const struct prefix none = {.addr = {.family = AF_UNSPEC}};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct prefix outer = prefix(cases[i].outer), inner = prefix(cases[i].inner);

		assert_int_equal(prefix_covers(&outer, &inner), cases[i].covers);
		assert_int_equal(prefix_overlap(&outer, &inner), cases[i].overlap);
		assert_int_equal(prefix_overlap(&inner, &outer), cases[i].overlap);
		assert_int_equal(prefix_equal(&outer, &inner),
				 strcmp(cases[i].outer, cases[i].inner) == 0);
		assert_false(prefix_contains(&none, &inner.addr));
		assert_false(prefix_covers(&none, &inner));
		assert_false(prefix_overlap(&outer, &none));
		assert_false(prefix_equal(&outer, &none));
	}
	assert_true(prefix_none(&none));
	assert_true(prefix_equal(&none, &none));
	assert_false(prefix_overlap(&none, &none));
}

static void test_prefix_contains(void **state)
{
	static const char *const inside[] = {"198.51.100.0", "198.51.100.127"};
	static const char *const outside[] = {"198.51.100.128", "198.51.99.255", "::c633:6400"};
	struct prefix p = prefix("198.51.100.0/25");

	(void)state;
	for (size_t i = 0; i < COUNT(inside); i++) {
		struct addr a = address(inside[i]);

		assert_true(prefix_contains(&p, &a));
	}
	for (size_t i = 0; i < COUNT(outside); i++) {
		struct addr a = address(outside[i]);

		assert_false(prefix_contains(&p, &a));
	}
}

static void test_prefix_of(void **state)
{
	struct addr v4 = address("192.0.2.1"), v6 = address("2001:db8::1");
	struct addr none = {.family = AF_UNSPEC};
	struct prefix p4 = prefix_of(&v4), p6 = prefix_of(&v6), p0 = prefix_of(&none);

	(void)state;
	assert_int_equal(p4.length, 32);
	assert_int_equal(p6.length, 128);
	assert_true(addr_equal(&p4.addr, &v4));
	assert_true(addr_equal(&p6.addr, &v6));
	assert_true(prefix_none(&p0));
}

static void test_endpoint_text(void **state)
{
	static const struct {
		const char *text;
		const char *shown; /* NULL: refused */
	} cases[] = {
		{"192.0.2.1:6275", "192.0.2.1:6275"},
		{"192.0.2.1", "192.0.2.1:4242"},
		{"192.0.2.1:1", "192.0.2.1:1"},
		{"192.0.2.1:65535", "192.0.2.1:65535"},
		{"[2001:db8::1]:6275", "[2001:db8::1]:6275"},
		{"2001:db8::1", "[2001:db8::1]:4242"},
		{"2001:db8::1:6275", "[2001:db8::1:6275]:4242"},
		{"192.0.2.1:0", NULL},
		{"192.0.2.1:65536", NULL},
		{"192.0.2.1:", NULL},
		{"192.0.2.1:06275", NULL},
		{"192.0.2.1:+1", NULL},
		{"192.0.2.1:62 75", NULL},
		{"192.0.2.1:6275:1", NULL},
		{"[192.0.2.1]:6275", NULL},
		{"[2001:db8::1]", NULL},
		{"[2001:db8::1]6275", NULL},
		{"[2001:db8::1", NULL},
		{"2001:db8::1]:6275", NULL},
		{"[]:6275", NULL},
		{"[:6275", NULL},
		{":6275", NULL},
		{":", NULL},
		{"", NULL},
		{"b.example:6275", NULL},
	};
	char text[ENDPOINT_TEXT];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct endpoint e = {.port = 9}, before = e;

		if (!cases[i].shown) {
			assert_int_equal(endpoint_parse(&e, cases[i].text, 4242), -EINVAL);
			assert_memory_equal(&e, &before, sizeof(e));
			continue;
		}
		assert_int_equal(endpoint_parse(&e, cases[i].text, 4242), 0);
		assert_int_equal(e.ifindex, 0);
		assert_string_equal(endpoint_format(&e, text), cases[i].shown);
	}
	assert_string_equal(endpoint_format(&(struct endpoint){.port = 1}, text), "none");
}

static void test_endpoint_longest_text(void **state)
{
	struct endpoint e = {.port = 65535, .ifindex = UINT32_MAX};
	char text[ENDPOINT_TEXT];

	(void)state;
	e.addr = address("fe80:1111:2222:3333:4444:5555:6666:7777");
	assert_string_equal(endpoint_format(&e, text),
			    "[fe80:1111:2222:3333:4444:5555:6666:7777%4294967295]:65535");
}

static void test_endpoint_sockaddr(void **state)
{
	struct endpoint e = {.port = 6276, .ifindex = 3}, back;
	struct sockaddr_storage ss;
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)&ss;
	struct addr v4 = address("192.0.2.1");

	(void)state;
	e.addr = address("fe80::1");
	assert_int_equal(endpoint_to_sockaddr(&e, &ss), sizeof(struct sockaddr_in6));
	assert_int_equal(sin6->sin6_port, htons(6276));
	assert_int_equal(sin6->sin6_scope_id, 3);
	assert_int_equal(endpoint_from_sockaddr(&back, &ss), 0);
	assert_true(addr_equal(&back.addr, &e.addr));
	assert_int_equal(back.port, 6276);
	assert_int_equal(back.ifindex, 3);

	/* What a dual-stack socket reports for an IPv4 sender. */
	e.addr = address("::ffff:192.0.2.1");
	endpoint_to_sockaddr(&e, &ss);
	assert_int_equal(endpoint_from_sockaddr(&back, &ss), 0);
	assert_true(addr_equal(&back.addr, &v4));
	assert_int_equal(back.port, 6276);
	assert_int_equal(back.ifindex, 0);

	e.addr = v4;
	assert_int_equal(endpoint_to_sockaddr(&e, &ss), sizeof(struct sockaddr_in));
	assert_int_equal(endpoint_from_sockaddr(&back, &ss), 0);
	assert_true(addr_equal(&back.addr, &v4));

	e.addr.family = AF_UNSPEC;
	assert_int_equal(endpoint_to_sockaddr(&e, &ss), 0);
	ss.ss_family = AF_UNIX;
	assert_int_equal(endpoint_from_sockaddr(&back, &ss), -EAFNOSUPPORT);
}

static void test_lladdr(void **state)
{
	static const struct {
		const char *text;
		const char *shown; /* NULL: refused */
	} cases[] = {
		{"02:53:4e:4f:00:01", "02:53:4e:4f:00:01"},
		{"AA:bb:Cc:00:ff:10", "aa:bb:cc:00:ff:10"},
		{"00:00:00:00:00:01", "00:00:00:00:00:01"},
		{"00:00:00:00:00:00", NULL},
		{"01:00:5e:00:00:01", NULL},
		{"ff:ff:ff:ff:ff:ff", NULL},
		{"33:33:00:00:00:01", NULL},
		{"02:53:4e:4f:00", NULL},
		{"02:53:4e:4f:00:", NULL},
		{"02:53:4e:4f:00:1", NULL},
		{"02:53:4e:4f:00:01:02", NULL},
		{"02:53:4e:4f:00:01 ", NULL},
		{"02-53-4e-4f-00-01", NULL},
		{"2:53:4e:4f:00:01", NULL},
		{"02:53:4e:4f:00:0g", NULL},
		{"02534e4f0001", NULL},
		{"", NULL},
	};
	char text[LLADDR_TEXT];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct lladdr l;

		if (!cases[i].shown) {
			assert_int_equal(lladdr_parse(&l, cases[i].text), -EINVAL);
			continue;
		}
		assert_int_equal(lladdr_parse(&l, cases[i].text), 0);
		assert_string_equal(lladdr_format(&l, text), cases[i].shown);
	}
}

/* The example of RFC 2464 section 4. */
static void test_lladdr_link_local(void **state)
{
	struct addr a, expected = address("fe80::3656:78ff:fe9a:bcde");
	struct lladdr l;

	(void)state;
	assert_int_equal(lladdr_parse(&l, "34:56:78:9a:bc:de"), 0);
	a = lladdr_link_local(&l);
	assert_true(addr_equal(&a, &expected));
	assert_true(addr_link_local(&a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_family),
		cmocka_unit_test(test_addr_text),
		cmocka_unit_test(test_addr_order),
		cmocka_unit_test(test_addr_tail_ignored),
		cmocka_unit_test(test_link_local),
		cmocka_unit_test(test_prefix_text),
		cmocka_unit_test(test_prefix_relations),
		cmocka_unit_test(test_prefix_contains),
		cmocka_unit_test(test_prefix_of),
		cmocka_unit_test(test_endpoint_text),
		cmocka_unit_test(test_endpoint_longest_text),
		cmocka_unit_test(test_endpoint_sockaddr),
		cmocka_unit_test(test_lladdr),
		cmocka_unit_test(test_lladdr_link_local),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("addr", tests, NULL, NULL);
}
