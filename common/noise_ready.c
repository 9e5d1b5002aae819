/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Results of Diffie-Hellman on store; see noise_ready.h. */
#include "noise_ready.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

struct ready {
	uint8_t initiator[KEY_LENGTH];
	uint8_t ss[KEY_LENGTH], se[KEY_LENGTH];
	struct key_pair ephemeral; /* se is of this one */
	bool has_static, has_ephemeral;
	bool useless; /* a public key of low order: there is nothing to compute */
	UT_hash_handle hh;
	struct ready *prev, *next; /* of those that wait, which lack an ephemeral key */
};

struct noise_ready {
	struct key_pair local;
	struct ready *table;
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

/* It waits exactly as long as it lacks what could be computed. */
static bool waits(const struct ready *r)
{
	return !r->has_ephemeral && !r->useless;
}

static void discard(struct noise_ready *ready, struct ready *r)
{
	if (waits(r))
		DL_DELETE(ready->waiting, r);
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
	DL_APPEND(ready->waiting, r);
	return 0;
}

void noise_ready_remove(struct noise_ready *ready, const uint8_t initiator[KEY_LENGTH])
{
	struct ready *r = find(ready, initiator);

	if (r)
		discard(ready, r);
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
	DL_DELETE(ready->waiting, r);
	if (!r->has_static)
		r->has_static = keys_dh(r->ss, ready->local.private, r->initiator) == 0;
	keys_generate_pair(&r->ephemeral);
	r->has_ephemeral = keys_dh(r->se, r->ephemeral.private, r->initiator) == 0;
	r->useless = !r->has_ephemeral;
	return ready->waiting != NULL;
}

bool noise_ready_static(const struct noise_ready *ready, const uint8_t initiator[KEY_LENGTH],
			uint8_t shared[KEY_LENGTH])
{
	const struct ready *r = find(ready, initiator);

	if (!r || !r->has_static)
		return false;
	memcpy(shared, r->ss, KEY_LENGTH);
	return true;
}

bool noise_ready_ephemeral(struct noise_ready *ready, const uint8_t initiator[KEY_LENGTH],
			   struct key_pair *ephemeral, uint8_t shared[KEY_LENGTH])
{
	struct ready *r = find(ready, initiator);

	if (!r || !r->has_ephemeral)
		return false;
	*ephemeral = r->ephemeral;
	memcpy(shared, r->se, KEY_LENGTH);
	keys_wipe(&r->ephemeral, sizeof(r->ephemeral));
	keys_wipe(r->se, sizeof(r->se));
	r->has_ephemeral = false;
	DL_APPEND(ready->waiting, r);
	return true;
}
