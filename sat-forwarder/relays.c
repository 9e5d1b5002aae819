/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All relays of a satellite, one after the other; see relays.h. */
#include "sat-forwarder/relays.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int relays_open(struct satellite *s, const struct plan_file *file, struct instant at)
{
	size_t count = s->config->relay_count;

	if (!count)
		return 0;
	s->relays = calloc(count, sizeof(*s->relays));
	if (!s->relays)
		return -ENOMEM;
	for (; s->relay_count < count; s->relay_count++) {
		struct relay *r = &s->relays[s->relay_count];
		int err;

		config_relay(s->config, s->relay_count, &r->config);
		err = satellite_begin(&r->satellite, &r->config, s->kernel, NULL, file, at);
		if (err) {
			relays_close(s);
			return err;
		}
	}
	return 0;
}

void relays_close(struct satellite *s)
{
	while (s->relay_count)
		satellite_close(&s->relays[--s->relay_count].satellite);
	free(s->relays);
	s->relays = NULL;
}

void relays_update(struct satellite *s, struct instant at)
{
	for (size_t i = 0; i < s->relay_count; i++) {
		s->relays[i].satellite.control = s->control;
		satellite_update(&s->relays[i].satellite, at);
	}
}

usec_t relays_next_wall(const struct satellite *s, usec_t wall)
{
	usec_t next = USEC_NEVER;

	for (size_t i = 0; i < s->relay_count; i++)
		next = usec_min(next, satellite_next_wall(&s->relays[i].satellite, wall));
	return next;
}

usec_t relays_next(const struct satellite *s)
{
	usec_t next = USEC_NEVER;

	for (size_t i = 0; i < s->relay_count; i++)
		next = usec_min(next, satellite_next(&s->relays[i].satellite));
	return next;
}

void relays_event(struct satellite *s, const struct kernel_event *event, struct instant at)
{
	for (size_t i = 0; i < s->relay_count; i++)
		satellite_event(&s->relays[i].satellite, event, at);
}

int relays_prepare(struct satellite *s, const struct config *config, const struct plan_file *file,
		   usec_t wall, char why[SATELLITE_WHY])
{
	for (size_t i = 0; i < s->relay_count; i++) {
		struct relay *r = &s->relays[i];
		struct config wanted;
		int err;

		config_relay(config, i, &wanted);
		err = satellite_plan(&r->satellite, &wanted, file, &r->fresh, wall, why);
		if (err) {
			relays_abort(s);
			return err;
		}
	}
	return 0;
}

void relays_abort(struct satellite *s)
{
	for (size_t i = 0; i < s->relay_count; i++)
		plan_free(&s->relays[i].fresh);
}

void relays_commit(struct satellite *s, const struct config *config, struct instant at)
{
	for (size_t i = 0; i < s->relay_count; i++) {
		struct relay *r = &s->relays[i];

		config_relay(config, i, &r->config);
		r->satellite.forwarding.drain = config->timers.drain;
		satellite_follow(&r->satellite, &r->config, &r->fresh, at);
		memset(&r->fresh, 0, sizeof(r->fresh));
	}
}
