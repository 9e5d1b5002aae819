/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Links follow the kernel's events. Each event carries the whole state of an interface, so one
 * function compares it with what was known and tells the session at most one thing: ready or lost.
 */
#include "terminal-agent/links.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log_event.h"
#include "terminal-agent/config.h"

#define RETRY USEC_PER_SEC /* until a refused preparation is tried again */

void links_init(struct links *l, struct kernel *kernel, const struct links_ops *ops)
{
	*l = (struct links){.kernel = kernel, .ops = *ops, .retry = USEC_NEVER};
}

static void set_ready(struct links *l, struct link *link, bool ready, usec_t now)
{
	if (link->ready == ready)
		return;
	link->ready = ready;
	if (ready) {
		link->ready_since = now;
		link->advertised = (struct advertised){0};
		l->ops.ready(l->ops.context, link, now); /* the log can wait */
		log_event(LOG_LEVEL_INFO,
			  &(struct log_about){.event = LOG_EVENT_LINK_READY,
					      .satellite = link->satellite ? link->name : NULL},
			  "link %s: ready on %s", link->name, link->interface);
	} else {
		link->lost_since = now;
		log_event(LOG_LEVEL_INFO,
			  &(struct log_about){.event = LOG_EVENT_LINK_LOST,
					      .satellite = link->satellite ? link->name : NULL},
			  "link %s: lost on %s (%s)", link->name, link->interface,
			  !link->ifindex   ? "no interface"
			  : !link->up	   ? "down"
			  : !link->carrier ? "no carrier"
					   : "the antenna turns");
		l->ops.lost(l->ops.context, link, now);
	}
}

/*
 * What the kernel would do by itself on a new interface takes seconds (duplicate address
 * detection) or may lead packets astray (router advertisements of strangers); and IPv4 arrives on
 * an interface without an IPv4 address, which no reverse path filter accepts.
 */
static int set_sysctls(struct links *l, const struct link *link)
{
	static const struct {
		const char *where, *name, *value;
	} settings[] = {
		{"net/ipv6/conf", "disable_ipv6", "0"},	    {"net/ipv6/conf", "addr_gen_mode", "1"},
		{"net/ipv6/conf", "accept_dad", "0"},	    {"net/ipv6/conf", "accept_ra", "0"},
		{"net/ipv6/conf", "accept_redirects", "0"}, {"net/ipv4/conf", "rp_filter", "0"},
	};

	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		int error = kernel_sysctl_set(l->kernel, settings[i].where, link->interface,
					      settings[i].name, settings[i].value);

		if (error < 0)
			return error;
	}
	return 0;
}

/* Is there an address that is to be ours, but was made by someone else: maybe a tentative one? */
static int find_foreign(const struct kernel_address *address, void *arg)
{
	const struct kernel_address *wanted = arg;

	return addr_equal(&address->addr, &wanted->addr) && !address->ours;
}

/* Address and settings, so that the carrier is all that is missing. Idempotent. */
static int prepare(struct links *l, struct link *link)
{
	struct kernel_address address = {.ifindex = link->ifindex,
					 .addr = lladdr_link_local(&link->mac),
					 .length = 64,
					 .nodad = true};
	int error = 0;

	if (!link->prepared) {
		error = set_sysctls(l, link);
		if (error == 0)
			error = kernel_address_each(l->kernel, link->ifindex, find_foreign,
						    &address);
		if (error > 0)
			error = kernel_address_delete(l->kernel, &address);
	}
	if (error == 0)
		error = kernel_address_replace(l->kernel, &address);
	if (error < 0) {
		log_warnx("link %s: cannot prepare %s: %s", link->name, link->interface,
			  kernel_error(l->kernel));
		return error;
	}
	if (!link->port) {
		link->address = address.addr;
		error = l->ops.open(l->ops.context, link);
		if (error < 0) {
			link->address = (struct addr){0};
			return error;
		}
	}
	link->prepared = true;
	return 0;
}

static void forget_interface(struct links *l, struct link *link)
{
	if (link->port)
		l->ops.close(l->ops.context, link);
	link->port = NULL;
	link->prepared = false;
	link->address = (struct addr){0};
}

/* Goes as far as the interface allows: prepared when it is there, ready when frames pass. */
static void advance(struct links *l, struct link *link, usec_t now)
{
	bool passes = link->up && link->carrier && !link->turning;

	if (!passes)
		set_ready(l, link, false, now);
	if (!link->ifindex)
		return;
	if ((!link->prepared || link->risen) && prepare(l, link) < 0) {
		link->prepared = false;
		l->retry = usec_min(l->retry, now + RETRY);
		return;
	}
	link->risen = false;
	set_ready(l, link, passes, now);
}

/* What the other link of an antenna will have: so it can be announced before. */
static void mirror(const struct link *link)
{
	struct link *twin = link->twin;

	if (!twin)
		return;
	twin->mac = link->mac;
	twin->mtu = link->mtu;
	twin->address = link->address;
	twin->prepared = link->prepared;
}

static void link_gone(struct links *l, struct link *link, usec_t now)
{
	link->ifindex = 0;
	link->up = link->carrier = link->risen = link->turning = false;
	set_ready(l, link, false, now);
	forget_interface(l, link);
	mirror(link);
}

static void link_changed(struct links *l, struct link *link, const struct kernel_link *state,
			 usec_t now)
{
	if (link->ifindex &&
	    (link->ifindex != state->ifindex || !lladdr_equal(&link->mac, &state->mac)))
		link_gone(l, link, now);
	link->ifindex = state->ifindex;
	link->mac = state->mac;
	link->mtu = state->mtu;
	if (link->up && !state->up)
		link->prepared = false; /* the kernel has flushed its addresses */
	/* Then the address is replaced when it comes up; a carrier that comes back finds it there,
	 * and nothing holds the discovery up. */
	link->risen |= !link->up && state->up;
	link->up = state->up;
	link->carrier = state->carrier;
	if (!link->up || !link->carrier)
		link->turning = false; /* the next one is that of the satellite */
	advance(l, link, now);
	mirror(link);
}

/* Of an antenna the link at which it points. */
static struct link *by_interface(const struct links *l, const char *interface)
{
	for (size_t i = 0; i < l->count; i++)
		if (strcmp(l->list[i]->interface, interface) == 0 && l->list[i]->aimed)
			return l->list[i];
	return NULL;
}

void links_event(struct links *l, const struct kernel_event *event, usec_t now)
{
	struct link *link;

	switch (event->type) {
	case KERNEL_EVENT_LINK:
		link = by_interface(l, event->link.name);
		if (link) {
			link->seen = true;
			link_changed(l, link, &event->link, now);
		}
		/* An interface that was renamed is gone under its old name. */
		link = links_by_index(l, event->link.ifindex);
		if (link && strcmp(link->interface, event->link.name) != 0)
			link_gone(l, link, now);
		break;
	case KERNEL_EVENT_LINK_GONE:
		link = links_by_index(l, event->link.ifindex);
		if (link)
			link_gone(l, link, now);
		break;
	case KERNEL_EVENT_ADDRESS_GONE:
		link = links_by_index(l, event->address.ifindex);
		if (link && addr_equal(&link->address, &event->address.addr)) {
			link->prepared = false;
			advance(l, link, now);
			mirror(link);
		}
		break;
	case KERNEL_EVENT_RESYNC_BEGIN:
		for (size_t i = 0; i < l->count; i++)
			l->list[i]->seen = l->list[i]->prepared = false;
		break;
	case KERNEL_EVENT_RESYNC:
		for (size_t i = 0; i < l->count; i++)
			if (!l->list[i]->seen && l->list[i]->ifindex)
				link_gone(l, l->list[i], now);
		break;
	default:
		break;
	}
}

usec_t links_tick(struct links *l, usec_t now)
{
	if (now < l->retry)
		return l->retry;
	l->retry = USEC_NEVER;
	for (size_t i = 0; i < l->count; i++)
		if (!l->list[i]->prepared || !l->list[i]->ready) {
			advance(l, l->list[i], now);
			if (l->list[i]->aimed)
				mirror(l->list[i]);
		}
	return l->retry;
}

struct link *links_find(const struct links *l, const char *name)
{
	struct link *found = NULL;

	/* An antenna may have been called after the same satellite before. */
	for (size_t i = 0; i < l->count; i++)
		if (strcmp(l->list[i]->name, name) == 0 && (!found || l->list[i]->aimed))
			found = l->list[i];
	return found ? found : by_interface(l, name);
}

struct link *links_by_index(const struct links *l, unsigned int ifindex)
{
	for (size_t i = 0; i < l->count && ifindex; i++)
		if (l->list[i]->ifindex == ifindex)
			return l->list[i];
	return NULL;
}

struct link *links_next_ready(const struct links *l, const struct link *after)
{
	size_t start = 0;

	for (size_t i = 0; i < l->count && after; i++)
		if (l->list[i] == after)
			start = i + 1;
	for (size_t i = 0; i < l->count; i++) {
		struct link *link = l->list[(start + i) % l->count];

		if (link->ready)
			return link;
	}
	return NULL;
}

void links_refresh(struct links *l, struct link *link, usec_t now)
{
	struct kernel_link state;

	if (link->ifindex && kernel_link_get(l->kernel, link->ifindex, &state) == 0)
		link_changed(l, link, &state, now);
}

int links_set_up(struct links *l, struct link *link, bool up)
{
	int error = link->ifindex ? kernel_link_set_up(l->kernel, link->ifindex, up) : -ENODEV;

	if (error < 0)
		log_warnx("link %s: cannot set %s %s: %s", link->name, link->interface,
			  up ? "up" : "down",
			  link->ifindex ? kernel_error(l->kernel) : "no such interface");
	return error;
}

/* ---- antennas -------------------------------------------------------------------------- */

void links_aim(struct links *l, struct link *link, usec_t now)
{
	struct link *from = link->twin;

	if (!from || link->aimed)
		return;
	set_ready(l, from, false, now);
	link->ifindex = from->ifindex;
	link->up = from->up;
	link->carrier = from->carrier;
	link->risen = from->risen;
	link->port = from->port;
	link->turning = link->up && link->carrier;
	link->aimed = true;
	from->ifindex = 0;
	from->up = from->carrier = from->risen = from->turning = from->aimed = false;
	from->port = NULL;
	mirror(from); /* it has been told of every change up to now */
	mirror(link);
}

void links_aimed(struct links *l, struct link *link, usec_t now)
{
	link->turning = false;
	links_refresh(l, link, now);
}

void links_rename(struct link *link, const char *satellite)
{
	snprintf(link->name, sizeof(link->name), "%s", satellite);
	link->satellite = true;
}

/* ---- configuration --------------------------------------------------------------------- */

static void remove_link(struct links *l, struct link *link, usec_t now)
{
	link_gone(l, link, now);
	l->ops.removed(l->ops.context, link, now);
	if (link->twin)
		link->twin->twin = NULL; /* which goes next */
	free(link);
}

/* Gives the link its name as configured; that of an antenna keeps the satellite's. */
static void name_link(struct link *link, const struct link_config *config)
{
	const char *antenna = config->antenna ? config->antenna : "";

	if (!config->antenna || strcmp(link->antenna, antenna) != 0) {
		snprintf(link->name, sizeof(link->name), "%s", link_config_name(config));
		link->satellite = config->name != NULL;
	}
	snprintf(link->antenna, sizeof(link->antenna), "%s", antenna);
}

/* A link, or for an antenna two, of which the first is aimed. NULL: out of memory. */
static struct link *new_links(const struct link_config *config)
{
	struct link *link = calloc(1, sizeof(*link)), *twin;

	if (!link)
		return NULL;
	snprintf(link->interface, sizeof(link->interface), "%s", config->interface);
	link->aimed = true;
	if (!config->antenna)
		return link;
	twin = calloc(1, sizeof(*twin));
	if (!twin) {
		free(link);
		return NULL;
	}
	*twin = *link;
	twin->aimed = false;
	twin->twin = link;
	link->twin = twin;
	return link;
}

static void free_new(struct link *link)
{
	free(link->twin);
	free(link);
}

/* The present link, or links, of a configured one; NULL: it is a new one, or another kind. */
static struct link *present(const struct links *l, const struct link_config *config)
{
	struct link *link = by_interface(l, config->interface);

	return link && !link->twin == !config->antenna ? link : NULL;
}

static bool stays(const struct links *l, const struct link *link)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->list[i] == link)
			return true;
	return false;
}

/* Puts the new list into force. */
static void take_list(struct links *l, struct link **list, size_t count,
		      const struct config *config, usec_t now)
{
	struct link **old = l->list;
	size_t old_count = l->count, n = 0;

	l->list = list;
	l->count = count;
	for (size_t i = 0; i < config->link_count; i++) {
		name_link(list[n++], &config->links[i]);
		if (config->links[i].antenna)
			name_link(list[n++], &config->links[i]);
	}
	for (size_t i = 0; i < old_count; i++)
		if (!stays(l, old[i]))
			remove_link(l, old[i], now);
	free(old);
}

int links_configure(struct links *l, const struct config *config, usec_t now)
{
	struct link **list = calloc(2 * config->link_count, sizeof(*list));
	struct link **fresh = calloc(config->link_count, sizeof(*fresh)), *link;
	size_t count = 0, made = 0;
	int error = list && fresh ? 0 : -ENOMEM;

	for (size_t i = 0; i < config->link_count && error == 0; i++) {
		link = present(l, &config->links[i]);
		if (!link)
			link = fresh[made] = new_links(&config->links[i]);
		if (!link) {
			error = -ENOMEM;
			break;
		}
		made += link == fresh[made];
		list[count++] = link;
		if (link->twin)
			list[count++] = link->twin;
	}
	if (error < 0) {
		for (size_t i = 0; i < made; i++)
			free_new(fresh[i]);
		free(list);
	} else {
		take_list(l, list, count, config, now);
	}
	free(fresh);
	return error;
}

void links_free(struct links *l)
{
	for (size_t i = 0; i < l->count; i++) {
		forget_interface(l, l->list[i]);
		free(l->list[i]);
	}
	free(l->list);
	l->list = NULL;
	l->count = 0;
}
