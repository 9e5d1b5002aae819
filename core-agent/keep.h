/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a core knows again after it was killed: its life (boot epoch, numbers that are given out
 * once), its subscribers with their bindings, counters and roots, the terminals it serves with
 * their keys, the releases that it owes to peers, and the home addresses that it has leased. It
 * goes on with its life then: its epoch stays, so that neither terminals nor peers have to notice
 * (PROTOCOL section 4.4).
 *
 * Whoever changes one of these keeps it before he says anything that it tells of. What is on its
 * way from one state to another (registrations, preparations, offers) is not kept: after a restart
 * it is begun again by whoever waits for it.
 */
#ifndef SNO_CORE_KEEP_H
#define SNO_CORE_KEEP_H

#include "core.h"
#include "store.h"

struct binding_next;

/* Kinds of rows, by whom each is named. */
enum keep_kind {
	KEEP_LIFE = 1,				       /* "" */
	KEEP_SUBSCRIBER,			       /* by user */
	KEEP_SESSION,				       /* by NAI */
	KEEP_LEASE = KEEP_SESSION + 1 + STORE_LASTING, /* by user */
	KEEP_RELEASE = KEEP_SESSION + 2,	       /* by binding number */
};

/* What a row says of a path beside its fields: it has a peer; outer packets are not fragmented. */
enum { KEEP_PATH_PEER = 1, KEEP_PATH_DF = 2 };

/*
 * Opens the store that core->io names, if it names one, and begins a life or goes on with one. The
 * keys are there already. 0 or -errno, logged.
 */
int keep_open(struct core *core);

/* A number for a binding to come, which was never given out before. */
uint64_t keep_binding_number(struct core *core);
/* This request id was given out; none that was before a restart is given out again. */
void keep_request_id(struct core *core, uint32_t id);
/* The floors of the core have changed. */
void keep_life(struct core *core);
/* Subscribers to come have sent up to this counter: before what said so of one is forgotten. */
void keep_counter_floor(struct core *core, uint64_t counter);

void keep_subscriber(const struct subscriber *subscriber);
/* The same, with the binding that it is about to have (NULL: the one it has). */
void keep_binding(const struct subscriber *subscriber, const struct binding_next *next, usec_t now);
void keep_forget_subscriber(const struct subscriber *subscriber);
void keep_session(const struct session *session);
void keep_forget_session(const struct session *session);
void keep_lease(const struct subscriber *subscriber);
void keep_release(struct core *core, const struct release *release);
void keep_forget_release(struct core *core, const struct release *release);

#endif
