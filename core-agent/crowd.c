/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is on which satellite, and all of them at once; see crowd.h. */
#include "crowd.h"

#include "anticipation.h"
#include "lead.h"
#include "log.h"
#include "mode.h"
#include "peer.h"
#include "subscriber.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

struct crowd {
	char satellite[SNO_NAME_MAX + 1];
	struct subscriber *members;
	UT_hash_handle hh;
};

static struct crowd *crowd_find(const struct core *core, const char *satellite)
{
	struct crowd *crowd;

	HASH_FIND_STR(core->crowds, satellite, crowd);
	return crowd;
}

static struct crowd *crowd_new(struct core *core, const char *satellite)
{
	struct crowd *crowd = calloc(1, sizeof(*crowd));

	if (!crowd)
		return NULL;
	memcpy(crowd->satellite, satellite, strlen(satellite) + 1);
	HASH_ADD_STR(core->crowds, satellite, crowd);
	return crowd;
}

void crowd_leave(struct subscriber *s)
{
	struct crowd *crowd = s->crowd;

	if (!crowd)
		return;
	DL_DELETE(crowd->members, s);
	s->crowd = NULL;
	if (crowd->members)
		return;
	HASH_DEL(s->core->crowds, crowd);
	free(crowd);
}

void crowd_join(struct subscriber *s, const char *satellite)
{
	struct crowd *crowd;

	if (s->crowd && !strcmp(s->crowd->satellite, satellite))
		return;
	crowd_leave(s);
	if (!*satellite)
		return;
	crowd = crowd_find(s->core, satellite);
	if (!crowd)
		crowd = crowd_new(s->core, satellite);
	/* Without memory for it the terminal changes its core like one that nobody foresaw. */
	if (!crowd)
		return;
	DL_APPEND(crowd->members, s);
	s->crowd = crowd;
}

struct subscriber *crowd_on(const struct core *core, const char *satellite)
{
	const struct crowd *crowd = crowd_find(core, satellite);

	return crowd ? crowd->members : NULL;
}

/* ---- a change of the core ------------------------------------------------------------------- */

/* Who serves them, and who will: NULL is this core. False when one of them is no core we know. */
static bool move_cores(const struct core *core, const struct crowd_move *move, struct peer **from,
		       struct peer **to)
{
	*from = peer_find(core, move->from);
	*to = peer_open(core, move->to);
	return (*from || !strcmp(move->from, core->config->name)) &&
	       (*to || !strcmp(move->to, core->config->name)) && *from != *to;
}

/* Served by the one, still on the satellite, and ready at the other one or about to be. */
static bool goes_along(struct subscriber *s, struct peer *from, struct peer *to, usec_t expected,
		       usec_t now)
{
	const struct binding *b = &s->binding;

	return b->state != BINDING_NONE && b->peer == from && !b->left &&
	       mode_of_move(s, from, to) >= MODE_PREDICTIVE &&
	       anticipation_foresee(s, to, expected, now);
}

unsigned int crowd_prepare(struct core *core, const struct crowd_move *move, usec_t expected,
			   usec_t now)
{
	struct subscriber *s = crowd_on(core, move->satellite), *next;
	struct peer *from, *to;
	unsigned int count = 0;

	if (!s || !move_cores(core, move, &from, &to))
		return 0;
	peers_gather(core);
	for (; s; s = next) {
		next = s->next;
		count += goes_along(s, from, to, expected, now);
	}
	peers_flush(core, now);
	log_info("satellite %s goes to %s: %u terminals are prepared there", move->satellite,
		 move->to, count);
	return count;
}

void crowd_switch(struct core *core, const struct crowd_move *move, usec_t now)
{
	struct subscriber *first = crowd_on(core, move->satellite), *s, *next;
	struct peer *from, *to;
	struct lead *leads;
	size_t count = 0;

	if (!first || !move_cores(core, move, &from, &to))
		return;
	DL_COUNT(first, s, count);
	leads = calloc(count, sizeof(*leads));
	if (!leads) {
		log_warnx("out of memory for the %zu terminals of satellite %s", count,
			  move->satellite);
		return;
	}
	count = 0;
	peers_gather(core);
	/* Who has come since the others were prepared, or registered anew, is prepared late. */
	for (s = first; s; s = next) {
		const struct path *path = NULL;

		next = s->next;
		if (goes_along(s, from, to, 0, now))
			path = anticipation_choose(s, to, now);
		if (path)
			leads[count++] = (struct lead){.subscriber = s, .path = path};
	}
	lead_many(core, leads, count, now);
	/* Who is refused may lose its binding, and so its place in the crowd: not in the loop
	 * above. */
	for (size_t i = 0; i < count; i++)
		anticipation_led(leads[i].subscriber, to, leads[i].error, now);
	peers_flush(core, now);
	log_info("satellite %s goes to %s: the home addresses of %zu terminals lead there",
		 move->satellite, move->to, count);
	free(leads);
}
