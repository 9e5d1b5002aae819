/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is foreseen, by initiator and by what it has announced; see noise_ready.h. */
#include "noise_ready.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

struct ready {
	uint8_t initiator[KEY_LENGTH];
	uint8_t announced[KEY_LENGTH];
	struct noise_foreseen foreseen;
	bool waits;	   /* something is to be worked out */
	bool useless;	   /* a public key of low order: there is nothing to compute */
	bool by_announced; /* in the table of that name */
	UT_hash_handle hh, hh_announced;
	struct ready *prev, *next; /* of those that wait */
};

struct noise_ready {
	struct key_pair local;
	struct ready *table, *announced;
	struct ready *waiting;
};

struct noise_ready *noise_ready_new(const struct key_pair *local)
{
	struct noise_ready *ready = calloc(1, sizeof(*ready));

	if (ready)
		ready->local = *local;
	return ready;
}

static struct ready *find(const struct noise_ready *ready, const uint8_t initiator[KEY_LENGTH])
{
	struct ready *r;

	HASH_FIND(hh, ready->table, initiator, KEY_LENGTH, r);
	return r;
}

static struct ready *find_announced(const struct noise_ready *ready,
				    const uint8_t ephemeral[KEY_LENGTH])
{
	struct ready *r;

	HASH_FIND(hh_announced, ready->announced, ephemeral, KEY_LENGTH, r);
	return r;
}

static void wait_on(struct noise_ready *ready, struct ready *r)
{
	if (r->waits || r->useless)
		return;
	r->waits = true;
	DL_APPEND(ready->waiting, r);
}

static void wait_off(struct noise_ready *ready, struct ready *r)
{
	if (!r->waits)
		return;
	r->waits = false;
	DL_DELETE(ready->waiting, r);
}

static void unannounce(struct noise_ready *ready, struct ready *r)
{
	if (r->by_announced)
		HASH_DELETE(hh_announced, ready->announced, r);
	r->by_announced = false;
}

static void discard(struct noise_ready *ready, struct ready *r)
{
	wait_off(ready, r);
	unannounce(ready, r);
	HASH_DEL(ready->table, r);
	keys_wipe(r, sizeof(*r));
	free(r);
}

void noise_ready_free(struct noise_ready *ready)
{
	struct ready *r, *next;

	if (!ready)
		return;
	HASH_ITER (hh, ready->table, r, next)
		discard(ready, r);
	keys_wipe(ready, sizeof(*ready));
	free(ready);
}

int noise_ready_add(struct noise_ready *ready, const uint8_t initiator[KEY_LENGTH])
{
	struct ready *r = find(ready, initiator);

	if (r)
		return 0;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	memcpy(r->initiator, initiator, KEY_LENGTH);
	HASH_ADD(hh, ready->table, initiator, KEY_LENGTH, r);
	wait_on(ready, r);
	return 0;
}

void noise_ready_remove(struct noise_ready *ready, const uint8_t initiator[KEY_LENGTH])
{
	struct ready *r = find(ready, initiator);

	if (r)
		discard(ready, r);
}

void noise_ready_announced(struct noise_ready *ready, const uint8_t initiator[KEY_LENGTH],
			   const uint8_t ephemeral[KEY_LENGTH])
{
	struct ready *r = find(ready, initiator);

	/* What another one has announced is no key of this one's. */
	if (!r || find_announced(ready, ephemeral))
		return;
	unannounce(ready, r);
	memcpy(r->announced, ephemeral, KEY_LENGTH);
	HASH_ADD(hh_announced, ready->announced, announced, KEY_LENGTH, r);
	r->by_announced = true;
	noise_foreseen_announced(&r->foreseen, ephemeral);
	wait_on(ready, r);
}

const uint8_t *noise_ready_following(const struct noise_ready *ready,
				     const uint8_t initiator[KEY_LENGTH])
{
	const struct ready *r = find(ready, initiator);

	return r && r->foreseen.has_following ? r->foreseen.following.public : NULL;
}

bool noise_ready_waits(const struct noise_ready *ready)
{
	return ready->waiting != NULL;
}

bool noise_ready_work(struct noise_ready *ready)
{
	struct ready *r = ready->waiting;

	if (!r)
		return false;
	wait_off(ready, r);
	r->useless = noise_foreseen_work(&r->foreseen, false, &ready->local, r->initiator) < 0;
	return ready->waiting != NULL;
}

const struct noise_foreseen *noise_ready_of(const struct noise_ready *ready,
					    const uint8_t initiator[KEY_LENGTH])
{
	const struct ready *r = find(ready, initiator);

	return r ? &r->foreseen : NULL;
}

const struct noise_foreseen *noise_ready_of_ephemeral(const struct noise_ready *ready,
						      const uint8_t ephemeral[KEY_LENGTH])
{
	const struct ready *r = find_announced(ready, ephemeral);

	return r ? &r->foreseen : NULL;
}

void noise_ready_used(struct noise_ready *ready, const uint8_t initiator[KEY_LENGTH])
{
	struct ready *r = find(ready, initiator);

	if (!r)
		return;
	unannounce(ready, r);
	noise_foreseen_used(&r->foreseen);
	wait_on(ready, r);
}
