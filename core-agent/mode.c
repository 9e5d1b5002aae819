/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lowest of all highest modes; see mode.h. */
#include "mode.h"

#include "peer.h"
#include "subscriber.h"

#include <string.h>

void modes_configure(struct core *core)
{
	const struct config *config = core->config;

	for (size_t i = 0; i < config->peer_count; i++) {
		struct peer *peer = peer_find(core, config->peers[i].name);

		if (peer)
			peer->mode = (enum handover_mode)config->peers[i].mode;
	}
	for (size_t i = 0; i < config->subscriber_count; i++) {
		const struct subscriber_config *c = &config->subscribers[i];
		char user[SNO_NAME_MAX + 1] = "";
		struct subscriber *subscriber;

		memcpy(user, c->nai, strcspn(c->nai, "@"));
		subscriber = subscriber_find(core, user);
		if (subscriber)
			subscriber->mode = (enum handover_mode)c->mode;
	}
}

static enum handover_mode lower(enum handover_mode a, enum handover_mode b)
{
	return a < b ? a : b;
}

enum handover_mode mode_of_peer(const struct peer *peer)
{
	return lower((enum handover_mode)peer->core->config->handover.mode, peer->mode);
}

enum handover_mode mode_of_move(const struct subscriber *subscriber, const struct peer *from,
				const struct peer *to)
{
	enum handover_mode mode = lower((enum handover_mode)subscriber->core->config->handover.mode,
					subscriber->mode);

	/* MODE 4 of a terminal says that it has one link now, and nothing of its next move. */
	if (subscriber->allows < MODE_PREDICTIVE)
		mode = lower(mode, subscriber->allows);
	if (from)
		mode = lower(mode, from->mode);
	return to ? lower(mode, to->mode) : mode;
}
