/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The satellite's interfaces as they come, change and go: by configuration, by the administrator,
 * by themselves.
 */
#define _GNU_SOURCE /* reallocarray */
#include "sat-forwarder/forwarding_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel_tc.h"
#include "log.h"

#define WHY 512 /* of forwarding_configure() */

int ports_setup(struct forwarding *f, struct port *port)
{
	char trouble[sizeof(port->trouble)];
	int err;

	memcpy(trouble, port->trouble, sizeof(trouble));
	err = port_setup(port, f->kernel);
	if (!err) {
		f->setups++;
		log_info("satellite %s: %s is set up%s", f->satellite, port->name,
			 port->up && !port->carrier ? ", without carrier" : "");
		if (port != &f->access && f->access.ready && port->mtu < f->access.mtu)
			log_warnx("satellite %s: the MTU of %s is %u, below %u of %s: longer "
				  "frames are lost",
				  f->satellite, port->name, port->mtu, f->access.mtu,
				  f->access.name);
		return 0;
	}
	if (err != -ENODEV)
		f->refusals++;
	if (strcmp(trouble, port->trouble) != 0) /* a new one, not the same each try */
		log_warnx("satellite %s: %s: %s", f->satellite, port->name, port->trouble);
	return err;
}

static struct port *port_at(const struct forwarding *f, size_t i)
{
	return i == 0 ? (struct port *)&f->access : &f->feeders[i - 1]->port;
}

static bool retired(const struct forwarding *f, size_t i)
{
	return i && f->feeders[i - 1]->retired;
}

/* True when the kernel refuses none: waiting for an interface is no reason to try again. */
static bool ports_good(const struct forwarding *f)
{
	bool good = true;

	for (size_t i = 0; i <= f->count; i++) {
		const struct port *port = port_at(f, i);

		good &= port->ready || port->error == -ENODEV || retired(f, i);
	}
	return good;
}

bool ports_retry(struct forwarding *f)
{
	for (size_t i = 0; i <= f->count; i++)
		if (!port_at(f, i)->ready && !retired(f, i))
			ports_setup(f, port_at(f, i));
	return ports_good(f);
}

void ports_drop_retired(struct forwarding *f, usec_t now)
{
	for (size_t i = f->count; i-- > 0;) {
		struct feeder *feeder = f->feeders[i];

		if (!feeder->retired || feeder == f->serving || feeder->port.filter)
			continue;
		if (port_release(&feeder->port, f->kernel)) {
			log_warnx("satellite %s: %s", f->satellite, kernel_error(f->kernel));
			forwarding_retry(f, now);
			continue;
		}
		log_info("satellite %s: %s is a feeder no more", f->satellite, feeder->port.name);
		free(feeder);
		f->count--;
		memmove(&f->feeders[i], &f->feeders[i + 1], (f->count - i) * sizeof(*f->feeders));
	}
}

/* ---- configuration -----------------------------------------------------------------------------
 */

static struct feeder *by_device(const struct forwarding *f, const char *name)
{
	for (size_t i = 0; i < f->count; i++)
		if (strcmp(f->feeders[i]->port.name, name) == 0)
			return f->feeders[i];
	return NULL;
}

static bool gretap_equal(const struct kernel_gretap *a, const struct kernel_gretap *b)
{
	return addr_equal(&a->local, &b->local) && addr_equal(&a->remote, &b->remote) &&
	       a->key == b->key && a->mtu == b->mtu;
}

static struct feeder *feeder_new(const struct forwarding *f, const struct config *config,
				 const struct feeder_config *c)
{
	struct feeder *feeder = calloc(1, sizeof(*feeder));

	if (!feeder)
		return NULL;
	feeder->drain_at = USEC_NEVER;
	feeder->port.priority = f->access.priority;
	feeder->port.tunnel = c->tunnel;
	feeder->port.derived = !c->interface;
	feeder->port.gretap = c->gretap;
	config_feeder_device(config, c, feeder->port.name);
	return feeder;
}

/* A list of feeders in the making. */
struct making {
	struct forwarding *f;
	struct feeder **feeders;       /* as configured: new ones and ones that stay */
	struct kernel_gretap *tunnels; /* of those that stay: as they were */
	bool *fresh, *changed;
	size_t count;
};

/* Gives back what was set up for a configuration that is refused. */
static void making_undo(struct making *m)
{
	while (m->count) {
		struct feeder *feeder = m->feeders[--m->count];

		if (m->changed[m->count] &&
		    port_tunnel_change(&feeder->port, m->f->kernel, &m->tunnels[m->count]))
			log_warnx("satellite %s: cannot undo: %s", m->f->satellite,
				  kernel_error(m->f->kernel));
		if (!m->fresh[m->count])
			continue;
		port_undo(&feeder->port, m->f->kernel);
		free(feeder);
	}
}

static int make_feeder(struct making *m, const struct config *config, const struct feeder_config *c,
		       bool lenient)
{
	char name[KERNEL_NAME];
	struct feeder *feeder = by_device(m->f, config_feeder_device(config, c, name));
	size_t i = m->count;
	int err = 0;

	m->fresh[i] = !feeder || feeder->port.tunnel != c->tunnel;
	if (m->fresh[i])
		feeder = feeder_new(m->f, config, c);
	if (!feeder)
		return -ENOMEM;
	m->feeders[m->count++] = feeder;
	if (m->fresh[i]) {
		err = ports_setup(m->f, &feeder->port);
		if (err == -ENODEV || lenient)
			err = err == -EPERM ? err : 0;
	} else if (c->tunnel && !gretap_equal(&feeder->port.gretap, &c->gretap)) {
		m->tunnels[i] = feeder->port.gretap;
		err = port_tunnel_change(&feeder->port, m->f->kernel, &c->gretap);
		m->changed[i] = !err;
		if (err)
			snprintf(feeder->port.trouble, sizeof(feeder->port.trouble), "%s",
				 kernel_error(m->f->kernel));
	}
	return err;
}

/* From here on nothing fails. */
static void making_commit(struct making *m, const struct config *config)
{
	struct forwarding *f = m->f;
	size_t count = m->count;

	for (size_t i = 0; i < m->count; i++) {
		const struct feeder_config *c = &config->feeders[i];

		snprintf(m->feeders[i]->core, sizeof(m->feeders[i]->core), "%s",
			 c->core ? c->core : "");
		snprintf(m->feeders[i]->station, sizeof(m->feeders[i]->station), "%s",
			 c->station ? c->station : "");
		snprintf(m->feeders[i]->via, sizeof(m->feeders[i]->via), "%s",
			 c->via ? c->via : "");
	}
	for (size_t i = 0; i < f->count; i++) {
		bool stays = false;

		for (size_t n = 0; n < m->count; n++)
			stays |= m->feeders[n] == f->feeders[i];
		f->feeders[i]->retired = !stays;
		if (!stays)
			m->feeders[count++] = f->feeders[i];
	}
	free(f->feeders);
	f->feeders = m->feeders;
	f->count = count;
	f->drain = config->timers.drain;
}

static int making_begin(struct making *m, size_t count, size_t old)
{
	m->feeders = calloc(count + old, sizeof(struct feeder *));
	m->tunnels = calloc(count, sizeof(*m->tunnels));
	m->fresh = calloc(count, sizeof(*m->fresh));
	m->changed = calloc(count, sizeof(*m->changed));
	return m->feeders && m->tunnels && m->fresh && m->changed ? 0 : -ENOMEM;
}

int forwarding_configure(struct forwarding *f, const struct config *config, bool lenient,
			 usec_t now, char *why)
{
	struct making m = {.f = f};
	int err = making_begin(&m, config->feeder_count, f->count);

	snprintf(why, WHY, "%s", strerror(ENOMEM));
	if (!err && lenient) {
		err = ports_setup(f, &f->access);
		snprintf(why, WHY, "%s: %s", f->access.name, f->access.trouble);
		err = err == -EPERM ? err : 0;
	}
	for (size_t i = 0; !err && i < config->feeder_count; i++) {
		err = make_feeder(&m, config, &config->feeders[i], lenient);
		if (err && m.count == i + 1)
			snprintf(why, WHY, "%s: %s", m.feeders[i]->port.name,
				 m.feeders[i]->port.trouble);
	}
	if (err) {
		making_undo(&m);
		free(m.feeders);
	} else {
		making_commit(&m, config);
	}
	free(m.tunnels);
	free(m.fresh);
	free(m.changed);
	if (!err && !ports_good(f))
		forwarding_retry(f, now);
	return err;
}

/* ---- leftovers ---------------------------------------------------------------------------------
 */

static bool is_port(const struct forwarding *f, const char *name)
{
	return strcmp(f->access.name, name) == 0 || by_device(f, name);
}

static int sweep_filter(const struct kernel_filter *filter, void *arg)
{
	struct forwarding *f = arg;

	if (filter->priority != f->access.priority)
		return 0;
	log_notice("satellite %s: interface %u has a filter of an earlier run: removed",
		   f->satellite, filter->ifindex);
	if (kernel_tc_filter_delete(f->kernel, filter))
		log_warnx("satellite %s: %s", f->satellite, kernel_error(f->kernel));
	return 0;
}

static int sweep_link(const struct kernel_link *link, void *arg)
{
	struct forwarding *f = arg;
	bool tap = strcmp(link->kind, "gretap") == 0 || strcmp(link->kind, "ip6gretap") == 0;

	if (is_port(f, link->name))
		return 0;
	if (tap && strncmp(link->name, f->prefix, strlen(f->prefix)) == 0) {
		log_notice("satellite %s: tunnel %s is of an earlier run: removed", f->satellite,
			   link->name);
		if (kernel_link_delete(f->kernel, link->ifindex))
			log_warnx("satellite %s: %s", f->satellite, kernel_error(f->kernel));
		return 0;
	}
	if (kernel_tc_filter_each(f->kernel, link->ifindex, sweep_filter, f))
		log_warnx("satellite %s: %s", f->satellite, kernel_error(f->kernel));
	return 0;
}

void forwarding_sweep(struct forwarding *f)
{
	if (kernel_link_each(f->kernel, sweep_link, f))
		log_warnx("satellite %s: %s", f->satellite, kernel_error(f->kernel));
}

/* ---- events ------------------------------------------------------------------------------------
 */

static void lost(struct forwarding *f, struct port *port, usec_t now)
{
	log_warnx("satellite %s: %s has gone%s", f->satellite, port->name,
		  port == &f->access			    ? ": no frames pass"
		  : f->serving && port == &f->serving->port ? ": no frames pass to the core"
							    : "");
	port_forget(port);
	if (port->tunnel && ports_setup(f, port))
		forwarding_retry(f, now);
	forwarding_resettle(f, now);
}

static void changed(struct forwarding *f, struct port *port, const struct kernel_link *link)
{
	bool passed = port->up && port->carrier, passes = link->up && link->carrier;

	port->up = link->up;
	port->carrier = link->carrier;
	port->mtu = link->mtu;
	if (passed != passes)
		log_info("satellite %s: %s is %s", f->satellite, port->name,
			 passes	    ? "up"
			 : link->up ? "without carrier"
				    : "down");
}

static void appeared(struct forwarding *f, struct port *port, usec_t now)
{
	int err = ports_setup(f, port);

	if (err && err != -ENODEV)
		forwarding_retry(f, now);
	forwarding_resettle(f, now);
}

/* Another name on an index that we knew: our filter there is ours no more to keep. */
static void renamed(struct forwarding *f, struct port *port, usec_t now)
{
	struct kernel_filter filter = {port->ifindex, port->priority, 0};

	if (port->filter && kernel_tc_filter_delete(f->kernel, &filter))
		log_warnx("satellite %s: %s", f->satellite, kernel_error(f->kernel));
	lost(f, port, now);
}

static void link_seen(struct forwarding *f, const struct kernel_link *link, usec_t now)
{
	for (size_t i = 0; i <= f->count; i++) {
		struct port *port = port_at(f, i);
		bool name = strcmp(port->name, link->name) == 0;

		if (name)
			port->seen = true;
		if (port->ifindex && port->ifindex == link->ifindex && !name) {
			renamed(f, port, now);
			return;
		}
		if (!name || retired(f, i) || link->ifindex == port->refused)
			continue;
		if (port->ready && port->ifindex == link->ifindex) {
			changed(f, port, link);
			return;
		}
		if (port->ifindex)
			port_forget(port); /* it went and came within one reading */
		appeared(f, port, now);
		return;
	}
}

static void link_gone(struct forwarding *f, const struct kernel_link *link, usec_t now)
{
	for (size_t i = 0; i <= f->count; i++) {
		struct port *port = port_at(f, i);

		if (port->ifindex == link->ifindex) {
			lost(f, port, now);
			return;
		}
	}
}

/* Events were lost: what was not replayed has gone, and somebody may have changed our filters. */
static void resynced(struct forwarding *f, usec_t now)
{
	f->resyncs++;
	for (size_t i = 0; i <= f->count; i++) {
		struct port *port = port_at(f, i);

		if (port->ifindex && !port->seen)
			port_forget(port);
	}
	log_warnx("satellite %s: the kernel lost events, its state was read again", f->satellite);
	if (step_adopt(f)) {
		log_warnx("satellite %s: %s", f->satellite, kernel_error(f->kernel));
		forwarding_retry(f, now);
	}
	forwarding_resettle(f, now);
}

void forwarding_event(struct forwarding *f, const struct kernel_event *event, usec_t now)
{
	switch (event->type) {
	case KERNEL_EVENT_LINK:
		link_seen(f, &event->link, now);
		break;
	case KERNEL_EVENT_LINK_GONE:
		link_gone(f, &event->link, now);
		break;
	case KERNEL_EVENT_RESYNC_BEGIN:
		for (size_t i = 0; i <= f->count; i++)
			port_at(f, i)->seen = false;
		break;
	case KERNEL_EVENT_RESYNC:
		resynced(f, now);
		break;
	default:
		break;
	}
}
