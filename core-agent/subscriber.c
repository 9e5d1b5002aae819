/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of subscribers and what is theirs; see subscriber.h. */
#include "subscriber.h"

#include "anticipation.h"
#include "authentication.h"
#include "binding.h"
#include "crowd.h"
#include "keep.h"
#include "lead.h"
#include "log.h"
#include "pool.h"
#include "walk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct subscriber *subscriber_find(const struct core *core, const char *user)
{
	struct subscriber *subscriber;

	HASH_FIND_STR(core->subscribers, user, subscriber);
	return subscriber;
}

struct subscriber *subscriber_offered(const struct core *core, uint64_t number)
{
	struct subscriber *subscriber;

	HASH_FIND(hh_offered, core->offered, &number, sizeof(number), subscriber);
	return subscriber;
}

struct subscriber *subscriber_bound(const struct core *core, uint64_t number)
{
	struct subscriber *subscriber;

	HASH_FIND(hh_bound, core->bound, &number, sizeof(number), subscriber);
	return subscriber;
}

void subscriber_offer_end(struct subscriber *subscriber)
{
	struct core *core = subscriber->core;

	if (subscriber->offer.number != 0)
		HASH_DELETE(hh_offered, core->offered, subscriber);
	root_wipe(&subscriber->offer.root);
	subscriber->offer = (struct offer){0};
}

uint64_t subscriber_offer(struct subscriber *subscriber, struct peer *to, usec_t now)
{
	struct core *core = subscriber->core;
	struct offer *offer = &subscriber->offer;

	subscriber_offer_end(subscriber);
	offer->number = keep_binding_number(core);
	offer->to = to;
	offer->until = now + core->config->timers.lifetime;
	HASH_ADD(hh_offered, core->offered, offer.number, sizeof(offer->number), subscriber);
	return offer->number;
}

/*
 * One address out of a pool, unless there is no such pool; exhausted is worth a line. True when one
 * was taken.
 */
static bool take(struct pool *pool, struct addr *address, const char *nai, const char *what)
{
	int result;

	if (!addr_none(address) || pool_size(pool) == 0)
		return false;
	result = pool_take(pool, address);
	if (result < 0)
		log_warn_errno(-result, "subscriber %s: no free address in pools.%s", nai, what);
	return result == 0;
}

struct path subscriber_homes(const struct subscriber *s)
{
	return (struct path){
		.kind = PATH_UNREACHABLE, .hoa4 = s->hoa4, .hoa6 = s->hoa6, .prefix = s->prefix};
}

static void take_lease(struct pool *pool, struct addr *address, const struct addr *lease)
{
	if (!addr_none(address) || addr_none(lease) || !pool_covers(pool, lease) ||
	    pool_reserve(pool, lease) < 0)
		return;
	*address = *lease;
}

void subscriber_lease(struct subscriber *subscriber, const struct addr *hoa4,
		      const struct addr *hoa6)
{
	struct core *core = subscriber->core;

	take_lease(core->home4, &subscriber->hoa4, hoa4);
	take_lease(core->home6, &subscriber->hoa6, hoa6);
}

int subscriber_take_addresses(struct subscriber *subscriber)
{
	struct core *core = subscriber->core;

	bool taken = take(core->home4, &subscriber->hoa4, subscriber->nai, "home4");

	taken |= take(core->home6, &subscriber->hoa6, subscriber->nai, "home6");
	if (taken)
		keep_lease(subscriber);
	subscriber->reserved = true;
	if (addr_none(&subscriber->hoa4) && addr_none(&subscriber->hoa6))
		return -EADDRNOTAVAIL;
	return 0;
}

static int reserve(struct pool *pool, const struct addr *address, const char *nai)
{
	char text[ADDR_TEXT];
	int result;

	if (addr_none(address))
		return 0;
	result = pool_reserve(pool, address);
	if (result < 0)
		log_warnx("subscriber %s: home address %s belongs to somebody else", nai,
			  addr_format(address, text));
	return result;
}

static int reserve_both(struct subscriber *subscriber)
{
	struct core *core = subscriber->core;
	int result = reserve(core->home4, &subscriber->hoa4, subscriber->nai);

	if (result < 0)
		return result;
	result = reserve(core->home6, &subscriber->hoa6, subscriber->nai);
	if (result < 0)
		pool_give(core->home4, &subscriber->hoa4);
	else
		subscriber->reserved = true;
	return result;
}

static void give_both(struct subscriber *subscriber)
{
	struct core *core = subscriber->core;

	pool_give(core->home4, &subscriber->hoa4);
	pool_give(core->home6, &subscriber->hoa6);
	subscriber->reserved = false;
}

static int load(struct subscriber *subscriber, const struct subscriber_config *config)
{
	int result;

	memcpy(subscriber->public_key, config->public_key, KEY_LENGTH);
	subscriber->prefix = config->prefix;
	subscriber->hoa4 = config->home4;
	subscriber->hoa6 = config->home6;
	if (!config->psk_file)
		return 0;
	result = keys_read_file(config->psk_file, subscriber->psk);
	if (result < 0)
		log_warnx("psk_file of subscriber %s: %s: %s", config->nai, config->psk_file,
			  keys_file_advice(result));
	return result;
}

static void discard(struct subscriber *subscriber)
{
	struct core *core = subscriber->core;

	anticipations_forget(subscriber);
	subscriber_offer_end(subscriber);
	authentication_forget(core, subscriber);
	root_wipe(&subscriber->root);
	crowd_leave(subscriber);
	timer_cancel(&core->timers, &subscriber->settle);
	timer_cancel(&core->timers, &subscriber->binding.timer);
	if (subscriber->reserved)
		give_both(subscriber);
	keys_wipe(subscriber, sizeof(*subscriber));
	free(subscriber);
}

/* Makes a subscriber; it is in no table yet, and its addresses are not reserved. */
static int make(struct core *core, const struct subscriber_config *config, struct subscriber **made)
{
	struct subscriber *subscriber = calloc(1, sizeof(*subscriber));
	int result;

	if (!subscriber)
		return -ENOMEM;
	subscriber->core = core;
	memcpy(subscriber->user, config->nai, (size_t)(strchr(config->nai, '@') - config->nai));
	memcpy(subscriber->nai, config->nai, strlen(config->nai) + 1);
	subscriber->counter = core->counter_floor;
	subscriber->allows = MODE_SOFT;
	lead_init(subscriber);
	binding_init(subscriber);
	result = load(subscriber, config);
	if (result < 0) {
		discard(subscriber);
		return result;
	}
	*made = subscriber;
	return 0;
}

int subscribers_open(struct core *core, usec_t now)
{
	struct subscribers_change change;
	int result = subscribers_prepare(core, core->config, &change);

	if (result < 0)
		subscribers_abort(core, &change);
	else
		subscribers_commit(core, &change, now);
	return result;
}

void subscribers_close(struct core *core)
{
	struct subscriber *subscriber, *next;

	HASH_ITER (hh, core->subscribers, subscriber, next) {
		walk_leave(core, subscriber, subscriber->hh.next);
		HASH_DEL(core->subscribers, subscriber);
		if (subscriber->binding.state != BINDING_NONE)
			HASH_DELETE(hh_bound, core->bound, subscriber);
		discard(subscriber);
	}
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool same_subscriber(const struct subscriber_config *a, const struct subscriber_config *b)
{
	return !memcmp(a->public_key, b->public_key, CONF_KEY_BYTES) &&
	       same_text(a->psk_file, b->psk_file) && addr_equal(&a->home4, &b->home4) &&
	       addr_equal(&a->home6, &b->home6) && prefix_equal(&a->prefix, &b->prefix);
}

/* Is the secret in its file what the subscriber has? What cannot be read is none. */
static bool same_secret(const struct subscriber *subscriber, const struct subscriber_config *config)
{
	uint8_t psk[KEY_LENGTH];
	bool same;

	if (!config->psk_file)
		return true;
	same = keys_read_file(config->psk_file, psk) == 0 &&
	       keys_equal(psk, subscriber->psk, sizeof(psk));
	keys_wipe(psk, sizeof(psk));
	return same;
}

/* A configuration's subscribers by NAI: comparing two long lists stays linear. */
struct entry {
	const struct subscriber_config *config;
	UT_hash_handle hh;
};

struct roll {
	struct entry *entries, *table;
};

static int roll_fill(struct roll *roll, const struct config *config)
{
	*roll = (struct roll){.entries =
				      calloc(config->subscriber_count + 1, sizeof(struct entry))};
	if (!roll->entries)
		return -ENOMEM;
	for (size_t i = 0; i < config->subscriber_count; i++) {
		struct entry *entry = &roll->entries[i];

		entry->config = &config->subscribers[i];
		HASH_ADD_KEYPTR(hh, roll->table, entry->config->nai, strlen(entry->config->nai),
				entry);
	}
	return 0;
}

static void roll_free(struct roll *roll)
{
	HASH_CLEAR(hh, roll->table);
	free(roll->entries);
}

static const struct subscriber_config *roll_find(const struct roll *roll, const char *nai)
{
	struct entry *entry;

	HASH_FIND_STR(roll->table, nai, entry);
	return entry ? entry->config : NULL;
}

/*
 * The one that is to replace `is` (NULL: a new one). It goes on counting, since discoveries of the
 * past are valid for it too, and keeps addresses that it was leased.
 */
static int make_from(struct core *core, const struct subscriber_config *config,
		     const struct subscriber_config *old_config, const struct subscriber *is,
		     struct subscribers_change *change)
{
	struct subscriber *subscriber;
	int result = make(core, config, &subscriber);

	if (result < 0)
		return result;
	if (is) {
		subscriber->counter = is->counter;
		if (addr_none(&config->home4) && addr_none(&old_config->home4))
			subscriber->hoa4 = is->hoa4;
		if (addr_none(&config->home6) && addr_none(&old_config->home6))
			subscriber->hoa6 = is->hoa6;
	}
	HASH_ADD_STR(change->fresh, user, subscriber);
	return 0;
}

static int make_fresh(struct core *core, const struct config *wanted, const struct roll *old,
		      struct subscribers_change *change)
{
	int result = 0;

	for (size_t i = 0; i < wanted->subscriber_count && result == 0; i++) {
		const struct subscriber_config *config = &wanted->subscribers[i];
		const struct subscriber_config *before = roll_find(old, config->nai);
		char user[SNO_NAME_MAX + 1] = "";
		const struct subscriber *is;

		memcpy(user, config->nai, (size_t)(strchr(config->nai, '@') - config->nai));
		is = subscriber_find(core, user);
		if (!is || !before || !same_subscriber(before, config) || !same_secret(is, config))
			result = make_from(core, config, before, before ? is : NULL, change);
	}
	return result;
}

/* Those that are removed or replaced make room for the addresses of the new ones. */
static void mark_leaving(struct core *core, const struct roll *wanted,
			 const struct subscribers_change *change)
{
	struct subscriber *subscriber, *next, *heir;

	HASH_ITER (hh, core->subscribers, subscriber, next) {
		HASH_FIND_STR(change->fresh, subscriber->user, heir);
		if (!heir && roll_find(wanted, subscriber->nai))
			continue;
		subscriber->leaving = true;
		give_both(subscriber);
	}
}

int subscribers_prepare(struct core *core, const struct config *wanted,
			struct subscribers_change *change)
{
	struct subscriber *subscriber, *next;
	struct roll old = {0}, new = {0};
	int result = roll_fill(&old, core->config);

	*change = (struct subscribers_change){0};
	if (result == 0)
		result = roll_fill(&new, wanted);
	if (result == 0)
		result = make_fresh(core, wanted, &old, change);
	if (result == 0)
		mark_leaving(core, &new, change);
	HASH_ITER (hh, change->fresh, subscriber, next)
		if (result == 0)
			result = reserve_both(subscriber);
	roll_free(&old);
	roll_free(&new);
	return result;
}

void subscribers_abort(struct core *core, struct subscribers_change *change)
{
	struct subscriber *subscriber, *next;

	HASH_ITER (hh, change->fresh, subscriber, next) {
		HASH_DEL(change->fresh, subscriber);
		discard(subscriber);
	}
	HASH_ITER (hh, core->subscribers, subscriber, next) {
		if (subscriber->leaving)
			reserve_both(subscriber);
		subscriber->leaving = false;
	}
}

void subscribers_commit(struct core *core, struct subscribers_change *change, usec_t now)
{
	struct subscriber *subscriber, *next, *heir;

	HASH_ITER (hh, core->subscribers, subscriber, next) {
		if (!subscriber->leaving)
			continue;
		binding_withdraw(subscriber, REASON_ADMINISTRATIVE, now);
		/* Says of the heir's counter what the row has said. */
		keep_counter_floor(core, subscriber->counter);
		keep_forget_subscriber(subscriber);
		walk_leave(core, subscriber, subscriber->hh.next);
		HASH_FIND_STR(change->fresh, subscriber->user, heir);
		if (heir)
			keep_lease(heir);
		HASH_DEL(core->subscribers, subscriber);
		discard(subscriber);
	}
	HASH_ITER (hh, change->fresh, subscriber, next) {
		HASH_DEL(change->fresh, subscriber);
		HASH_ADD_STR(core->subscribers, user, subscriber);
	}
}
