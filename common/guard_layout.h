/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the guard's program in the kernel and the core agent share: the contents of its maps.
 *
 * A terminal is a record in an array that both have in their memory, so that a change of its place
 * costs no system call; only which addresses are its own is a table of the kernel's. A record says
 * by which ways packets of the terminal may come. A way that is not wanted any more stays for a
 * while, for what is under way on it.
 *
 * Included by the program too: no headers but the kernel's own.
 */
#ifndef SNO_GUARD_LAYOUT_H
#define SNO_GUARD_LAYOUT_H

#include <linux/types.h>

/* Of these structures: maps of another one, left by another release of the core, are not taken on.
 */
#define GUARD_VERSION 4

#define GUARD_WAYS    8	  /* of a terminal */
#define GUARD_PEERS   128 /* in a core */
#define GUARD_FOREVER (~0ULL)

/*
 * The bits of a packet's mark in which the kernel's IPsec tells the guard by which peer's
 * associations it has come. Behind the guard they are zero again.
 */
#define GUARD_MARK_SHIFT 24
#define GUARD_MARK_MASK	 (0xffU << GUARD_MARK_SHIFT)

enum guard_kind {
	GUARD_NO_WAY,
	GUARD_ACCESS, /* from the terminal: frames of `addr` (an Ethernet address) on port `who` */
	GUARD_DOWN,   /* to a visitor: from the tunnel end of peer `who` to `addr`, under `key` */
	GUARD_UP,     /* from or, sent back, to a subscriber: from peer `who`, under our key */
};

struct guard_way {
	__u64 until; /* CLOCK_MONOTONIC in nanoseconds; 0: the rest is not valid */
	__u32 kind;
	__u32 who;
	__u32 key; /* 0: the tunnel has none */
	__u8 addr[16];
	__u32 unused;
};

struct guard_count {
	__u64 packets;
	__u64 octets; /* of IP, headers included */
};

struct guard_terminal {
	struct guard_way ways[GUARD_WAYS];
	struct guard_count up;	 /* that came from the terminal's side and were let through */
	struct guard_count down; /* that left to the terminal's side */
	__u32 mtu;		 /* of its path, that TCP's segments are to fit; 0: not known */
	__u32 gate;		 /* not 0: packets wait for those that are in the hold */
	__u64 held;		 /* packets that the hold's device was given ... */
	__u64 passed;		 /* ... and that have left the hold, this way or that */
};

/* Addresses in maps are IPv6, IPv4 ones mapped into it (RFC 4291 section 2.5.5.2). */
struct guard_peer {
	__u8 hint[8]; /* of its public key; 0: no peer has this place */
	__u8 end4[16], end6[16];
	__u32 key, key_before; /* under which it sends to us, and did before our restart */
	__u32 mark;	       /* that its packets have; 0: it need not protect them */
};

enum guard_drop {
	GUARD_PROTOCOL,	  /* access: neither IPv4 nor IPv6, tagged, or cut short */
	GUARD_LINK_LOCAL, /* access: from a link-local address, and not signalling */
	GUARD_SOURCE,	  /* access: from an address that no terminal has here */
	GUARD_LINK_LAYER, /* access: from a terminal's address, with another Ethernet address */
	GUARD_SATELLITE,  /* access: the same with its Ethernet address, from another satellite */
	GUARD_UNSERVED,	  /* tunnel: neither from a subscriber nor to a terminal served here */
	GUARD_TUNNEL,	  /* tunnel: to one that is, but not by its tunnel */
	GUARD_ELSEWHERE,  /* tunnel: from a subscriber, but not from where it is bound */
	GUARD_CLEAR,	  /* tunnel: in order, but in clear text from who is to protect it */
	GUARD_DROPS
};

/* What there is one of. */
struct guard_common {
	__u32 version;
	__u32 bridge;	  /* interface index: what it sends into a tunnel is not ours to count */
	__u32 keyless;	  /* interface index of the tunnel device whose tunnels have no key */
	__u32 hold;	  /* interface index of the hold's device */
	__u16 signalling; /* UDP port of terminals */
	__u8 gateway[6];  /* Ethernet address */
	__u64 drops[GUARD_DROPS];
	struct guard_peer peers[GUARD_PEERS];
};

/* The key of the table of addresses; its value is the index of a record. */
struct guard_address {
	__u32 length; /* in bits, of an IPv6 prefix */
	__u8 addr[16];
};

#endif
