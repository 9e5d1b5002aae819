/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A registration: what the home core has assigned, by whom it is served, and the sealed channel to
 * that serving core (PROTOCOL section 5.3). It lasts until the next one has replaced it.
 */
#ifndef SNO_TERMINAL_REGISTRATION_H
#define SNO_TERMINAL_REGISTRATION_H

#include "access.h"
#include "request.h"
#include "terminal-agent/discovery.h"
#include "terminal-agent/forwarding.h"
#include "terminal-agent/handovers.h"
#include "terminal-agent/links.h"

/* Holds keys: registration_end() it. All zero: none. */
struct registration {
	bool valid;
	struct link *link; /* NULL when it was taken out of the configuration */
	struct place place;
	char interface[KERNEL_NAME]; /* of that link, and the address that the core sends to */
	struct lladdr link_layer;
	uint64_t epoch; /* of the serving core */
	struct addr hoa4, hoa6, coa;
	struct prefix delegated;
	struct lladdr gateway;
	unsigned int mtu;
	uint32_t lifetime; /* seconds */
	usec_t since;
	usec_t rooted; /* since when it has its root: of the last full registration */
	usec_t lost;   /* when its link was lost; 0: it was not */
	bool left;     /* the serving core has been told that the terminal leaves */
	struct access_session access;
	struct requests *requests;
	uint8_t root[KEY_LENGTH]; /* of the last full registration: for the moves that follow */
	uint64_t moves; /* the highest HANDOVER_COUNTER announced or arrived by under it */
};

/*
 * Takes over what a discovery has brought, keys included (the result's are wiped). With the short
 * proof addresses and root are those of the registration before. transmit is for the requests. 0 or
 * -ENOMEM.
 */
int registration_begin(struct registration *r, const struct registration *before, struct link *link,
		       struct discovery_result *result, const struct request_ops *transmit,
		       usec_t now);
void registration_end(struct registration *r);

/* What it means for the kernel, when user data goes over this link. */
struct forwarding_plan registration_plan(const struct registration *r, const struct link *link);

/* When to register again, in full: two thirds of the lifetime after the last time. */
usec_t registration_refresh(const struct registration *r);
/* Seconds until it ends, negative after that. */
double registration_left(const struct registration *r, usec_t now);

/* True when frames pass on its link, so that the serving core can be told something. */
bool registration_reachable(const struct registration *r);

#endif
