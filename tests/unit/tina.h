/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tina, whom the core under test is made ready for (world.h): the subscriber of a.example that is
 * served somewhere else and is to come here; and how her packets are led meanwhile.
 */
#ifndef SNO_TEST_TINA_H
#define SNO_TEST_TINA_H

#include "core-agent/preparation.h"
#include "core-agent/session.h"
#include "world.h"

#define MS  USEC_PER_MSEC
#define SEC USEC_PER_SEC

/* How her home addresses may lead, as the kernel has it. */
#define HELD	"dev sno-buf" /* one for each family */
#define SERVED	"10.1.0.7/32 table 254 metric 66567 via"
#define BACK	"10.1.0.7/32 table 254 metric 66567 encap dst 192.0.2.1"
#define NOWHERE "unreachable 10.1.0.7/32 table 254 metric 66567"
#define STATION "02:00:00:00:01:01"

/* A world in which she has registered somewhere else: home core and terminal share a root. */
struct world *tina_world(const char *pools);
/* Her session here, and what is prepared for her; NULL: nothing. */
struct session *tina(const struct world *w);
struct preparation *tina_prepared(const struct world *w);

enum tina_wish {
	HOLD = 1, /* packets are to be held */
	LINK = 2  /* her next link is told: satellite s1 */
};

/* Her home core has this core prepared for her move of this number. */
void tina_prepare(struct world *w, uint64_t number, unsigned int wishes);
/* That has been accepted, and stands. */
void tina_expected(struct world *w);
/* Her home core releases this binding. */
void tina_release(struct world *w, uint64_t binding, enum reason reason);
/* She believes to be expected for the move of this number, and sends a discovery. */
void tina_comes(struct world *w, uint64_t number, const char *satellite);
/* She has been registered: served, and nothing is prepared any more. */
void tina_arrived(struct world *w);

/* An IPv4 packet (RFC 791) for her, with a number in it, comes into the hold. */
void tina_send(uint8_t number);
/* The numbers of the packets that have left the hold since the last call, in their order. */
void tina_delivered(const char *numbers);

/* Nothing of her is left in the core, and the kernel is as it was. */
void tina_gone(struct world *w, const char *idle);

#endif
