/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The results of a handshake before it; see noise_foreseen.h. */
#include "noise_foreseen.h"

#include <errno.h>
#include <string.h>

void noise_foreseen_pairs(struct noise_foreseen *f)
{
	if (!f->has_ephemeral)
		keys_generate_pair(&f->ephemeral);
	if (!f->has_following)
		keys_generate_pair(&f->following);
	f->has_ephemeral = f->has_following = true;
}

static int foresee(struct noise_foreseen *f, enum noise_result result, const struct key_pair *mine,
		   const uint8_t theirs[KEY_LENGTH])
{
	int error = 0;

	if (!f->has[result])
		error = keys_dh(f->results[result], mine->private, theirs);
	f->has[result] = error == 0;
	return error;
}

int noise_foreseen_work(struct noise_foreseen *f, bool initiator, const struct key_pair *local,
			const uint8_t remote[KEY_LENGTH])
{
	/* Ours is the first name when we begin. */
	enum noise_result my_ephemeral = initiator ? NOISE_ES : NOISE_SE;
	enum noise_result their_ephemeral = initiator ? NOISE_SE : NOISE_ES;
	int error = foresee(f, NOISE_SS, local, remote);

	noise_foreseen_pairs(f);
	if (error == 0)
		error = foresee(f, my_ephemeral, &f->ephemeral, remote);
	if (error < 0 || !f->has_remote_ephemeral)
		return error;
	if (foresee(f, their_ephemeral, local, f->remote_ephemeral) < 0 ||
	    foresee(f, NOISE_EE, &f->ephemeral, f->remote_ephemeral) < 0)
		f->has_remote_ephemeral = false;
	return 0;
}

/* All but that of both static keys. */
static void forget_results(struct noise_foreseen *f)
{
	for (int i = 0; i < NOISE_SS; i++) {
		keys_wipe(f->results[i], KEY_LENGTH);
		f->has[i] = false;
	}
}

void noise_foreseen_announced(struct noise_foreseen *f, const uint8_t ephemeral[KEY_LENGTH])
{
	if (f->has_remote_ephemeral && memcmp(f->remote_ephemeral, ephemeral, KEY_LENGTH) == 0)
		return;
	forget_results(f);
	memcpy(f->remote_ephemeral, ephemeral, KEY_LENGTH);
	f->has_remote_ephemeral = true;
}

void noise_foreseen_used(struct noise_foreseen *f)
{
	f->ephemeral = f->following;
	f->has_ephemeral = f->has_following;
	keys_wipe(&f->following, sizeof(f->following));
	f->has_following = false;
	f->has_remote_ephemeral = false;
	forget_results(f);
}

/* These are public keys: time tells nothing. */
static bool is(bool has, const uint8_t foreseen[KEY_LENGTH], const uint8_t *key)
{
	return !key || (has && memcmp(foreseen, key, KEY_LENGTH) == 0);
}

bool noise_foreseen_result(const struct noise_foreseen *f, enum noise_result result,
			   const uint8_t *ephemeral, const uint8_t *remote_ephemeral,
			   uint8_t shared[KEY_LENGTH])
{
	if (!f->has[result] || !is(f->has_ephemeral, f->ephemeral.public, ephemeral) ||
	    !is(f->has_remote_ephemeral, f->remote_ephemeral, remote_ephemeral))
		return false;
	memcpy(shared, f->results[result], KEY_LENGTH);
	return true;
}
