/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of a request table: the asking side (request.c), the order of its timers
 * (request_heap.c), and the answering side (request_answers.c). Nobody else includes this.
 */
#ifndef SNO_REQUEST_INTERNAL_H
#define SNO_REQUEST_INTERNAL_H

/* A table that cannot grow is an error of one request, not the end of the process. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

#include "request.h"

/* How many measurements of the path are remembered. */
#define REQUEST_MEASUREMENTS 8

/* One request that waits for its answer. */
struct outstanding {
	UT_hash_handle hh; /* by id; the table keeps them in the order they were sent */
	uint32_t id;
	uint64_t serial; /* the same order, without wrapping */
	enum message_type type;
	usec_t first_sent;
	usec_t timeout; /* of the latest sending */
	usec_t due;	/* when it ends */
	size_t slot;	/* in the heap */
	unsigned int tries;
	bool waits; /* its answer waits for other cores: no measure of the path */
	request_done *done;
	void *context;
	uint64_t token;
	size_t length;
	uint8_t octets[]; /* the encoded message, sent again as it is */
};

/* Outstanding requests by the instant at which they are due: a binary heap. */
struct heap {
	struct outstanding **entries;
	size_t count;
	size_t capacity;
};

/* Makes room for one more. 0 or -ENOMEM. */
int heap_reserve(struct heap *h);
/* Adds an entry for which there is room. */
void heap_push(struct heap *h, struct outstanding *o);
void heap_remove(struct heap *h, struct outstanding *o);
/* Restores the order after o->due has become later. */
void heap_postpone(struct heap *h, struct outstanding *o);
/* The entry due first, NULL when there is none. */
struct outstanding *heap_first(const struct heap *h);
void heap_free(struct heap *h);

/* One request of the other side: being executed (no octets), or answered. */
struct answer {
	UT_hash_handle hh; /* by id */
	struct answer *prev, *next;
	uint32_t id;
	enum message_type type; /* of the request */
	usec_t expires;
	uint8_t *octets; /* the encoded answer, which may hold an access key */
	size_t length;
};

struct requests {
	struct request_ops ops;
	struct request_counters counters;
	usec_t now;

	struct outstanding *outstanding;
	struct heap timers;
	uint32_t next_id;
	uint64_t next_serial;
	usec_t srtt, rttvar;		       /* 0 while nothing was measured */
	usec_t timeout;			       /* of a first sending */
	usec_t measured[REQUEST_MEASUREMENTS]; /* a ring of the last ones */
	unsigned int measurements;	       /* all there were */

	struct answer *answers; /* table, and two lists of which the first expires first: */
	struct answer *running;
	struct answer *answered;
	uint32_t forgotten; /* the highest id that was, in serial number arithmetic */
	bool has_forgotten;
};

/* Gives octets to the channel and counts a refusal. */
void request_transmit(struct requests *r, const uint8_t *octets, size_t length);

/* Forgets answers whose time has come; the next such instant, or USEC_NEVER. */
usec_t answers_tick(struct requests *r, usec_t now);
/* Forgets all of them. */
void answers_free(struct requests *r);

#endif
