/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Association: which feeder the two redirect actions join to the access side. */
#include "sat-forwarder/forwarding_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

#define RETRY_FIRST (500 * USEC_PER_MSEC)
#define RETRY_LAST  (30 * USEC_PER_SEC)

static void port_init(struct forwarding *f, struct port *port, const char *name)
{
	*port = (struct port){.priority = (uint16_t)(PORT_PRIORITY + f->index)};
	snprintf(port->name, sizeof(port->name), "%s", name);
}

int forwarding_open(struct forwarding *f, struct kernel *kernel, const struct config *config)
{
	int err;

	*f = (struct forwarding){
		.kernel = kernel,
		.satellite = config->satellite.name,
		.index = config->satellite.index,
		.up.index = PORT_ACTION + 2 * config->satellite.index,
		.down.index = PORT_ACTION + 2 * config->satellite.index + 1,
		.retry_at = USEC_NEVER,
		.retry_step = RETRY_FIRST,
		.tidy_at = USEC_NEVER,
	};
	config_device_prefix(config, f->prefix);
	port_init(f, &f->access, config->satellite.access);
	err = step_adopt(f);
	if (err)
		log_error("satellite %s: %s", f->satellite, kernel_error(kernel));
	return err;
}

void forwarding_close(struct forwarding *f)
{
	for (size_t i = 0; i < f->count; i++)
		free(f->feeders[i]);
	free(f->feeders);
	f->feeders = NULL;
	f->count = 0;
}

struct feeder *forwarding_feeder(const struct forwarding *f, const char *core, const char *station,
				 const char *via)
{
	bool any = !station || !*station;
	struct feeder *found = NULL, *feeder;

	for (size_t i = 0; i < f->count; i++) {
		feeder = f->feeders[i];
		if (feeder->retired)
			continue;
		if (via && *via) {
			if (strcmp(feeder->via, via) == 0)
				return feeder;
			continue;
		}
		if (*feeder->via || strcmp(feeder->core, core) != 0)
			continue;
		if (any || strcmp(feeder->station, station) == 0)
			return feeder;
		if (!*feeder->station && !found)
			found = feeder;
	}
	return found;
}

/* ---- the one place that joins and parts --------------------------------------------------------
 */

/* Make before break: the way down is there before the way up leads to its core. */
static int join(struct forwarding *f, struct journal *j)
{
	struct port *feeder = &f->serving->port;
	int err = step_point(f, j, &f->down, f->access.ifindex);

	if (!err)
		err = step_filter(f, j, feeder, &f->down);
	if (!err)
		err = step_point(f, j, &f->up, feeder->ifindex);
	if (!err)
		err = step_filter(f, j, &f->access, &f->up);
	return err;
}

/* Filters of feeders that do not serve go after the drain, at once where nothing can drain. */
static void part(struct forwarding *f, usec_t now)
{
	for (size_t i = 0; i < f->count; i++) {
		struct feeder *feeder = f->feeders[i];

		if ((feeder == f->serving && feeder->port.ready && f->access.ready) ||
		    !feeder->port.filter)
			feeder->drain_at = USEC_NEVER;
		else if (!f->access.ready)
			feeder->drain_at = now;
		else if (feeder->drain_at == USEC_NEVER)
			feeder->drain_at = now + f->drain;
	}
}

static void run_drains(struct forwarding *f, usec_t now)
{
	for (size_t i = 0; i < f->count; i++) {
		struct feeder *feeder = f->feeders[i];
		struct journal j = {.count = 0};

		if (feeder->drain_at > now)
			continue;
		feeder->drain_at = USEC_NEVER;
		if (step_filter(f, &j, &feeder->port, NULL) == 0)
			continue;
		f->refusals++;
		log_warnx("satellite %s: %s; the former core still reaches terminals", f->satellite,
			  kernel_error(f->kernel));
		feeder->drain_at = now + RETRY_FIRST;
	}
}

int forwarding_settle(struct forwarding *f, usec_t now)
{
	struct journal j = {.count = 0};
	int err;

	if (f->access.ready && f->serving && f->serving->port.ready)
		err = join(f, &j);
	else
		err = step_filter(f, &j, &f->access, NULL);
	if (err) {
		f->refusals++;
		log_warnx("satellite %s: the kernel refuses: %s", f->satellite,
			  kernel_error(f->kernel));
		step_undo(f, &j);
		step_tidy(f, now);
		return err;
	}
	part(f, now);
	run_drains(f, now);
	step_tidy(f, now);
	ports_drop_retired(f, now);
	return 0;
}

void forwarding_retry(struct forwarding *f, usec_t now)
{
	if (f->retry_at != USEC_NEVER && f->retry_at > now)
		return;
	f->retry_at = now + f->retry_step;
	f->retry_step = usec_min(2 * f->retry_step, RETRY_LAST);
}

void forwarding_resettle(struct forwarding *f, usec_t now)
{
	if (forwarding_settle(f, now))
		forwarding_retry(f, now);
}

int forwarding_associate(struct forwarding *f, struct feeder *feeder, usec_t now)
{
	struct feeder *before = f->serving;
	int err;

	f->serving = feeder;
	err = forwarding_settle(f, now);
	if (err)
		f->serving = before;
	return err;
}

bool forwarding_passes(const struct forwarding *f)
{
	return f->serving && f->access.filter && f->access.filter == f->up.index &&
	       port_passes(&f->access) && port_passes(&f->serving->port);
}

/* ---- what is due -------------------------------------------------------------------------------
 */

static void run_retries(struct forwarding *f, usec_t now)
{
	bool good;

	if (f->retry_at > now)
		return;
	f->retry_at = USEC_NEVER;
	good = ports_retry(f);
	good &= forwarding_settle(f, now) == 0;
	if (good)
		f->retry_step = RETRY_FIRST;
	else
		forwarding_retry(f, now);
}

void forwarding_run(struct forwarding *f, usec_t now)
{
	run_drains(f, now);
	run_retries(f, now);
	step_tidy(f, now);
	ports_drop_retired(f, now);
}

usec_t forwarding_due(const struct forwarding *f)
{
	usec_t due = usec_min(f->retry_at, f->tidy_at);

	for (size_t i = 0; i < f->count; i++)
		due = usec_min(due, f->feeders[i]->drain_at);
	return due;
}
