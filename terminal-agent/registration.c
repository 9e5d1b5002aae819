/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A registration is a value with a life: made from a discovery's result, ended with its keys wiped.
 */
#include "terminal-agent/registration.h"

#include <errno.h>
#include <string.h>

static void take_assignment(struct registration *r, const struct discovery_result *result)
{
	r->hoa4 = result->assignment.hoa4;
	r->hoa6 = result->assignment.hoa6;
	r->delegated = result->assignment.prefix;
	memcpy(r->root, result->root, sizeof(r->root));
}

static void keep_assignment(struct registration *r, const struct registration *before,
			    uint64_t number)
{
	r->hoa4 = before->hoa4;
	r->hoa6 = before->hoa6;
	r->delegated = before->delegated;
	memcpy(r->root, before->root, sizeof(r->root));
	r->rooted = before->rooted;
	r->moves = number > before->moves ? number : before->moves;
}

int registration_begin(struct registration *r, const struct registration *before, struct link *link,
		       struct discovery_result *result, const struct request_ops *transmit,
		       usec_t now)
{
	const struct message *registration = &result->registration;

	memset(r, 0, sizeof(*r));
	r->requests = requests_new(transmit);
	if (!r->requests)
		return -ENOMEM;
	r->valid = true;
	r->rooted = now;
	r->link = link;
	memcpy(r->place.link, link->name, sizeof(r->place.link));
	if (link->satellite)
		memcpy(r->place.satellite, link->name, sizeof(r->place.satellite));
	memcpy(r->place.core, registration->core, sizeof(r->place.core));
	memcpy(r->interface, link->interface, sizeof(r->interface));
	r->link_layer = link->mac;
	r->epoch = registration->epoch;
	if (result->full)
		take_assignment(r, result);
	else
		keep_assignment(r, before, result->number);
	r->coa = registration->coa;
	r->mtu = registration->mtu;
	r->lifetime = registration->lifetime;
	r->since = now;
	r->access = result->access;
	keys_wipe(&result->access, sizeof(result->access));
	keys_wipe(result->root, sizeof(result->root));
	return 0;
}

void registration_end(struct registration *r)
{
	requests_free(r->requests);
	access_session_wipe(&r->access);
	keys_wipe(r, sizeof(*r));
}

struct forwarding_plan registration_plan(const struct registration *r, const struct link *link)
{
	return (struct forwarding_plan){.ifindex = link->ifindex,
					.gateway = r->gateway,
					.hoa4 = r->hoa4,
					.hoa6 = r->hoa6,
					.delegated = r->delegated,
					.mtu = r->mtu};
}

usec_t registration_refresh(const struct registration *r)
{
	usec_t after = (usec_t)r->lifetime * USEC_PER_SEC * 2 / 3;

	return r->rooted + (after > USEC_PER_SEC ? after : USEC_PER_SEC);
}

double registration_left(const struct registration *r, usec_t now)
{
	return (double)r->lifetime - (double)(now - r->since) / (double)USEC_PER_SEC;
}

bool registration_reachable(const struct registration *r)
{
	return r->valid && r->link && r->link->ready;
}
