/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses of the network and link layer.
 *
 * One small value type for IPv4 and IPv6, so that a home address, a care-of address and a
 * tunnel end are the same thing everywhere between the wire and the kernel. All values are
 * plain copies in network byte order; nothing here allocates.
 */
#ifndef SNO_ADDR_H
#define SNO_ADDR_H

#include <net/ethernet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* An IPv4 or IPv6 address; family is AF_INET, AF_INET6 or AF_UNSPEC ("none"). */
struct addr {
	sa_family_t family;
	union {
		struct in_addr v4;
		struct in6_addr v6;
		uint8_t bytes[16];
	};
};

/* An address and the number of leading bits that matter; family AF_UNSPEC means "none". */
struct prefix {
	struct addr addr;
	uint8_t length;
};

/* A UDP endpoint: address, port in host byte order, interface index for link-local scope. */
struct endpoint {
	struct addr addr;
	uint16_t port;
	unsigned int ifindex;
};

/* A link-layer (Ethernet) address. */
struct lladdr {
	uint8_t bytes[ETH_ALEN];
};

#define ADDR_TEXT     INET6_ADDRSTRLEN
#define PREFIX_TEXT   (INET6_ADDRSTRLEN + 4)
#define ENDPOINT_TEXT (INET6_ADDRSTRLEN + 24)
#define LLADDR_TEXT   18

/* Length of an address of this family in bytes: 4, 16, or 0 for AF_UNSPEC. */
size_t addr_length(sa_family_t family);
/* Length of an address of this family in bits: 32, 128, or 0. */
unsigned int addr_bits(sa_family_t family);
/* True when no address is held. */
bool addr_none(const struct addr *a);
/* Total order: family first, then the bytes that this family has; 0 when equal. */
int addr_compare(const struct addr *a, const struct addr *b);
bool addr_equal(const struct addr *a, const struct addr *b);
/* True for fe80::/10. */
bool addr_link_local(const struct addr *a);

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);

/* Text to value. 0, or -EINVAL when the text is not exactly one such thing. */
int addr_parse(struct addr *a, const char *text);
/* "ADDRESS/LENGTH", or an address alone (full length). -EINVAL also when host bits are set. */
int prefix_parse(struct prefix *p, const char *text);
/* "192.0.2.1:6275", "[2001:db8::1]:6275", or an address alone (then default_port is taken). */
int endpoint_parse(struct endpoint *e, const char *text, uint16_t default_port);
/* "02:53:4e:4f:00:01"; -EINVAL for multicast and all-zero addresses too. */
int lladdr_parse(struct lladdr *l, const char *text);

/* Value to text in the caller's buffer, which is returned; "none" for AF_UNSPEC. */
const char *addr_format(const struct addr *a, char text[ADDR_TEXT]);
const char *prefix_format(const struct prefix *p, char text[PREFIX_TEXT]);
const char *endpoint_format(const struct endpoint *e, char text[ENDPOINT_TEXT]);
const char *lladdr_format(const struct lladdr *l, char text[LLADDR_TEXT]);

/* The whole address as a prefix of full length (/32 or /128). */
struct prefix prefix_of(const struct addr *a);
bool prefix_none(const struct prefix *p);
bool prefix_equal(const struct prefix *a, const struct prefix *b);
/* True when the address lies inside the prefix (same family). */
bool prefix_contains(const struct prefix *p, const struct addr *a);
/* True when inner lies wholly inside outer. */
bool prefix_covers(const struct prefix *outer, const struct prefix *inner);
bool prefix_overlap(const struct prefix *a, const struct prefix *b);

bool lladdr_equal(const struct lladdr *a, const struct lladdr *b);
/* The EUI-64 link-local address of a link-layer address (RFC 4291 appendix A). */
struct addr lladdr_link_local(const struct lladdr *l);

/* Endpoint to socket address and back. Returns the length of the socket address. */
socklen_t endpoint_to_sockaddr(const struct endpoint *e, struct sockaddr_storage *ss);
/* 0, or -EAFNOSUPPORT; an IPv4-mapped IPv6 address becomes an IPv4 endpoint. */
int endpoint_from_sockaddr(struct endpoint *e, const struct sockaddr_storage *ss);

#endif
