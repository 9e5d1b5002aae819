/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of a core, as they are written; see keep.h. resume.c reads them. */
#include "keep.h"

#include "binding.h"
#include "link_socket.h"
#include "log.h"
#include "peer.h"
#include "registration.h"
#include "release.h"
#include "row.h"
#include "satellite.h"
#include "session.h"
#include "subscriber.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Octets of the journal: some thousand terminals that are handed over at one moment. */
#define JOURNAL (4 << 20)

/* Numbers are set aside in such blocks, so that a row is written for each block only. */
#define BINDINGS_AHEAD 4096
#define REQUESTS_AHEAD 65536

/* ---- the life ------------------------------------------------------------------------------ */

static int life_read(void *arg, const char *key, const uint8_t *value, size_t length)
{
	struct core *core = arg;
	struct cursor_in row = cursor_in(value, length);

	(void)key;
	core->epoch = cursor_get_u64(&row);
	core->last_binding = cursor_get_u64(&row);
	core->counter_floor = cursor_get_u64(&row);
	core->request_floor = cursor_get_u32(&row);
	core->access_mark = cursor_get_u16(&row);
	if (row_whole(&row) && core->epoch != 0 && core->access_mark != 0)
		return 0;
	log_warnx("the state of this core cannot be read, it is of another version or damaged: "
		  "move the store away, after which every terminal registers anew");
	return -EBADMSG;
}

static void new_life(struct core *core)
{
	do
		keys_random(&core->epoch, sizeof(core->epoch));
	while (core->epoch == 0);
	do {
		keys_random(&core->access_mark, sizeof(core->access_mark));
		core->access_mark &= LINK_MARK;
	} while (core->access_mark == 0);
	/* Numbers of two lives of a core, or of two cores, do not meet (PROTOCOL section 9). */
	core->last_binding = core->epoch & ~UINT64_C(0xffffffff);
}

/* Version 1 had no answer in a session's row. */
static int row_upgrade(int version, uint8_t kind, uint8_t *value, size_t *length)
{
	if (version > 1 || kind != KEEP_SESSION)
		return 0;
	if (*length + 2 > STORE_VALUE_MAX)
		return -EBADMSG;
	value[(*length)++] = 0;
	value[(*length)++] = 0;
	return 0;
}

int keep_open(struct core *core)
{
	const struct store_options options = {
		.directory = core->io.state,
		.program = "core-agent",
		.journal = core->io.journal,
		.capacity = JOURNAL,
		.owner = core->config->name,
		.private_key = core->keys.private,
		.upgrade = row_upgrade,
	};
	int result = core->io.state ? store_open(&core->store, &options) : 0;

	if (result == 0 && store_resumes(core->store))
		result = store_each(core->store, KEEP_LIFE, life_read, core);
	if (result < 0)
		return result;
	core->resumed = core->epoch != 0;
	if (!core->resumed)
		new_life(core);
	keep_life(core);
	return 0;
}

/* Is this request id beyond that one (RFC 1982)? */
static bool beyond(uint32_t id, uint32_t other)
{
	return (int32_t)(id - other) > 0;
}

void keep_life(struct core *core)
{
	uint8_t octets[32];
	struct cursor_out row = cursor_out(octets, sizeof(octets));
	const struct peer *peer;
	uint32_t request = core->request_floor;

	for (peer = core->peers; peer; peer = peer->hh.next) {
		uint32_t next = requests_next_id(channel_requests(peer->channel));

		if (beyond(next, request))
			request = next;
	}
	core->kept_binding = core->last_binding + BINDINGS_AHEAD;
	core->kept_request = request + REQUESTS_AHEAD;
	cursor_put_u64(&row, core->epoch);
	cursor_put_u64(&row, core->kept_binding);
	cursor_put_u64(&row, core->counter_floor);
	cursor_put_u32(&row, core->kept_request);
	cursor_put_u16(&row, core->access_mark);
	store_put(core->store, KEEP_LIFE, "", octets, cursor_written(&row));
}

void keep_counter_floor(struct core *core, uint64_t counter)
{
	if (counter <= core->counter_floor)
		return;
	core->counter_floor = counter;
	keep_life(core);
}

uint64_t keep_binding_number(struct core *core)
{
	if (++core->last_binding > core->kept_binding)
		keep_life(core);
	return core->last_binding;
}

void keep_request_id(struct core *core, uint32_t id)
{
	if (!beyond(core->kept_request, id + 1))
		keep_life(core);
}

/* ---- subscribers --------------------------------------------------------------------------- */

/* The port is the satellite's, and may be another one by then. */
static void put_path(struct cursor_out *row, const struct path *path)
{
	cursor_put_u8(row, (uint8_t)path->kind);
	if (path->kind == PATH_NONE)
		return;
	row_put_addr(row, &path->hoa4);
	row_put_addr(row, &path->hoa6);
	row_put_prefix(row, &path->prefix);
	cursor_put_u32(row, path->mtu);
	row_put_lladdr(row, &path->mac);
	cursor_put_u8(row, (uint8_t)path->tunnel);
	row_put_addr(row, &path->outer_src);
	row_put_addr(row, &path->outer_dst);
	cursor_put_u32(row, path->key);
	cursor_put_u8(row, (path->peer ? KEEP_PATH_PEER : 0) | (path->df ? KEEP_PATH_DF : 0));
}

static void put_account(struct cursor_out *row, const struct account *account)
{
	cursor_put_u64(row, account->binding);
	row_put_time(row, account->since);
	cursor_put_u64(row, account->before.up.packets);
	cursor_put_u64(row, account->before.up.octets);
	cursor_put_u64(row, account->before.down.packets);
	cursor_put_u64(row, account->before.down.octets);
}

static void put_binding(struct cursor_out *row, const struct binding *b)
{
	cursor_put_u8(row, (uint8_t)b->state);
	if (b->state == BINDING_NONE)
		return;
	cursor_put_u64(row, b->number);
	row_put_text(row, b->peer ? b->peer->name : "");
	row_put_addr(row, &b->coa);
	put_path(row, &b->path);
	row_put_text(row, b->place.satellite);
	row_put_lladdr(row, &b->place.link.link_layer);
	row_put_addr(row, &b->place.link.link_local);
	cursor_put_u16(row, b->place.link.mtu);
	cursor_put_u8(row, b->left);
	row_put_time(row, b->since);
	row_put_time(row, b->expires);
	put_account(row, &b->account);
}

static void put_subscriber(const struct subscriber *s, const struct binding *b,
			   const struct root *root)
{
	static const struct root none;
	uint8_t octets[STORE_VALUE_MAX];
	struct cursor_out row = cursor_out(octets, sizeof(octets));

	cursor_put_u64(&row, s->counter);
	cursor_put_u8(&row, (uint8_t)s->allows);
	put_binding(&row, b);
	root_put(&row, root);
	/* The keys of so many targets that they do not fit: that root is not to be used again. */
	if (row.failed && root != &none)
		put_subscriber(s, b, &none);
	else
		store_put(s->core->store, KEEP_SUBSCRIBER, s->user, octets, cursor_written(&row));
	keys_wipe(octets, sizeof(octets));
}

void keep_subscriber(const struct subscriber *s)
{
	if (s->core->store)
		put_subscriber(s, &s->binding, &s->root);
}

void keep_binding(const struct subscriber *s, const struct binding_next *next, usec_t now)
{
	const struct binding b = {.state = next->state,
				  .number = next->number,
				  .peer = next->peer,
				  .coa = next->coa,
				  .path = next->path,
				  .place = next->place,
				  .since = now,
				  .expires = now + s->core->config->timers.lifetime,
				  .account = {.binding = next->number, .since = now}};
	bool fresh = s->offer.number == next->number && s->offer.root.known;

	if (s->core->store)
		put_subscriber(s, &b, fresh ? &s->offer.root : &s->root);
}

void keep_forget_subscriber(const struct subscriber *s)
{
	store_remove(s->core->store, KEEP_SUBSCRIBER, s->user);
	store_remove(s->core->store, KEEP_LEASE, s->user);
}

void keep_lease(const struct subscriber *s)
{
	uint8_t octets[64];
	struct cursor_out row = cursor_out(octets, sizeof(octets));

	row_put_addr(&row, &s->hoa4);
	row_put_addr(&row, &s->hoa6);
	store_put(s->core->store, KEEP_LEASE, s->user, octets, cursor_written(&row));
}

/* ---- sessions ------------------------------------------------------------------------------ */

/* What the terminal asks for again until it has it, which it shows by being heard. */
static void put_done(struct cursor_out *row, const struct session *s)
{
	size_t length = s->access.rx.window.next == 0 ? s->done_length : 0;

	cursor_put_u16(row, (uint16_t)length);
	cursor_put(row, s->done, length);
}

void keep_session(const struct session *s)
{
	uint8_t octets[STORE_VALUE_MAX];
	struct cursor_out row = cursor_out(octets, sizeof(octets));
	const struct path none = {.kind = PATH_NONE};

	if (!s->core->store || s->over || s->state == SESSION_PREPARING ||
	    s->access.local_index == 0)
		return;
	cursor_put_u8(&row, (uint8_t)s->state);
	row_put_text(&row, s->home ? s->home->name : s->subscriber ? s->core->config->name : "");
	row_put_text(&row, s->satellite ? s->satellite->name : "");
	row_put_lladdr(&row, &s->mac);
	row_put_addr(&row, &s->link_local);
	row_put_access(&row, &s->access);
	cursor_put_u32(&row, requests_next_id(s->requests));
	cursor_put_u64(&row, s->binding);
	row_put_addr(&row, &s->coa);
	/* What an attempt has made of it so far goes with the attempt. */
	put_path(&row, !s->home		 ? &none
		       : s->registration ? &s->registration->before
					 : &s->own_path);
	put_account(&row, &s->account);
	cursor_put_u8(&row, (uint8_t)s->mode);
	cursor_put_u32(&row, s->buffered);
	cursor_put_u32(&row, s->dropped);
	cursor_put(&row, s->discovery, sizeof(s->discovery));
	row_put_time(&row, s->registered);
	row_put_time(&row, s->expires);
	row_put_time(&row, s->deadline);
	put_done(&row, s);
	store_put(s->core->store, KEEP_SESSION, s->nai, octets, cursor_written(&row));
	keys_wipe(octets, sizeof(octets));
}

void keep_forget_session(const struct session *s)
{
	store_remove(s->core->store, KEEP_SESSION, s->nai);
}

/* ---- releases ------------------------------------------------------------------------------ */

#define RELEASE_ROW (16 + 1 + SNO_NAME_MAX + 1)

/* Its key in text: number and peer. */
static const char *release_row(const struct release_key *key, char text[RELEASE_ROW])
{
	snprintf(text, RELEASE_ROW, "%016" PRIx64 "@%s", key->binding, key->peer);
	return text;
}

void keep_release(struct core *core, const struct release *release)
{
	uint8_t octets[SNO_NAME_MAX + 32];
	struct cursor_out row = cursor_out(octets, sizeof(octets));
	char text[RELEASE_ROW];

	cursor_put_u64(&row, release->key.binding);
	row_put_text(&row, release->key.peer);
	cursor_put_u8(&row, (uint8_t)release->reason);
	cursor_put_u8(&row, release->soft);
	row_put_time(&row, release->expires);
	store_put(core->store, KEEP_RELEASE, release_row(&release->key, text), octets,
		  cursor_written(&row));
}

void keep_forget_release(struct core *core, const struct release *release)
{
	char text[RELEASE_ROW];

	store_remove(core->store, KEEP_RELEASE, release_row(&release->key, text));
}
