/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A registration is a value with a life: made from a discovery's result, ended with its keys wiped.
 */
#include "terminal-agent/registration.h"

#include <errno.h>
#include <string.h>

int registration_begin(struct registration *r, struct link *link, struct discovery_result *result,
		       const struct request_ops *transmit, usec_t now)
{
	const struct message *assignment = &result->assignment;
	const struct message *registration = &result->registration;

	memset(r, 0, sizeof(*r));
	r->requests = requests_new(transmit);
	if (!r->requests)
		return -ENOMEM;
	r->valid = true;
	r->link = link;
	memcpy(r->place.link, link->name, sizeof(r->place.link));
	if (link->satellite)
		memcpy(r->place.satellite, link->name, sizeof(r->place.satellite));
	memcpy(r->place.core, registration->core, sizeof(r->place.core));
	r->epoch = registration->epoch;
	r->hoa4 = assignment->hoa4;
	r->hoa6 = assignment->hoa6;
	r->delegated = assignment->prefix;
	r->coa = registration->coa;
	r->mtu = registration->mtu;
	r->lifetime = registration->lifetime;
	r->since = now;
	r->access = result->access;
	keys_wipe(&result->access, sizeof(result->access));
	return 0;
}

void registration_end(struct registration *r)
{
	requests_free(r->requests);
	access_session_wipe(&r->access);
	memset(r, 0, sizeof(*r));
}

struct forwarding_plan registration_plan(const struct registration *r)
{
	return (struct forwarding_plan){.ifindex = r->link->ifindex,
					.gateway = r->gateway,
					.hoa4 = r->hoa4,
					.hoa6 = r->hoa6,
					.delegated = r->delegated,
					.mtu = r->mtu};
}

usec_t registration_refresh(const struct registration *r)
{
	usec_t after = (usec_t)r->lifetime * USEC_PER_SEC * 2 / 3;

	return r->since + (after > USEC_PER_SEC ? after : USEC_PER_SEC);
}

double registration_left(const struct registration *r, usec_t now)
{
	return (double)r->lifetime - (double)(now - r->since) / (double)USEC_PER_SEC;
}

bool registration_reachable(const struct registration *r)
{
	return r->valid && r->link && r->link->ready;
}
