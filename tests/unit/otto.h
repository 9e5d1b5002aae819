/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * otto on his ways (world.h): the subscriber of the core under test, at home on satellite s1, or
 * visiting a far core that says what otto's serving core would say.
 */
#ifndef SNO_TEST_OTTO_H
#define SNO_TEST_OTTO_H

#include "core-agent/subscriber.h"
#include "world.h"

#define MS  USEC_PER_MSEC
#define SEC USEC_PER_SEC

/* Where his home address leads, as the kernel says it: at home, and visiting A or C. */
#define OTTO_HOME "10.2.0.9/32 table 254 metric 132105 via fe80::ff:fe00:102"
#define OTTO_HELD "lock dev sno-buf"
#define OTTO_A	  "encap dst 198.51.100.5"
#define OTTO_C	  "encap dst 203.0.113.5"
/* To the care-of addresses that A and C have prepared for him. */
#define OTTO_NEXT_A "encap dst 198.51.100.6"
#define OTTO_NEXT_C "encap dst 203.0.113.6"

/* A world in which he knows the epoch of his home, as after his first registration. */
struct world *otto_world(const char *pools);
struct subscriber *otto(const struct world *w);
const struct binding *otto_binding(const struct world *w);

/* A far core asks who he is, with his new discovery; COA stands in it when coa is not NULL. */
void otto_authenticate(struct world *w, int which, const char *coa);
/* The same, saying that it came from there; NULL: not saying. */
void otto_authenticate_from(struct world *w, int which, const char *coa, const struct lladdr *mac,
			    const struct addr *link_local);
/* It asks for the tunnel to this care-of address. */
void otto_tunnel(struct world *w, int which, uint64_t number, const char *coa,
		 enum tunnel_kind kind);
/* Both: he visits it. His binding number. */
uint64_t otto_visit(struct world *w, int which);

/* An announcement or a disconnect, of the move of this number to that core; further attributes are
 * the caller's. */
void otto_move(struct message *m, enum message_type type, uint64_t number, const char *core);
/* He says it where he is: to his home core, or to the far core that serves him. */
void otto_says(struct world *w, struct message *m);
/* What he was answered: by his home core itself, or through the far core. */
const struct message *otto_told(struct world *w, enum message_type type);

/* He says that he goes to that core, and 50 ms pass. */
void otto_say(struct world *w, enum message_type type, uint64_t number, const char *core);
/* The same, and he is told that it is prepared, in this mode; or that it is not. */
void otto_agree(struct world *w, enum message_type type, uint64_t number, const char *core,
		enum handover_mode mode);
void otto_unprepared(struct world *w, enum message_type type, uint64_t number, const char *core);

/* The number that the far core knows its preparation for him by. */
uint64_t otto_prepared(const struct world *w, int which);
/* He has come to it, on the move of this number: tunnel request with ARRIVAL. */
void otto_arrive(struct world *w, int which, uint64_t number);
/* The same, not sent: for what is wrong with it. */
void otto_arrival(struct world *w, int which, uint64_t number, struct message *m);

/* Nothing is left of any preparation: his home address leads to where he is, and nothing else. */
void otto_clean(const struct world *w);

#endif
