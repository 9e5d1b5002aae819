/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One terminal of a crowd: its keys, its registration and what it makes of the cores' datagrams.
 *
 * It is a terminal agent without links, routes and timers, so that one process can be thousands of
 * them; what it says and what it believes is the protocol's, by the terminal agent's own
 * discovery.c. Addresses and keys follow from its number and the crowd's seed.
 */
#ifndef SNO_CROWD_TERMINAL_H
#define SNO_CROWD_TERMINAL_H

#include "access.h"
#include "clock.h"
#include "terminal-agent/discovery.h"

#define TERMINAL_MTU 1500

/* What all terminals of a crowd have in common; outlives them. */
struct terminal_setup {
	uint8_t seed[KEY_LENGTH];
	uint8_t home_public[KEY_LENGTH];
	char realm[SNO_NAME_MAX + 1];
};

struct terminal {
	uint32_t number;
	struct identity identity;
	struct lladdr link_layer;
	struct addr link_local;
	uint64_t home_epoch, counter;

	struct discovery discovery;
	char core[SNO_NAME_MAX + 1]; /* "": it is not registered */
	struct access_session access;
	struct addr hoa4;
	uint8_t root[KEY_LENGTH]; /* of the last full registration; zero before */
	uint64_t move;		  /* the last one under it (PROTOCOL section 6.1) */
	enum handover_mode mode;  /* of this registration */
};

/* What a datagram did to a terminal. */
enum terminal_event {
	TERMINAL_NOTHING,
	TERMINAL_REGISTERED,
	TERMINAL_REFUSED,  /* discover again */
	TERMINAL_RELEASED, /* an answer is to be sent; discover again */
	TERMINAL_ASKED,	   /* an answer is to be sent */
	TERMINAL_ANSWERED  /* handover done was acknowledged */
};

/* An answer; length 0: none. */
struct terminal_answer {
	size_t length;
	uint8_t octets[SNO_DATAGRAM_MAX];
};

/* The Ethernet address of a terminal, and whose it is: -1 for none of a crowd's. */
struct lladdr terminal_link_layer(uint32_t number);
int64_t terminal_of(const struct lladdr *address);

/* Its user name ("t0", "t1", ...) and its keys. */
void terminal_user(char user[SNO_NAME_MAX + 1], uint32_t number);
void terminal_keys(struct key_pair *keys, uint32_t number, const struct terminal_setup *setup);

void terminal_make(struct terminal *t, uint32_t number, const struct terminal_setup *setup);

/*
 * Makes its next discovery, to be sent as t->discovery.octets; core is the one that it believes to
 * be talking to. It has the short proof as well, when there is a root for it. 0 or -errno.
 */
int terminal_discover(struct terminal *t, const char *core);

/* A datagram that came to it. */
enum terminal_event terminal_receive(struct terminal *t, const uint8_t *octets, size_t length,
				     struct terminal_answer *answer);

/*
 * The handover done of this registration, sealed: gap and took are in microseconds. Octets to be
 * sent to the core, or -errno. May be made again when it is not acknowledged.
 */
int terminal_handover_done(struct terminal *t, usec_t gap, usec_t took, uint8_t *out, size_t cap);

#endif
