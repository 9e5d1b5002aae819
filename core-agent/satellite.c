/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Satellites' ports on the access bridge; see satellite.h. */
#include "satellite.h"

#include "guard.h"
#include "log.h"
#include "receive.h"
#include "send.h"
#include "session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* No frames between satellites, and none to a satellite that were not meant for a terminal on it.
 */
static const struct kernel_bridge_port port_flags = {.isolated = true};

struct satellite *satellite_find(const struct core *core, const char *name)
{
	struct satellite *satellite;

	HASH_FIND_STR(core->satellites, name, satellite);
	return satellite;
}

struct satellite *satellite_by_port(const struct core *core, unsigned int port)
{
	struct satellite *satellite, *next;

	HASH_ITER (hh, core->satellites, satellite, next)
		if (port != 0 && satellite->port == port)
			return satellite;
	return NULL;
}

static void advertise_timer(struct timer *timer, void *arg, usec_t now)
{
	struct satellite *satellite = arg;
	struct core *core = satellite->core;

	send_advertisement(satellite);
	timer_set(&core->timers, timer, now + core->config->access.advertise_interval);
}

void satellite_advertise(struct satellite *satellite, usec_t now)
{
	if (satellite->connected)
		advertise_timer(&satellite->advertise, satellite, now);
}

/* The port may carry terminals now: say at once who is here (PROTOCOL section 5.2). */
static void satellite_connected(struct satellite *satellite, bool connected, usec_t now)
{
	if (satellite->connected == connected)
		return;
	satellite->connected = connected;
	log_notice("satellite %s: %s on %s", satellite->name,
		   connected ? "connected" : "disconnected", satellite->interface);
	timer_set(&satellite->core->timers, &satellite->advertise, connected ? now : USEC_NEVER);
}

static void port_release(const struct satellite *satellite, unsigned int port)
{
	struct kernel *k = satellite->core->kernel;

	if (port != 0 && kernel_link_set_master(k, port, 0) < 0)
		log_warnx("satellite %s: %s", satellite->name, kernel_error(k));
	guard_detach(satellite->core, port);
}

/* As it was before port_join(). */
static void port_leave(const struct satellite *satellite, unsigned int port)
{
	struct kernel *k = satellite->core->kernel;

	if (satellite->joined)
		port_release(satellite, port);
	if (satellite->raised && port != 0 && kernel_link_set_up(k, port, false) < 0)
		log_warnx("satellite %s: %s", satellite->name, kernel_error(k));
}

/* Enslaves and sets up the port; what was changed of it before a failure is put back. */
static int port_join(struct satellite *satellite, const struct kernel_link *link)
{
	struct core *core = satellite->core;
	int result = 0;

	/* The port itself takes no part in IPv6; the bridge does. Missing IPv6 is told elsewhere.
	 */
	kernel_sysctl_set(core->kernel, "net/ipv6/conf", link->name, "disable_ipv6", "1");
	result = guard_attach(core, link->ifindex, KERNEL_GUARD_ACCESS);
	if (result == 0 && link->master == 0)
		result = kernel_link_set_master(core->kernel, link->ifindex, core->underlay.bridge);
	if (result == 0)
		result = kernel_bridge_port_set(core->kernel, link->ifindex, &port_flags);
	if (result == 0 && !link->up)
		result = kernel_link_set_up(core->kernel, link->ifindex, true);
	satellite->joined = link->master == 0;
	satellite->raised = !link->up;
	if (result < 0) {
		log_warnx("satellite %s: %s", satellite->name, kernel_error(core->kernel));
		port_leave(satellite, link->ifindex);
	}
	return result;
}

static int port_open(struct satellite *satellite, const struct kernel_link *link)
{
	struct core *core = satellite->core;
	int result;

	if (link->master != 0 && link->master != core->underlay.bridge) {
		log_warnx("satellite %s: %s belongs to another bridge; release it first: "
			  "ip link set %s nomaster",
			  satellite->name, link->name, link->name);
		return -EBUSY;
	}
	result = port_join(satellite, link);
	if (result < 0)
		return result;
	satellite->port = link->ifindex;
	result = receive_satellite_open(satellite);
	if (result == 0)
		return 0;
	satellite->port = 0;
	port_leave(satellite, link->ifindex);
	return result;
}

static void port_close(struct satellite *satellite, usec_t now)
{
	satellite_connected(satellite, false, now);
	receive_satellite_close(satellite);
	satellite->port = 0;
}

static struct satellite *satellite_waiting(const struct core *core, const char *interface)
{
	struct satellite *satellite, *next;

	HASH_ITER (hh, core->satellites, satellite, next)
		if (satellite->port == 0 && !strcmp(satellite->interface, interface))
			return satellite;
	return NULL;
}

void satellite_link(struct core *core, const struct kernel_link *link, bool gone, usec_t now)
{
	struct satellite *satellite = satellite_by_port(core, link->ifindex);
	bool joins;

	if (!satellite && !gone)
		satellite = satellite_waiting(core, link->name);
	if (!satellite)
		return;
	if (gone) {
		log_notice("satellite %s: interface %s is gone", satellite->name, link->name);
		port_close(satellite, now);
		return;
	}
	/* It is new, or somebody has taken it out of the bridge and its entries with it. */
	joins = satellite->port == 0 || link->master != core->underlay.bridge;
	if (joins) {
		port_close(satellite, now);
		if (port_open(satellite, link) < 0)
			return;
		session_port_changed(satellite, now);
	}
	satellite_connected(satellite, link->up && link->carrier, now);
}

void satellites_restore(struct core *core, usec_t now)
{
	struct satellite *satellite, *next;
	struct kernel_link link;

	HASH_ITER (hh, core->satellites, satellite, next)
		if (kernel_link_find(core->kernel, satellite->interface, &link) == 0)
			satellite_link(core, &link, false, now);
}

/* ---- coming and going ---------------------------------------------------------------------- */

/* A satellite with its port, if the interface is there; it is in no table yet. */
static int satellite_make(struct core *core, const struct satellite_config *config,
			  struct satellite **fresh)
{
	struct satellite *satellite = calloc(1, sizeof(*satellite));
	struct kernel_link link;
	int result;

	if (!satellite)
		return -ENOMEM;
	satellite->core = core;
	for (size_t q = 0; q < LINK_QUEUES; q++)
		satellite->fds[q] = -1;
	timer_init(&satellite->advertise, advertise_timer, satellite);
	memcpy(satellite->name, config->name, strlen(config->name) + 1);
	memcpy(satellite->interface, config->interface, strlen(config->interface) + 1);
	HASH_ADD_STR(*fresh, name, satellite);
	result = kernel_link_find(core->kernel, config->interface, &link);
	if (result == 0)
		result = port_open(satellite, &link);
	/* A feeder that is not there yet is served when it comes. */
	if (result != -ENODEV)
		return result;
	log_notice("satellite %s: waiting for interface %s", satellite->name, config->interface);
	return 0;
}

static void satellite_free(struct satellite *satellite)
{
	timer_cancel(&satellite->core->timers, &satellite->advertise);
	receive_satellite_close(satellite);
	free(satellite);
}

static void satellite_start(struct core *core, struct satellite *satellite, usec_t now)
{
	struct kernel_link link;

	HASH_ADD_STR(core->satellites, name, satellite);
	if (satellite->port != 0 && kernel_link_get(core->kernel, satellite->port, &link) == 0)
		satellite_connected(satellite, link.up && link.carrier, now);
}

int satellites_open(struct core *core, usec_t now)
{
	struct satellites_change change;
	int result = satellites_prepare(core, core->config, &change);
	struct satellite *satellite, *next;

	HASH_ITER (hh, change.fresh, satellite, next) {
		HASH_DEL(change.fresh, satellite);
		satellite_start(core, satellite, now);
	}
	return result;
}

void satellites_close(struct core *core)
{
	struct satellite *satellite, *next;

	HASH_ITER (hh, core->satellites, satellite, next) {
		HASH_DEL(core->satellites, satellite);
		satellite_free(satellite);
	}
}

static bool configured(const struct config *config, const struct satellite *satellite)
{
	for (size_t i = 0; i < config->access.satellite_count; i++)
		if (!strcmp(config->access.satellites[i].name, satellite->name) &&
		    !strcmp(config->access.satellites[i].interface, satellite->interface))
			return true;
	return false;
}

int satellites_prepare(struct core *core, const struct config *wanted,
		       struct satellites_change *change)
{
	int result = 0;

	*change = (struct satellites_change){0};
	for (size_t i = 0; i < wanted->access.satellite_count && result == 0; i++) {
		const struct satellite_config *config = &wanted->access.satellites[i];
		const struct satellite *is = satellite_find(core, config->name);

		if (!is || strcmp(is->interface, config->interface) != 0)
			result = satellite_make(core, config, &change->fresh);
	}
	return result;
}

void satellites_abort(struct satellites_change *change)
{
	struct satellite *satellite, *next;

	HASH_ITER (hh, change->fresh, satellite, next) {
		HASH_DEL(change->fresh, satellite);
		port_leave(satellite, satellite->port);
		satellite_free(satellite);
	}
}

/* Is the port to be that of another satellite? */
static bool port_wanted(const struct satellites_change *change, unsigned int port)
{
	const struct satellite *satellite;

	for (satellite = change->fresh; satellite; satellite = satellite->hh.next)
		if (satellite->port == port)
			return true;
	return false;
}

void satellites_commit(struct core *core, const struct config *wanted,
		       struct satellites_change *change, usec_t now)
{
	struct satellite *satellite, *next;

	HASH_ITER (hh, core->satellites, satellite, next) {
		if (configured(wanted, satellite))
			continue;
		log_notice("satellite %s: removed", satellite->name);
		session_satellite_removed(satellite, now);
		if (!port_wanted(change, satellite->port))
			port_release(satellite, satellite->port);
		HASH_DEL(core->satellites, satellite);
		satellite_free(satellite);
	}
	HASH_ITER (hh, change->fresh, satellite, next) {
		HASH_DEL(change->fresh, satellite);
		satellite_start(core, satellite, now);
	}
}
