/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of a core, as they are read; see resume.h. keep.c writes them. */
#include "resume.h"

#include "binding.h"
#include "care_of.h"
#include "guard.h"
#include "keep.h"
#include "log.h"
#include "peer.h"
#include "release.h"
#include "row.h"
#include "satellite.h"
#include "session.h"
#include "subscriber.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct resuming {
	struct core *core;
	usec_t now;
	unsigned int bindings, sessions;
};

static int broken(const char *what, const char *key)
{
	log_warnx("state of %s %s cannot be read, it is of another version or damaged: move the "
		  "store away, after which every terminal registers anew",
		  what, key);
	return -EBADMSG;
}

/* ---- leases -------------------------------------------------------------------------------- */

static int lease_read(void *arg, const char *key, const uint8_t *value, size_t length)
{
	struct core *core = arg;
	struct cursor_in row = cursor_in(value, length);
	const struct addr hoa4 = row_get_addr(&row), hoa6 = row_get_addr(&row);
	struct subscriber *s = subscriber_find(core, key);

	if (!row_whole(&row))
		return broken("the lease of", key);
	if (s)
		subscriber_lease(s, &hoa4, &hoa6);
	else
		store_remove(core->store, KEEP_LEASE, key);
	return 0;
}

int resume_leases(struct core *core)
{
	return store_each(core->store, KEEP_LEASE, lease_read, core);
}

/* ---- fields -------------------------------------------------------------------------------- */

/* A path as it was, to this satellite and peer. */
static struct path get_path(struct cursor_in *row, const struct satellite *satellite,
			    const struct peer *peer)
{
	struct path path = {.kind = (enum path_kind)cursor_get_u8(row)};
	uint8_t more;

	if (path.kind == PATH_NONE)
		return path;
	path.hoa4 = row_get_addr(row);
	path.hoa6 = row_get_addr(row);
	path.prefix = row_get_prefix(row);
	path.mtu = cursor_get_u32(row);
	path.mac = row_get_lladdr(row);
	path.tunnel = (enum tunnel_kind)cursor_get_u8(row);
	path.outer_src = row_get_addr(row);
	path.outer_dst = row_get_addr(row);
	path.key = cursor_get_u32(row);
	more = cursor_get_u8(row);
	path.peer = more & KEEP_PATH_PEER ? peer : NULL;
	path.df = more & KEEP_PATH_DF;
	path.port = satellite ? satellite->port : 0;
	return path;
}

static struct account get_account(struct cursor_in *row)
{
	struct account account = {.binding = cursor_get_u64(row)};

	account.since = row_get_time(row);
	account.before.up.packets = cursor_get_u64(row);
	account.before.up.octets = cursor_get_u64(row);
	account.before.down.packets = cursor_get_u64(row);
	account.before.down.octets = cursor_get_u64(row);
	return account;
}

/* ---- subscribers --------------------------------------------------------------------------- */

/* What it was bound to is still what the configuration allows. */
static bool binding_stands(const struct subscriber *s, const struct binding *b)
{
	const struct path homes = subscriber_homes(s);

	if (!addr_equal(&b->path.hoa4, &homes.hoa4) || !addr_equal(&b->path.hoa6, &homes.hoa6) ||
	    !prefix_equal(&b->path.prefix, &homes.prefix))
		return false;
	if (b->state == BINDING_VISITING)
		return b->peer && peer_owns_care_of(b->peer, &b->coa);
	return satellite_find(s->core, b->place.satellite) != NULL;
}

static struct binding get_binding(struct cursor_in *row, const struct core *core)
{
	struct binding b = {.state = (enum binding_state)cursor_get_u8(row)};
	char name[SNO_NAME_MAX + 1];

	if (b.state == BINDING_NONE)
		return b;
	b.number = cursor_get_u64(row);
	row_get_text(row, name, sizeof(name));
	b.peer = peer_find(core, name);
	b.coa = row_get_addr(row);
	b.path = get_path(row, NULL, b.peer);
	row_get_text(row, b.place.satellite, sizeof(b.place.satellite));
	b.place.link.link_layer = row_get_lladdr(row);
	b.place.link.link_local = row_get_addr(row);
	b.place.link.mtu = cursor_get_u16(row);
	b.left = cursor_get_u8(row);
	b.since = row_get_time(row);
	b.expires = row_get_time(row);
	b.account = get_account(row);
	return b;
}

/* It ends here: the core that is visited does not know. */
static void owe_end(const struct binding *b, usec_t now)
{
	if (b->state == BINDING_VISITING && b->peer)
		release_owe(b->peer, b->number, REASON_ADMINISTRATIVE, false, now);
}

static int subscriber_read(void *arg, const char *key, const uint8_t *value, size_t length)
{
	struct resuming *r = arg;
	struct core *core = r->core;
	struct cursor_in row = cursor_in(value, length);
	struct subscriber *s = subscriber_find(core, key);
	const struct satellite *satellite;
	uint64_t counter = cursor_get_u64(&row);
	uint8_t allows = cursor_get_u8(&row);
	struct binding b = get_binding(&row, core);
	struct root root = {0};

	root_get(&row, &root);
	if (!row_whole(&row) || b.state > BINDING_VISITING) {
		root_wipe(&root);
		return broken("subscriber", key);
	}
	if (!s) {
		owe_end(&b, r->now);
		/* What it has sent stays stale, should it come back. */
		keep_counter_floor(core, counter);
		store_remove(core->store, KEEP_SUBSCRIBER, key);
		root_wipe(&root);
		return 0;
	}
	s->counter = counter;
	s->allows = (enum handover_mode)allows;
	if (b.state == BINDING_NONE) {
		root_wipe(&root);
		return 0;
	}
	if (!binding_stands(s, &b)) {
		owe_end(&b, r->now);
		root_wipe(&root);
		keep_subscriber(s);
		return 0;
	}
	root_pass(&s->root, &root);
	satellite = satellite_find(core, b.place.satellite);
	if (b.state == BINDING_HOME)
		b.path.port = satellite->port;
	binding_resume(s, &b);
	r->bindings++;
	return 0;
}

/* ---- sessions ------------------------------------------------------------------------------ */

/* Is it still this core that serves it, under that configuration? */
static void find_home(struct session *like, const char *realm)
{
	struct core *core = like->core;
	char user[SNO_NAME_MAX + 1] = "";
	size_t length = strcspn(like->nai, "@");
	struct subscriber *s;

	if (strcmp(realm, core->config->name) != 0) {
		like->home = peer_find(core, realm);
		if (!like->home || !care_of_covers(core, &like->coa) ||
		    pool_reserve(care_of_pool(core, like->coa.family), &like->coa) < 0)
			like->home = NULL;
		return;
	}
	if (length < sizeof(user))
		memcpy(user, like->nai, length);
	s = subscriber_find(core, user);
	if (s && s->binding.state == BINDING_HOME && s->binding.number == like->binding)
		like->subscriber = s;
}

static void get_done(struct cursor_in *row, struct session *like)
{
	like->done_length = cursor_get_u16(row);
	if (like->done_length > sizeof(like->done))
		row->failed = true;
	else
		cursor_get(row, like->done, like->done_length);
}

static bool serves(const struct session *s)
{
	return s->state == SESSION_REGISTERED || s->state == SESSION_LEAVING;
}

static int session_read(void *arg, const char *key, const uint8_t *value, size_t length)
{
	struct resuming *r = arg;
	struct core *core = r->core;
	struct cursor_in row = cursor_in(value, length);
	char realm[SNO_NAME_MAX + 1], satellite[SNO_NAME_MAX + 1];
	struct session like = {.core = core, .state = (enum session_state)cursor_get_u8(&row)};
	uint32_t next_request;
	struct peer *home;

	snprintf(like.nai, sizeof(like.nai), "%s", key);
	row_get_text(&row, realm, sizeof(realm));
	row_get_text(&row, satellite, sizeof(satellite));
	home = peer_find(core, realm);
	like.satellite = satellite_find(core, satellite);
	like.mac = row_get_lladdr(&row);
	like.link_local = row_get_addr(&row);
	row_get_access(&row, &like.access);
	next_request = cursor_get_u32(&row);
	like.binding = cursor_get_u64(&row);
	like.coa = row_get_addr(&row);
	like.own_path = get_path(&row, like.satellite, home);
	like.account = get_account(&row);
	like.mode = (enum handover_mode)cursor_get_u8(&row);
	like.buffered = cursor_get_u32(&row);
	like.dropped = cursor_get_u32(&row);
	cursor_get(&row, like.discovery, sizeof(like.discovery));
	like.registered = row_get_time(&row);
	like.expires = row_get_time(&row);
	like.deadline = row_get_time(&row);
	get_done(&row, &like);
	if (!row_whole(&row) || like.state > SESSION_RELEASED || like.access.local_index == 0) {
		keys_wipe(&like, sizeof(like));
		return broken("session", key);
	}
	if (like.satellite)
		find_home(&like, realm);
	if (!like.home)
		like.own_path.kind = PATH_NONE;
	/* It is served no more. */
	if (home && !like.home && like.binding && serves(&like))
		release_owe(home, like.binding, REASON_ADMINISTRATIVE, false, r->now);
	if (!like.satellite) /* there is no way to its terminal any more, not even to tell it */
		store_remove(core->store, KEEP_SESSION, key);
	else if (session_resume(core, &like, next_request, r->now))
		r->sessions++;
	keys_wipe(&like, sizeof(like));
	return 0;
}

/* ---- releases ------------------------------------------------------------------------------ */

/* Has the end of this binding, which was to be told, not come about before the restart? */
static bool lives(const struct release *r)
{
	struct session *s;

	HASH_FIND(hh_visitor, r->peer->visitors, &r->key.binding, sizeof(r->key.binding), s);
	return subscriber_bound(r->peer->core, r->key.binding) || (s && serves(s));
}

static int release_read(void *arg, const char *key, const uint8_t *value, size_t length)
{
	struct resuming *r = arg;
	struct core *core = r->core;
	struct cursor_in row = cursor_in(value, length);
	const uint64_t binding = cursor_get_u64(&row);
	struct release like = {0};
	char name[SNO_NAME_MAX + 1];

	row_get_text(&row, name, sizeof(name));
	like.reason = (enum reason)cursor_get_u8(&row);
	like.soft = cursor_get_u8(&row);
	like.expires = row_get_time(&row);
	if (!row_whole(&row) || like.reason >= REASON_COUNT)
		return broken("the release of binding", key);
	like.peer = peer_find(core, name);
	if (like.peer)
		like.key = release_key(like.peer, binding);
	if (!like.peer || lives(&like))
		store_remove(core->store, KEEP_RELEASE, key);
	else if (!release_resume(core, &like, r->now))
		return -ENOMEM;
	return 0;
}

/* ---- the kernel ---------------------------------------------------------------------------- */

/* The paths of all that has been resumed, which are nowhere in the kernel as far as is known. */
struct paths {
	struct path_change *changes;
	struct path *wanted;
	size_t count;
};

static void add_path(struct paths *p, struct path *path, const struct path *wanted)
{
	if (wanted->kind == PATH_NONE)
		return;
	p->wanted[p->count] = *wanted;
	p->changes[p->count] =
		(struct path_change){.installed = path, .wanted = &p->wanted[p->count]};
	path->kind = PATH_NONE;
	p->count++;
}

/* A satellite whose interface is missing just now has its paths when it is back. */
static bool reachable(const struct path *path)
{
	return path->kind != PATH_ACCESS || path->port != 0;
}

static void collect(struct core *core, struct paths *p)
{
	struct subscriber *s, *next_subscriber;
	struct session *session, *next_session;

	HASH_ITER (hh, core->subscribers, s, next_subscriber) {
		if (s->binding.state == BINDING_NONE)
			continue;
		if (reachable(&s->binding.path))
			add_path(p, &s->path, &s->binding.path);
		else
			s->path = s->binding.path;
	}
	HASH_ITER (hh, core->sessions, session, next_session) {
		const struct path path = session->own_path;

		if (session->home && reachable(&path))
			add_path(p, &session->own_path, &path);
	}
}

/* Whom the kernel has refused is not served. */
static void end_refused(struct core *core, usec_t now)
{
	struct subscriber *s, *next_subscriber;
	struct session *session, *next_session;

	HASH_ITER (hh, core->subscribers, s, next_subscriber) {
		if (s->binding.state != BINDING_NONE && s->path.kind == PATH_NONE)
			binding_withdraw(s, REASON_KERNEL_REFUSED, now);
		else if (s->binding.state != BINDING_NONE)
			guard_subscriber(s);
	}
	HASH_ITER (hh, core->sessions, session, next_session)
		if (session->home && session->own_path.kind == PATH_NONE)
			session_evict(session, REASON_KERNEL_REFUSED, now);
}

static int lead_all(struct core *core, usec_t now)
{
	size_t room = HASH_COUNT(core->subscribers) + HASH_COUNT(core->sessions) + 1;
	struct paths p = {.changes = calloc(room, sizeof(*p.changes)),
			  .wanted = calloc(room, sizeof(*p.wanted))};
	int result = p.changes && p.wanted ? 0 : -ENOMEM;

	if (result == 0) {
		collect(core, &p);
		forwarding_set_many(core, p.changes, p.count);
		end_refused(core, now);
	}
	free(p.changes);
	free(p.wanted);
	return result;
}

int resume(struct core *core, usec_t now)
{
	struct resuming r = {.core = core, .now = now};
	int result;

	if (!core->resumed)
		return 0;
	result = store_each(core->store, KEEP_SUBSCRIBER, subscriber_read, &r);
	if (result == 0)
		result = store_each(core->store, KEEP_SESSION, session_read, &r);
	if (result == 0)
		result = store_each(core->store, KEEP_RELEASE, release_read, &r);
	if (result == 0)
		result = lead_all(core, now);
	if (result == 0)
		log_notice("going on after a restart: %u bindings, %u terminals served here",
			   r.bindings, r.sessions);
	return result;
}
