/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Releases that are owed; see release.h. */
#include "release.h"

#include "keep.h"
#include "log.h"
#include "peer.h"

#include <stdlib.h>
#include <string.h>

/* Those that have got no answer although the peer is there are looked at so often. */
#define RELEASE_RETRY (5 * USEC_PER_SEC)
/* The longest lifetime that a core can grant: what was bound has ended everywhere by then. */
#define RELEASE_KEPT (86400 * USEC_PER_SEC)

/* Of one peer: no more than it is asked at once, whatever it has granted and never answers. */
#define RELEASES_MAX 65536

struct release_key release_key(const struct peer *peer, uint64_t binding)
{
	struct release_key key;

	memset(&key, 0, sizeof(key));
	key.binding = binding;
	memcpy(key.peer, peer->name, strlen(peer->name));
	return key;
}

static struct release *find(const struct peer *peer, uint64_t binding)
{
	const struct release_key key = release_key(peer, binding);
	struct release *r;

	HASH_FIND(hh, peer->core->releases, &key, sizeof(key), r);
	return r;
}

static void forget(struct release *r)
{
	struct core *core = r->peer->core;

	if (r->request > 0)
		peer_request_cancel(r->peer, r->request);
	keep_forget_release(core, r);
	HASH_DEL(core->releases, r);
	r->peer->releases--;
	free(r);
}

/* The request has ended: with an answer, whatever it says, or without one. */
static void release_done(void *context, uint64_t token, enum reason reason,
			 const struct message *answer, usec_t now)
{
	/* What is forgotten is not asked any more: it is there. */
	struct release *r = (struct release *)(uintptr_t)token;

	(void)context;
	(void)now;
	if (reason != REASON_ACCEPTED && reason != REASON_STALE_BINDING)
		log_info("release of binding %llu: %s", (unsigned long long)r->key.binding,
			 reason_name(reason));
	r->request = 0;
	if (answer)
		forget(r);
}

static void ask(struct release *r, usec_t now)
{
	struct message m;

	if (r->request > 0 || !channel_up(r->peer->channel))
		return;
	message_init(&m, MESSAGE_RELEASE, 0);
	message_set_number(&m, ATTR_REASON, r->reason);
	message_set_number(&m, ATTR_BINDING, r->key.binding);
	if (r->soft)
		message_set_number(&m, ATTR_MODE, MODE_SOFT);
	r->request = peer_request(r->peer, &m, release_done, (uintptr_t)r, now);
}

static void release_timer(struct timer *timer, void *arg, usec_t now)
{
	struct core *core = arg;
	struct release *r, *next;

	peers_gather(core);
	HASH_ITER (hh, core->releases, r, next) {
		if (now >= r->expires)
			forget(r);
		else
			ask(r, now);
	}
	peers_flush(core, now);
	if (core->releases)
		timer_set(&core->timers, timer, now + RELEASE_RETRY);
}

void releases_open(struct core *core)
{
	timer_init(&core->release_timer, release_timer, core);
}

void releases_close(struct core *core)
{
	struct release *r, *next;

	HASH_ITER (hh, core->releases, r, next)
		forget(r);
	timer_cancel(&core->timers, &core->release_timer);
}

bool release_resume(struct core *core, const struct release *like, usec_t now)
{
	struct release *r = find(like->peer, like->key.binding), *fresh;

	if (r)
		return true;
	fresh = malloc(sizeof(*fresh));
	if (!fresh)
		return false;
	*fresh = *like;
	fresh->request = 0;
	HASH_ADD(hh, core->releases, key, sizeof(fresh->key), fresh);
	fresh->peer->releases++;
	if (!timer_pending(&core->release_timer))
		timer_set(&core->timers, &core->release_timer, now + RELEASE_RETRY);
	return true;
}

void release_owe(struct peer *peer, uint64_t binding, enum reason reason, bool soft, usec_t now)
{
	const struct release owed = {.key = release_key(peer, binding),
				     .peer = peer,
				     .reason = reason,
				     .soft = soft,
				     .expires = now + RELEASE_KEPT};

	if (peer->releases < RELEASES_MAX && release_resume(peer->core, &owed, now))
		keep_release(peer->core, &owed);
	else
		log_warnx("too much is owed already: %s is not told that binding %llu has ended, "
			  "and serves it until its lifetime ends",
			  peer->name, (unsigned long long)binding);
}

void release_tell(const struct peer *peer, uint64_t binding, usec_t now)
{
	struct release *r = find(peer, binding);

	if (r)
		ask(r, now);
}

void release_send(struct peer *peer, uint64_t binding, enum reason reason, usec_t now)
{
	release_owe(peer, binding, reason, false, now);
	release_tell(peer, binding, now);
}

void releases_peer_up(const struct peer *peer, usec_t now)
{
	struct release *r, *next;

	HASH_ITER (hh, peer->core->releases, r, next)
		if (r->peer == peer)
			ask(r, now);
}

void releases_peer_gone(const struct peer *peer)
{
	struct release *r, *next;

	HASH_ITER (hh, peer->core->releases, r, next)
		if (r->peer == peer)
			forget(r);
}

void releases_peer_changed(const struct peer *peer, struct peer *heir)
{
	struct release *r, *next;

	HASH_ITER (hh, peer->core->releases, r, next) {
		if (r->peer != peer)
			continue;
		r->peer = heir;
		r->request = 0; /* it goes with the peer */
		heir->releases++;
	}
}

bool releases_under_way(const struct peer *peer)
{
	return peer->releases > 0 && channel_up(peer->channel);
}
