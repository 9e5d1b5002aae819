/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Satellites' ports on the access bridge; see satellite.h. */
#include "satellite.h"

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

static int port_open(struct satellite *satellite, const struct kernel_link *link)
{
	struct core *core = satellite->core;
	int result = 0;

	if (link->master != 0 && link->master != core->underlay.bridge) {
		log_warnx("satellite %s: %s belongs to another bridge; release it first",
			  satellite->name, link->name);
		return -EBUSY;
	}
	/* The port itself takes no part in IPv6; the bridge does. Missing IPv6 is told elsewhere.
	 */
	kernel_sysctl_set(core->kernel, "net/ipv6/conf", link->name, "disable_ipv6", "1");
	if (link->master == 0)
		result = kernel_link_set_master(core->kernel, link->ifindex, core->underlay.bridge);
	if (result == 0)
		result = kernel_bridge_port_set(core->kernel, link->ifindex, &port_flags);
	if (result == 0 && !link->up)
		result = kernel_link_set_up(core->kernel, link->ifindex, true);
	if (result < 0) {
		log_warnx("satellite %s: %s", satellite->name, kernel_error(core->kernel));
		return result;
	}
	satellite->port = link->ifindex;
	return receive_satellite_open(satellite);
}

static void port_close(struct satellite *satellite, usec_t now)
{
	satellite_connected(satellite, false, now);
	receive_satellite_close(satellite);
	satellite->port = 0;
}

void satellite_link(struct core *core, const struct kernel_link *link, bool gone, usec_t now)
{
	struct satellite *satellite = satellite_by_port(core, link->ifindex), *each, *next;

	if (!satellite && !gone)
		HASH_ITER (hh, core->satellites, each, next)
			if (each->port == 0 && !strcmp(each->interface, link->name))
				satellite = each;
	if (!satellite)
		return;
	if (gone) {
		log_notice("satellite %s: interface %s is gone", satellite->name, link->name);
		port_close(satellite, now);
		return;
	}
	if (satellite->port == 0 && port_open(satellite, link) < 0) {
		receive_satellite_close(satellite);
		satellite->port = 0;
		return;
	}
	satellite_connected(satellite, link->up && link->carrier, now);
}

static int satellite_add(struct core *core, const struct satellite_config *config, usec_t now)
{
	struct satellite *satellite = calloc(1, sizeof(*satellite));
	struct kernel_link link;

	if (!satellite)
		return -ENOMEM;
	satellite->core = core;
	satellite->fd = -1;
	timer_init(&satellite->advertise, advertise_timer, satellite);
	memcpy(satellite->name, config->name, strlen(config->name) + 1);
	memcpy(satellite->interface, config->interface, strlen(config->interface) + 1);
	HASH_ADD_STR(core->satellites, name, satellite);
	/* A feeder that is not there yet is served when it comes. */
	if (kernel_link_find(core->kernel, config->interface, &link) < 0) {
		log_notice("satellite %s: waiting for interface %s", satellite->name,
			   config->interface);
		return 0;
	}
	satellite_link(core, &link, false, now);
	return 0;
}

static void satellite_remove(struct core *core, struct satellite *satellite, usec_t now)
{
	unsigned int port = satellite->port;

	session_satellite_removed(satellite, now);
	port_close(satellite, now);
	if (port != 0 && kernel_link_set_master(core->kernel, port, 0) < 0)
		log_warnx("satellite %s: %s", satellite->name, kernel_error(core->kernel));
	HASH_DEL(core->satellites, satellite);
	free(satellite);
}

int satellites_open(struct core *core, usec_t now)
{
	for (size_t i = 0; i < core->config->access.satellite_count; i++) {
		int result = satellite_add(core, &core->config->access.satellites[i], now);

		if (result < 0)
			return result;
	}
	return 0;
}

void satellites_close(struct core *core)
{
	struct satellite *satellite, *next;

	HASH_ITER (hh, core->satellites, satellite, next) {
		timer_cancel(&core->timers, &satellite->advertise);
		receive_satellite_close(satellite);
		HASH_DEL(core->satellites, satellite);
		free(satellite);
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

int satellites_change(struct core *core, const struct config *wanted, usec_t now)
{
	struct satellite *satellite, *next;
	int result = 0;

	HASH_ITER (hh, core->satellites, satellite, next)
		if (!configured(wanted, satellite))
			satellite_remove(core, satellite, now);
	for (size_t i = 0; i < wanted->access.satellite_count && result == 0; i++)
		if (!satellite_find(core, wanted->access.satellites[i].name))
			result = satellite_add(core, &wanted->access.satellites[i], now);
	return result;
}
