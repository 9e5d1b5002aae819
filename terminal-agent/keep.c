/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows of a terminal; see keep.h. Both are written and read here, so that they stay each other's
 * mirror image.
 */
#include "terminal-agent/keep.h"

#include <errno.h>

#include "log.h"
#include "row.h"
#include "terminal-agent/session_internal.h"

#define JOURNAL 65536 /* octets: a hundred rows, of which the newest counts */

#define COUNTERS_AHEAD 1024
#define SEALED_AHEAD   64
#define REQUESTS_AHEAD 64

static int broken(const char *what)
{
	log_warnx("state of the %s cannot be read, it is of another version or damaged: move the "
		  "store away, after which the terminal registers anew",
		  what);
	return -EBADMSG;
}

/* ---- the counter --------------------------------------------------------------------------- */

void keep_counter(struct session *s)
{
	uint8_t octets[16];
	struct cursor_out row = cursor_out(octets, sizeof(octets));

	s->keep.counter = s->counter + COUNTERS_AHEAD;
	cursor_put_u64(&row, s->home_epoch);
	cursor_put_u64(&row, s->keep.counter);
	store_put(s->keep.store, KEEP_COUNTER, "", octets, cursor_written(&row));
}

uint64_t keep_next_counter(struct session *s)
{
	if (++s->counter >= s->keep.counter)
		keep_counter(s);
	return s->counter;
}

static int counter_read(void *arg, const char *key, const uint8_t *value, size_t length)
{
	struct session *s = arg;
	struct cursor_in row = cursor_in(value, length);

	(void)key;
	s->home_epoch = cursor_get_u64(&row);
	s->counter = cursor_get_u64(&row);
	return row_whole(&row) ? 0 : broken("discoveries");
}

/* ---- the registration ---------------------------------------------------------------------- */

static void put_place(struct cursor_out *row, const struct place *place)
{
	row_put_text(row, place->link);
	row_put_text(row, place->satellite);
	row_put_text(row, place->core);
}

static void get_place(struct cursor_in *row, struct place *place)
{
	row_get_text(row, place->link, sizeof(place->link));
	row_get_text(row, place->satellite, sizeof(place->satellite));
	row_get_text(row, place->core, sizeof(place->core));
}

/* With counters that have been set aside. */
static void put_access(struct cursor_out *row, struct session *s)
{
	const struct registration *r = &s->registration;
	struct access_session ahead = r->access;

	s->keep.sealed = r->access.tx.counter + SEALED_AHEAD;
	s->keep.request = requests_next_id(r->requests) + REQUESTS_AHEAD;
	ahead.tx.counter = s->keep.sealed;
	row_put_access(row, &ahead);
	cursor_put_u32(row, s->keep.request);
	access_session_wipe(&ahead);
}

/* Where it was going, if it has said so. */
static void put_move(struct cursor_out *row, const struct move *m)
{
	row_put_text(row, m->target ? m->target->name : "");
	row_put_text(row, m->core);
	cursor_put_u64(row, m->number);
	cursor_put_u8(row, m->announced);
	cursor_put_u8(row, (uint8_t)(m->prepared | m->unplaced << 1));
	row_put_time(row, m->uplink_delay);
}

static void put_registration(struct session *s)
{
	const struct registration *r = &s->registration;
	uint8_t octets[STORE_VALUE_MAX];
	struct cursor_out row = cursor_out(octets, sizeof(octets));

	put_place(&row, &r->place);
	row_put_text(&row, r->interface);
	row_put_lladdr(&row, &r->link_layer);
	cursor_put_u64(&row, r->epoch);
	row_put_addr(&row, &r->hoa4);
	row_put_addr(&row, &r->hoa6);
	row_put_prefix(&row, &r->delegated);
	row_put_addr(&row, &r->coa);
	row_put_lladdr(&row, &r->gateway);
	cursor_put_u32(&row, r->mtu);
	cursor_put_u32(&row, r->lifetime);
	row_put_time(&row, r->since);
	row_put_time(&row, r->rooted);
	put_access(&row, s);
	cursor_put(&row, r->root, KEY_LENGTH);
	cursor_put_u64(&row, r->moves);
	cursor_put_u8(&row, r->left);
	put_move(&row, r->left ? &s->move : &(struct move){0});
	store_put(s->keep.store, KEEP_REGISTRATION, "", octets, cursor_written(&row));
	keys_wipe(octets, sizeof(octets));
}

void keep_registration(struct session *s)
{
	if (!s->keep.store)
		return;
	if (s->registration.valid)
		put_registration(s);
	else
		store_remove(s->keep.store, KEEP_REGISTRATION, "");
}

/* Is this request id at or beyond that one (RFC 1982)? */
static bool reaches(uint32_t id, uint32_t limit)
{
	return (int32_t)(id - limit) >= 0;
}

void keep_sealing(struct session *s)
{
	const struct registration *r = &s->registration;

	/* The id of the request that is being sent is below the next one. */
	if (r->access.tx.counter >= s->keep.sealed ||
	    reaches(requests_next_id(r->requests), s->keep.request))
		keep_registration(s);
}

static void get_move(struct cursor_in *row, struct resuming *resuming)
{
	struct move *m = &resuming->move;
	uint8_t known;

	row_get_text(row, resuming->target, sizeof(resuming->target));
	row_get_text(row, m->core, sizeof(m->core));
	m->number = cursor_get_u64(row);
	m->announced = cursor_get_u8(row);
	known = cursor_get_u8(row);
	m->prepared = known & 1;
	m->unplaced = known >> 1 & 1;
	m->uplink_delay = row_get_time(row);
}

/* Of its link only the name is known yet. */
static int registration_read(void *arg, const char *key, const uint8_t *value, size_t length)
{
	struct session *s = arg;
	struct registration *r = &s->registration;
	struct cursor_in row = cursor_in(value, length);
	const struct request_ops transmit = {session_transmit, s};

	(void)key;
	get_place(&row, &r->place);
	row_get_text(&row, r->interface, sizeof(r->interface));
	r->link_layer = row_get_lladdr(&row);
	r->epoch = cursor_get_u64(&row);
	r->hoa4 = row_get_addr(&row);
	r->hoa6 = row_get_addr(&row);
	r->delegated = row_get_prefix(&row);
	r->coa = row_get_addr(&row);
	r->gateway = row_get_lladdr(&row);
	r->mtu = cursor_get_u32(&row);
	r->lifetime = cursor_get_u32(&row);
	r->since = row_get_time(&row);
	r->rooted = row_get_time(&row);
	row_get_access(&row, &r->access);
	r->requests = requests_new(&transmit);
	if (!r->requests)
		return -ENOMEM;
	requests_go_on(r->requests, cursor_get_u32(&row));
	cursor_get(&row, r->root, KEY_LENGTH);
	r->moves = cursor_get_u64(&row);
	r->left = cursor_get_u8(&row);
	get_move(&row, &s->resuming);
	r->valid = row_whole(&row);
	return r->valid ? 0 : broken("registration");
}

/* ---- the store ----------------------------------------------------------------------------- */

int keep_open(struct session *s, const struct keep_place *place)
{
	const struct store_options options = {.directory = place->directory,
					      .program = "terminal-agent",
					      .journal = place->journal,
					      .capacity = JOURNAL,
					      .owner = s->identity->name.nai,
					      .private_key = s->identity->keys.private};
	int result;

	if (!place->directory)
		return 0;
	result = store_open(&s->keep.store, &options);
	if (result < 0)
		return result;
	if (store_resumes(s->keep.store)) {
		result = store_each(s->keep.store, KEEP_COUNTER, counter_read, s);
		if (result == 0)
			result = store_each(s->keep.store, KEEP_REGISTRATION, registration_read, s);
	}
	if (result == 0)
		keep_counter(s);
	return result;
}

void keep_close(struct session *s)
{
	store_close(s->keep.store);
	s->keep.store = NULL;
}
