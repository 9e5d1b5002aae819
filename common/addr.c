/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses of the network and link layer: comparison, text and socket forms.
 *
 * Parsers build their result in a local and copy it out only when the whole text was taken, so
 * a caller's value never holds half an address.
 */
#include "addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

size_t addr_length(sa_family_t family)
{
	switch (family) {
	case AF_INET:
		return sizeof(struct in_addr);
	case AF_INET6:
		return sizeof(struct in6_addr);
	default:
		return 0;
	}
}

unsigned int addr_bits(sa_family_t family)
{
	return (unsigned int)addr_length(family) * 8;
}

bool addr_none(const struct addr *a)
{
	return a->family == AF_UNSPEC;
}

int addr_compare(const struct addr *a, const struct addr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->bytes, b->bytes, addr_length(a->family));
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	return addr_compare(a, b) == 0;
}

bool addr_link_local(const struct addr *a)
{
	return a->family == AF_INET6 && a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80;
}

int addr_parse(struct addr *a, const char *text)
{
	struct addr parsed = {.family = AF_INET};

	if (inet_pton(AF_INET, text, &parsed.v4) != 1) {
		parsed.family = AF_INET6;
		if (inet_pton(AF_INET6, text, &parsed.v6) != 1)
			return -EINVAL;
	}
	*a = parsed;
	return 0;
}

/*
 * A decimal number as people write it: digits only, no sign, no blank, no leading zero (which
 * some read as octal). 0 or -EINVAL.
 */
static int decimal_parse(unsigned int *value, const char *text, unsigned int max)
{
	unsigned int n = 0;

	if (*text == '\0' || (text[0] == '0' && text[1] != '\0'))
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		n = n * 10 + (unsigned int)(*text - '0');
		if (n > max)
			return -EINVAL;
	}
	*value = n;
	return 0;
}

/* Copies [text, end) as a string of its own. 0, or -EINVAL when no address is that long. */
static int span_copy(char copy[ADDR_TEXT], const char *text, const char *end)
{
	size_t length = (size_t)(end - text);

	if (length >= ADDR_TEXT)
		return -EINVAL;
	memcpy(copy, text, length);
	copy[length] = '\0';
	return 0;
}

/* True when every bit of a after the first `length` is zero. */
static bool host_bits_clear(const struct addr *a, unsigned int length)
{
	for (unsigned int bit = length; bit < addr_bits(a->family); bit++) {
		if (a->bytes[bit / 8] & (0x80 >> bit % 8))
			return false;
	}
	return true;
}

int prefix_parse(struct prefix *p, const char *text)
{
	const char *slash = strchr(text, '/');
	char address[ADDR_TEXT];
	struct prefix parsed;
	unsigned int length;

	if (!slash) {
		if (addr_parse(&parsed.addr, text) < 0)
			return -EINVAL;
		*p = prefix_of(&parsed.addr);
		return 0;
	}
	if (span_copy(address, text, slash) < 0 || addr_parse(&parsed.addr, address) < 0)
		return -EINVAL;
	if (decimal_parse(&length, slash + 1, addr_bits(parsed.addr.family)) < 0)
		return -EINVAL;
	if (!host_bits_clear(&parsed.addr, length))
		return -EINVAL;
	parsed.length = (uint8_t)length;
	*p = parsed;
	return 0;
}

int endpoint_parse(struct endpoint *e, const char *text, uint16_t default_port)
{
	struct endpoint parsed = {.port = default_port};
	char address[ADDR_TEXT];
	const char *colon;
	unsigned int port;

	/* First the address alone: an IPv6 address is full of colons that lead to no port. */
	if (addr_parse(&parsed.addr, text) == 0) {
		*e = parsed;
		return 0;
	}
	colon = strrchr(text, ':');
	if (!colon)
		return -EINVAL;
	if (text[0] == '[') {
		if (colon[-1] != ']' || span_copy(address, text + 1, colon - 1) < 0)
			return -EINVAL;
	} else if (span_copy(address, text, colon) < 0) {
		return -EINVAL;
	}
	if (addr_parse(&parsed.addr, address) < 0)
		return -EINVAL;
	if ((text[0] == '[') != (parsed.addr.family == AF_INET6))
		return -EINVAL;
	if (decimal_parse(&port, colon + 1, UINT16_MAX) < 0 || port == 0)
		return -EINVAL;
	parsed.port = (uint16_t)port;
	*e = parsed;
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -EINVAL;
}

int lladdr_parse(struct lladdr *l, const char *text)
{
	static const struct lladdr zero;
	struct lladdr parsed;

	for (size_t i = 0; i < ETH_ALEN; i++, text += 3) {
		int high = hex_digit(text[0]);
		int low = high < 0 ? high : hex_digit(text[1]);

		if (low < 0 || text[2] != (i + 1 < ETH_ALEN ? ':' : '\0'))
			return -EINVAL;
		parsed.bytes[i] = (uint8_t)(high << 4 | low);
	}
	if ((parsed.bytes[0] & 1) || lladdr_equal(&parsed, &zero))
		return -EINVAL;
	*l = parsed;
	return 0;
}

const char *addr_format(const struct addr *a, char text[ADDR_TEXT])
{
	if (addr_none(a) || !inet_ntop(a->family, a->bytes, text, ADDR_TEXT))
		strcpy(text, "none");
	return text;
}

const char *prefix_format(const struct prefix *p, char text[PREFIX_TEXT])
{
	size_t used;

	addr_format(&p->addr, text);
	if (!prefix_none(p)) {
		used = strlen(text);
		snprintf(text + used, PREFIX_TEXT - used, "/%u", p->length);
	}
	return text;
}

const char *endpoint_format(const struct endpoint *e, char text[ENDPOINT_TEXT])
{
	char address[ADDR_TEXT];

	addr_format(&e->addr, address);
	if (e->addr.family == AF_INET6 && e->ifindex != 0)
		snprintf(text, ENDPOINT_TEXT, "[%s%%%u]:%u", address, e->ifindex, e->port);
	else if (e->addr.family == AF_INET6)
		snprintf(text, ENDPOINT_TEXT, "[%s]:%u", address, e->port);
	else if (e->addr.family == AF_INET)
		snprintf(text, ENDPOINT_TEXT, "%s:%u", address, e->port);
	else
		strcpy(text, "none");
	return text;
}

const char *lladdr_format(const struct lladdr *l, char text[LLADDR_TEXT])
{
	const uint8_t *b = l->bytes;

	snprintf(text, LLADDR_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4],
		 b[5]);
	return text;
}

struct prefix prefix_of(const struct addr *a)
{
	return (struct prefix){.addr = *a, .length = (uint8_t)addr_bits(a->family)};
}

bool prefix_none(const struct prefix *p)
{
	return addr_none(&p->addr);
}

bool prefix_equal(const struct prefix *a, const struct prefix *b)
{
	if (prefix_none(a) || prefix_none(b))
		return prefix_none(a) && prefix_none(b);
	return a->length == b->length && addr_equal(&a->addr, &b->addr);
}

bool prefix_contains(const struct prefix *p, const struct addr *a)
{
	unsigned int whole = p->length / 8, rest = p->length % 8;

	if (prefix_none(p) || p->addr.family != a->family)
		return false;
	if (memcmp(p->addr.bytes, a->bytes, whole) != 0)
		return false;
	return rest == 0 || (p->addr.bytes[whole] ^ a->bytes[whole]) >> (8 - rest) == 0;
}

bool prefix_covers(const struct prefix *outer, const struct prefix *inner)
{
	return outer->length <= inner->length && prefix_contains(outer, &inner->addr);
}

bool prefix_overlap(const struct prefix *a, const struct prefix *b)
{
	return prefix_covers(a, b) || prefix_covers(b, a);
}

bool lladdr_equal(const struct lladdr *a, const struct lladdr *b)
{
	/* cppcheck-suppress ctuuninitvar; lladdr_parse() fills it octet by octet */
	return memcmp(a->bytes, b->bytes, ETH_ALEN) == 0;
}

struct addr lladdr_link_local(const struct lladdr *l)
{
	const uint8_t *b = l->bytes;

	/* RFC 4291 appendix A: ff:fe in the middle, the universal/local bit inverted. */
	return (struct addr){
		.family = AF_INET6,
		.bytes = {0xfe, 0x80, 0, 0, 0, 0, 0, 0, b[0] ^ 0x02, b[1], b[2], 0xff, 0xfe, b[3],
			  b[4], b[5]},
	};
}

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	return addr_equal(&a->addr, &b->addr) && a->port == b->port && a->ifindex == b->ifindex;
}

socklen_t endpoint_to_sockaddr(const struct endpoint *e, struct sockaddr_storage *ss)
{
	struct sockaddr_in *sin = (struct sockaddr_in *)ss;
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)ss;

	memset(ss, 0, sizeof(*ss));
	switch (e->addr.family) {
	case AF_INET:
		sin->sin_family = AF_INET;
		sin->sin_port = htons(e->port);
		sin->sin_addr = e->addr.v4;
		return sizeof(*sin);
	case AF_INET6:
		sin6->sin6_family = AF_INET6;
		sin6->sin6_port = htons(e->port);
		sin6->sin6_addr = e->addr.v6;
		sin6->sin6_scope_id = e->ifindex;
		return sizeof(*sin6);
	default:
		return 0;
	}
}

int endpoint_from_sockaddr(struct endpoint *e, const struct sockaddr_storage *ss)
{
	const struct sockaddr_in *sin = (const struct sockaddr_in *)ss;
	const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)ss;
	struct endpoint out = {.port = 0};

	switch (ss->ss_family) {
	case AF_INET:
		out.addr.family = AF_INET;
		out.addr.v4 = sin->sin_addr;
		out.port = ntohs(sin->sin_port);
		break;
	case AF_INET6:
		out.port = ntohs(sin6->sin6_port);
		if (IN6_IS_ADDR_V4MAPPED(&sin6->sin6_addr)) {
			out.addr.family = AF_INET;
			memcpy(&out.addr.v4, sin6->sin6_addr.s6_addr + 12, sizeof(out.addr.v4));
		} else {
			out.addr.family = AF_INET6;
			out.addr.v6 = sin6->sin6_addr;
			out.ifindex = sin6->sin6_scope_id;
		}
		break;
	default:
		return -EAFNOSUPPORT;
	}
	*e = out;
	return 0;
}
