/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel in memory: see kernel_fake.h.
 *
 * Every object is one record: its kind, a text that identifies it, a text that says what it is
 * like, and the value itself. So all tables, the dump and the comparison of states are one thing.
 * What the real kernel does by itself is done here too, as far as a daemon can notice: routes need
 * a link that is up, a link that goes down loses its routes and neighbours, one that is removed
 * loses everything.
 */
#define _GNU_SOURCE /* strerrorname_np, asprintf */
#include "kernel_fake.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define KEY   256
#define VALUE 512
#define MAIN  254
#define LOCAL 255

enum kind { LINK, ADDRESS, NEIGHBOUR, FDB, RULE, ROUTE, SA, POLICY, CLSACT, REDIRECT, FILTER };

static const char *const kind_names[] = {"link",   "address",  "neighbour", "fdb",
					 "rule",   "route",    "sa",	    "policy",
					 "clsact", "redirect", "filter"};

struct fake_link {
	struct kernel_link link;
	struct kernel_bridge bridge;
	struct kernel_bridge_port port;
	enum kernel_tunnel tunnel;
	struct kernel_gretap gretap;
	bool carrier; /* of the cable; what is seen needs the link to be up, too */
};

struct object {
	enum kind kind;
	char key[KEY];
	union {
		struct fake_link link;
		struct kernel_address address;
		struct kernel_neighbour neighbour;
		struct kernel_fdb fdb;
		struct kernel_rule rule;
		struct kernel_route route;
		struct kernel_sa sa;
		struct kernel_policy policy;
		unsigned int clsact;
		struct kernel_redirect redirect;
		struct kernel_filter filter;
	};
};

struct kernel {
	char error[512];
};

struct kernel_monitor {
	struct kernel *k;
	unsigned int watch;
	kernel_monitor_fn fn;
	void *arg;
	int fd;
	bool overrun;
	struct kernel_event *queue;
	size_t queued;
	struct kernel_monitor *next;
};

struct sysctl {
	char path[KEY];
	char value[KEY];
	struct sysctl *next;
};

static struct {
	struct object **objects;
	size_t count;
	unsigned int last_ifindex;
	bool without[KERNEL_TUNNELS];
	char **log;
	size_t calls;
	unsigned int fail_at; /* counts down; 0: never */
	int fail_error;
	bool failed;
	char fail_start[KEY];
	int fail_start_error;
	struct kernel_monitor *monitors;
	struct sysctl *sysctls;
	char *dumps[2];
	char *log_text;
	unsigned int dump_turn;
	unsigned int open;
} fake;

/* ---- records -------------------------------------------------------------------------------- */

static void *must(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

static struct object *object_find(enum kind kind, const char *key)
{
	size_t i;

	for (i = 0; i < fake.count; i++)
		if (fake.objects[i]->kind == kind && strcmp(fake.objects[i]->key, key) == 0)
			return fake.objects[i];
	return NULL;
}

/* The record of this key, made when missing. */
static struct object *object_put(enum kind kind, const char *key)
{
	struct object *o = object_find(kind, key);

	if (o)
		return o;
	o = must(calloc(1, sizeof(*o)));
	o->kind = kind;
	snprintf(o->key, sizeof(o->key), "%s", key);
	fake.objects = must(realloc(fake.objects, (fake.count + 1) * sizeof(struct object *)));
	fake.objects[fake.count++] = o;
	return o;
}

static void object_remove(const struct object *o)
{
	size_t i;

	for (i = 0; i < fake.count; i++) {
		if (fake.objects[i] != o)
			continue;
		free(fake.objects[i]);
		memmove(fake.objects + i, fake.objects + i + 1,
			(fake.count - i - 1) * sizeof(struct object *));
		fake.count--;
		return;
	}
}

/* Every record of a kind, copied, so that callbacks may change the tables. NULL-terminated. */
static struct object *objects_copy(enum kind kind, size_t *count)
{
	struct object *copy = must(calloc(fake.count + 1, sizeof(*copy)));
	size_t i;

	for (i = *count = 0; i < fake.count; i++)
		if (fake.objects[i]->kind == kind)
			copy[(*count)++] = *fake.objects[i];
	return copy;
}

/* For each record of a kind for which `wanted` holds, calls back with the field of the union. */
#define EACH(kind_, field, wanted)                                                                 \
	do {                                                                                       \
		size_t count_, i_;                                                                 \
		struct object *copy_ = objects_copy(kind_, &count_), *o;                           \
		int err_ = 0;                                                                      \
		for (i_ = 0; !err_ && i_ < count_; i_++) {                                         \
			o = &copy_[i_];                                                            \
			if (wanted)                                                                \
				err_ = each(&o->field, arg);                                       \
		}                                                                                  \
		free(copy_);                                                                       \
		return err_;                                                                       \
	} while (0)

static struct fake_link *link_of(unsigned int ifindex)
{
	size_t i;

	for (i = 0; ifindex && i < fake.count; i++)
		if (fake.objects[i]->kind == LINK && fake.objects[i]->link.link.ifindex == ifindex)
			return &fake.objects[i]->link;
	return NULL;
}

static const char *link_name(unsigned int ifindex)
{
	const struct fake_link *link = link_of(ifindex);

	return link ? link->link.name : ifindex ? "gone" : "none";
}

static struct kernel_link link_seen(const struct fake_link *link)
{
	struct kernel_link seen = link->link;

	seen.carrier = seen.up && link->carrier;
	return seen;
}

/* ---- changes: log and failure --------------------------------------------------------------- */

static int refuse(struct kernel *k, int err)
{
	const char *name = strerrorname_np(-err);
	char **line = &fake.log[fake.calls - 1], *failed;

	snprintf(k->error, sizeof(k->error), "%s: %s (%s)", *line, strerror(-err),
		 name ? name : "unknown error");
	if (asprintf(&failed, "%s = -%s", *line, name ? name : "?") < 0)
		abort();
	free(*line);
	*line = failed;
	return err;
}

/* Begins a change: notes it in the log, and fails it when that was asked for. */
static int __attribute__((format(printf, 2, 3))) change(struct kernel *k, const char *format, ...)
{
	va_list args;
	char *line;

	va_start(args, format);
	if (vasprintf(&line, format, args) < 0)
		abort();
	va_end(args);
	fake.log = must(realloc(fake.log, (fake.calls + 1) * sizeof(char *)));
	fake.log[fake.calls++] = line;
	if (fake.fail_at && --fake.fail_at == 0) {
		fake.failed = true;
		return refuse(k, fake.fail_error);
	}
	if (fake.fail_start[0] && strncmp(line, fake.fail_start, strlen(fake.fail_start)) == 0) {
		fake.failed = true;
		return refuse(k, fake.fail_start_error);
	}
	return 0;
}

void kernel_fake_fail_at(unsigned int n, int error)
{
	fake.fail_at = n;
	fake.fail_error = error;
	fake.failed = false;
}

bool kernel_fake_failed(void)
{
	return fake.failed;
}

void kernel_fake_fail_on(const char *start, int error)
{
	snprintf(fake.fail_start, sizeof(fake.fail_start), "%s", start ? start : "");
	fake.fail_start_error = error;
	fake.failed = false;
}

unsigned int kernel_fake_calls(void)
{
	return (unsigned int)fake.calls;
}

void kernel_fake_log_clear(void)
{
	while (fake.calls)
		free(fake.log[--fake.calls]);
}

unsigned int kernel_fake_log_find(const char *text, unsigned int from)
{
	size_t i;

	for (i = from ? from - 1 : 0; i < fake.calls; i++)
		if (strstr(fake.log[i], text))
			return (unsigned int)i + 1;
	return 0;
}

const char *kernel_fake_log(void)
{
	FILE *out;
	size_t size, i;

	free(fake.log_text);
	fake.log_text = NULL;
	out = must(open_memstream(&fake.log_text, &size));
	for (i = 0; i < fake.calls; i++)
		fprintf(out, "%s\n", fake.log[i]);
	fclose(out);
	return fake.log_text;
}

/* ---- monitor -------------------------------------------------------------------------------- */

static unsigned int event_watch(enum kernel_event_type type)
{
	switch (type) {
	case KERNEL_EVENT_LINK:
	case KERNEL_EVENT_LINK_GONE:
		return KERNEL_WATCH_LINKS;
	case KERNEL_EVENT_ADDRESS:
	case KERNEL_EVENT_ADDRESS_GONE:
		return KERNEL_WATCH_ADDRESSES;
	case KERNEL_EVENT_ROUTE:
	case KERNEL_EVENT_ROUTE_GONE:
		return KERNEL_WATCH_ROUTES;
	case KERNEL_EVENT_NEIGHBOUR:
	case KERNEL_EVENT_NEIGHBOUR_GONE:
		return KERNEL_WATCH_NEIGHBOURS;
	default:
		return ~0U;
	}
}

static void monitor_wake(const struct kernel_monitor *m)
{
	if (eventfd_write(m->fd, 1) != 0)
		abort();
}

static void monitor_queue(struct kernel_monitor *m, const struct kernel_event *event)
{
	if (!(m->watch & event_watch(event->type)))
		return;
	m->queue = must(realloc(m->queue, (m->queued + 1) * sizeof(*event)));
	m->queue[m->queued++] = *event;
}

void kernel_fake_emit(const struct kernel_event *event)
{
	struct kernel_monitor *m;

	for (m = fake.monitors; m; m = m->next) {
		monitor_queue(m, event);
		monitor_wake(m);
	}
}

void kernel_fake_overrun(void)
{
	struct kernel_monitor *m;

	for (m = fake.monitors; m; m = m->next) {
		m->queued = 0;
		m->overrun = true;
		monitor_wake(m);
	}
}

int kernel_monitor_open(struct kernel_monitor **result, struct kernel *k, unsigned int watch,
			size_t buffer, kernel_monitor_fn fn, void *arg)
{
	struct kernel_monitor *m = must(calloc(1, sizeof(*m)));

	(void)buffer;
	*m = (struct kernel_monitor){.k = k, .watch = watch, .fn = fn, .arg = arg};
	m->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (m->fd < 0)
		abort();
	m->next = fake.monitors;
	fake.monitors = m;
	fake.open++;
	*result = m;
	return 0;
}

void kernel_monitor_close(struct kernel_monitor *m)
{
	struct kernel_monitor **at;

	if (!m)
		return;
	for (at = &fake.monitors; *at && *at != m; at = &(*at)->next)
		;
	if (*at) {
		*at = m->next;
		fake.open--;
	}
	close(m->fd);
	free(m->queue);
	free(m);
}

int kernel_monitor_fd(const struct kernel_monitor *m)
{
	return m->fd;
}

/* Hands out what is queued; what callbacks cause is left for the next read. */
static void monitor_deliver(struct kernel_monitor *m)
{
	struct kernel_event *queue = m->queue;
	size_t count = m->queued, i;

	m->queue = NULL;
	m->queued = 0;
	for (i = 0; i < count; i++)
		m->fn(&queue[i], m->arg);
	free(queue);
}

int kernel_monitor_resync(struct kernel_monitor *m)
{
	struct kernel_event e = {.replay = true};
	const struct object *o;
	size_t i;

	m->queued = 0;
	m->overrun = false;
	e.type = KERNEL_EVENT_RESYNC_BEGIN;
	monitor_queue(m, &e);
	for (i = 0; i < fake.count; i++) {
		o = fake.objects[i];
		memset(&e, 0, sizeof(e));
		e.replay = true;
		if (o->kind == LINK) {
			e.type = KERNEL_EVENT_LINK;
			e.link = link_seen(&o->link);
		} else if (o->kind == ADDRESS) {
			e.type = KERNEL_EVENT_ADDRESS;
			e.address = o->address;
		} else if (o->kind == NEIGHBOUR) {
			e.type = KERNEL_EVENT_NEIGHBOUR;
			e.neighbour = o->neighbour;
		} else if (o->kind == ROUTE && o->route.protocol == KERNEL_PROTOCOL) {
			e.type = KERNEL_EVENT_ROUTE;
			e.route = o->route;
		} else {
			continue;
		}
		monitor_queue(m, &e);
	}
	memset(&e, 0, sizeof(e));
	e.replay = true;
	e.type = KERNEL_EVENT_RESYNC;
	monitor_queue(m, &e);
	monitor_deliver(m);
	return 0;
}

int kernel_monitor_read(struct kernel_monitor *m)
{
	eventfd_t ignored;

	(void)eventfd_read(m->fd, &ignored);
	if (m->overrun)
		return kernel_monitor_resync(m);
	monitor_deliver(m);
	return 0;
}

static void emit_link(const struct fake_link *link, enum kernel_event_type type)
{
	struct kernel_event e = {.type = type};

	e.link = link_seen(link);
	kernel_fake_emit(&e);
}

static void emit_address(const struct kernel_address *address, enum kernel_event_type type)
{
	struct kernel_event e = {.type = type};

	e.address = *address;
	kernel_fake_emit(&e);
}

/* ---- context -------------------------------------------------------------------------------- */

int kernel_open(struct kernel **k)
{
	*k = must(calloc(1, sizeof(**k)));
	fake.open++;
	if (!link_of(1))
		kernel_fake_reset();
	return 0;
}

void kernel_close(struct kernel *k)
{
	if (!k)
		return;
	fake.open--;
	free(k);
}

const char *kernel_error(const struct kernel *k)
{
	return k->error;
}

unsigned int kernel_fake_open_count(void)
{
	return fake.open;
}

void kernel_fake_reset(void)
{
	struct sysctl *s;
	struct object *lo;

	while (fake.count)
		object_remove(fake.objects[0]);
	free(fake.objects);
	fake.objects = NULL;
	kernel_fake_log_clear();
	free(fake.log);
	fake.log = NULL;
	free(fake.dumps[0]);
	free(fake.dumps[1]);
	free(fake.log_text);
	fake.dumps[0] = fake.dumps[1] = fake.log_text = NULL;
	while ((s = fake.sysctls)) {
		fake.sysctls = s->next;
		free(s);
	}
	memset(fake.without, 0, sizeof(fake.without));
	kernel_fake_fail_at(0, 0);
	kernel_fake_fail_on(NULL, 0);
	fake.last_ifindex = 0;
	kernel_fake_link("lo", NULL);
	lo = object_find(LINK, "lo");
	lo->link.link.loopback = lo->link.link.up = true;
	lo->link.link.mtu = 65536;
	memset(&lo->link.link.mac, 0, sizeof(lo->link.link.mac));
}

/* ---- links ---------------------------------------------------------------------------------- */

static struct fake_link *link_make(const char *name, const char *kind)
{
	struct fake_link *link = &object_put(LINK, name)->link;

	link->link.ifindex = ++fake.last_ifindex;
	link->link.mtu = 1500;
	link->carrier = true;
	link->link.mac.bytes[0] = 0x02;
	link->link.mac.bytes[5] = (uint8_t)link->link.ifindex;
	link->port = (struct kernel_bridge_port){
		.learning = true, .flood = true, .mcast_flood = true, .bcast_flood = true};
	snprintf(link->link.name, sizeof(link->link.name), "%s", name);
	snprintf(link->link.kind, sizeof(link->link.kind), "%s", kind ? kind : "");
	return link;
}

unsigned int kernel_fake_link(const char *name, const char *kind)
{
	return link_make(name, kind)->link.ifindex;
}

void kernel_fake_carrier(unsigned int ifindex, bool carrier)
{
	struct fake_link *link = link_of(ifindex);

	if (!link)
		return;
	link->carrier = carrier;
	emit_link(link, KERNEL_EVENT_LINK);
}

void kernel_fake_without_tunnel(enum kernel_tunnel kind)
{
	fake.without[kind] = true;
}

int kernel_link_find(struct kernel *k, const char *name, struct kernel_link *link)
{
	const struct object *o = object_find(LINK, name);

	memset(link, 0, sizeof(*link));
	if (!o) {
		snprintf(k->error, sizeof(k->error), "interface %s: No such device (ENODEV)", name);
		return -ENODEV;
	}
	*link = link_seen(&o->link);
	return 0;
}

int kernel_link_get(struct kernel *k, unsigned int ifindex, struct kernel_link *link)
{
	const struct fake_link *l = link_of(ifindex);

	memset(link, 0, sizeof(*link));
	if (!l) {
		snprintf(k->error, sizeof(k->error), "interface %u: No such device (ENODEV)",
			 ifindex);
		return -ENODEV;
	}
	*link = link_seen(l);
	return 0;
}

int kernel_link_each(struct kernel *k, kernel_link_fn each, void *arg)
{
	(void)k;
	EACH(LINK, link.link, (o->link.link = link_seen(&o->link)).ifindex != 0);
}

/* Does the object hang on the interface, so that it goes with it? */
static bool object_on(const struct object *o, unsigned int ifindex, bool down_only)
{
	switch (o->kind) {
	case NEIGHBOUR:
		return o->neighbour.ifindex == ifindex;
	case ROUTE:
		return o->route.oif == ifindex;
	case ADDRESS:
		return !down_only && o->address.ifindex == ifindex;
	case FDB:
		return !down_only && o->fdb.port == ifindex;
	case CLSACT:
		return !down_only && o->clsact == ifindex;
	case FILTER:
		return !down_only && o->filter.ifindex == ifindex;
	default:
		return false;
	}
}

static void objects_drop(unsigned int ifindex, bool down_only)
{
	size_t i;

	for (i = fake.count; i-- > 0;)
		if (object_on(fake.objects[i], ifindex, down_only))
			object_remove(fake.objects[i]);
}

/* The change of a link: notes it and finds the link. */
static int link_change(struct kernel *k, unsigned int ifindex, struct fake_link **link,
		       const char *what)
{
	int err = change(k, "link %s %s", link_name(ifindex), what);

	*link = link_of(ifindex);
	if (!err && !*link)
		err = refuse(k, -ENODEV);
	return err;
}

int kernel_link_set_up(struct kernel *k, unsigned int ifindex, bool up)
{
	struct fake_link *link;
	int err = link_change(k, ifindex, &link, up ? "up" : "down");

	if (err)
		return err;
	if (!up)
		objects_drop(ifindex, true);
	if (link->link.up != up) {
		link->link.up = up;
		emit_link(link, KERNEL_EVENT_LINK);
	}
	return 0;
}

int kernel_link_set_promisc(struct kernel *k, unsigned int ifindex, bool promisc)
{
	struct fake_link *link;
	int err = link_change(k, ifindex, &link, promisc ? "promisc on" : "promisc off");

	if (!err)
		link->link.promiscuous = promisc;
	return err;
}

int kernel_link_set_mtu(struct kernel *k, unsigned int ifindex, unsigned int mtu)
{
	struct fake_link *link;
	char what[32];
	int err;

	snprintf(what, sizeof(what), "mtu %u", mtu);
	err = link_change(k, ifindex, &link, what);
	if (!err)
		link->link.mtu = mtu;
	return err;
}

int kernel_link_set_mac(struct kernel *k, unsigned int ifindex, const struct lladdr *mac)
{
	char what[LLADDR_TEXT + 8] = "address ";
	struct fake_link *link;
	int err;

	lladdr_format(mac, what + 8);
	err = link_change(k, ifindex, &link, what);
	if (!err)
		link->link.mac = *mac;
	return err;
}

int kernel_link_set_master(struct kernel *k, unsigned int ifindex, unsigned int master)
{
	struct fake_link *link;
	char what[32];
	size_t i;
	int err;

	snprintf(what, sizeof(what), "master %s", link_name(master));
	err = link_change(k, ifindex, &link, what);
	if (err)
		return err;
	if (master && !link_of(master))
		return refuse(k, -EINVAL);
	for (i = fake.count; i-- > 0;)
		if (fake.objects[i]->kind == FDB && fake.objects[i]->fdb.port == ifindex)
			object_remove(fake.objects[i]);
	if (link->link.master != master) {
		link->link.master = master;
		link->port = (struct kernel_bridge_port){
			.learning = true, .flood = true, .mcast_flood = true, .bcast_flood = true};
		emit_link(link, KERNEL_EVENT_LINK);
	}
	return 0;
}

int kernel_link_delete(struct kernel *k, unsigned int ifindex)
{
	struct fake_link *link = link_of(ifindex);
	int err = change(k, "link %s delete", link_name(ifindex));
	size_t i;

	if (err || !link)
		return err;
	objects_drop(ifindex, false);
	for (i = 0; i < fake.count; i++)
		if (fake.objects[i]->kind == LINK && fake.objects[i]->link.link.master == ifindex)
			fake.objects[i]->link.link.master = 0;
	link->link.up = false;
	emit_link(link, KERNEL_EVENT_LINK_GONE);
	object_remove(object_find(LINK, link->link.name));
	return 0;
}

/* ---- bridges -------------------------------------------------------------------------------- */

int kernel_bridge_ensure(struct kernel *k, const char *name, const struct kernel_bridge *bridge,
			 unsigned int *ifindex)
{
	static const struct lladdr none;
	int err = change(k, "bridge %s", name);
	struct object *o = object_find(LINK, name);
	struct fake_link *link;

	if (err)
		return err;
	if (o && strcmp(o->link.link.kind, "bridge") != 0)
		return refuse(k, -EEXIST);
	link = o ? &o->link : link_make(name, "bridge");
	link->bridge = *bridge;
	if (!lladdr_equal(&bridge->mac, &none))
		link->link.mac = bridge->mac;
	link->link.up = true;
	emit_link(link, KERNEL_EVENT_LINK);
	*ifindex = link->link.ifindex;
	return 0;
}

int kernel_bridge_port_set(struct kernel *k, unsigned int port,
			   const struct kernel_bridge_port *flags)
{
	struct fake_link *link;
	int err = link_change(k, port, &link, "port flags");

	if (err)
		return err;
	if (!link->link.master)
		return refuse(k, -EOPNOTSUPP);
	link->port = *flags;
	return 0;
}

int kernel_bridge_port_get(struct kernel *k, unsigned int port, struct kernel_bridge_port *flags)
{
	const struct fake_link *link = link_of(port);

	memset(flags, 0, sizeof(*flags));
	if (!link || !link->link.master) {
		snprintf(k->error, sizeof(k->error), "bridge port %u: No such device (ENODEV)",
			 port);
		return -ENODEV;
	}
	*flags = link->port;
	return 0;
}

static void fdb_key(char key[KEY], unsigned int bridge, const struct lladdr *mac)
{
	char text[LLADDR_TEXT];

	snprintf(key, KEY, "%s %s", lladdr_format(mac, text), link_name(bridge));
}

int kernel_fdb_replace(struct kernel *k, const struct kernel_fdb *fdb)
{
	const struct fake_link *port = link_of(fdb->port);
	char key[KEY];
	int err;

	fdb_key(key, port ? port->link.master : 0, &fdb->mac);
	err = change(k, "fdb replace %s port %s", key, link_name(fdb->port));
	if (err)
		return err;
	if (!port || !port->link.master)
		return refuse(k, port ? -EINVAL : -ENODEV);
	object_put(FDB, key)->fdb = *fdb;
	return 0;
}

int kernel_fdb_delete(struct kernel *k, const struct kernel_fdb *fdb)
{
	const struct fake_link *port = link_of(fdb->port);
	const struct object *o;
	char key[KEY];
	int err;

	fdb_key(key, port ? port->link.master : 0, &fdb->mac);
	err = change(k, "fdb delete %s port %s", key, link_name(fdb->port));
	o = object_find(FDB, key);
	if (!err && o && o->fdb.port == fdb->port)
		object_remove(o);
	return err;
}

int kernel_fdb_each(struct kernel *k, unsigned int bridge, kernel_fdb_fn each, void *arg)
{
	(void)k;
	EACH(FDB, fdb, link_of(o->fdb.port) && link_of(o->fdb.port)->link.master == bridge);
}

/* ---- addresses and neighbours ---------------------------------------------------------------- */

static void address_key(char key[KEY], const struct kernel_address *a)
{
	char text[ADDR_TEXT];

	snprintf(key, KEY, "%s/%u dev %s", addr_format(&a->addr, text), a->length,
		 link_name(a->ifindex));
}

int kernel_address_replace(struct kernel *k, const struct kernel_address *address)
{
	char key[KEY];
	struct object *o;
	int err;

	address_key(key, address);
	err = change(k, "address replace %s%s", key, address->nodad ? " nodad" : "");
	if (!err && !link_of(address->ifindex))
		err = refuse(k, -ENODEV);
	if (err)
		return err;
	o = object_put(ADDRESS, key);
	o->address = *address;
	o->address.ours = true;
	emit_address(&o->address, KERNEL_EVENT_ADDRESS);
	return 0;
}

int kernel_address_delete(struct kernel *k, const struct kernel_address *address)
{
	const struct object *o;
	char key[KEY];
	int err;

	address_key(key, address);
	err = change(k, "address delete %s", key);
	o = object_find(ADDRESS, key);
	if (err || !o)
		return err;
	emit_address(&o->address, KERNEL_EVENT_ADDRESS_GONE);
	object_remove(o);
	return 0;
}

int kernel_address_each(struct kernel *k, unsigned int ifindex, kernel_address_fn each, void *arg)
{
	(void)k;
	EACH(ADDRESS, address, !ifindex || o->address.ifindex == ifindex);
}

static void neighbour_key(char key[KEY], const struct kernel_neighbour *n)
{
	char text[ADDR_TEXT];

	snprintf(key, KEY, "%s dev %s", addr_format(&n->addr, text), link_name(n->ifindex));
}

int kernel_neighbour_replace(struct kernel *k, const struct kernel_neighbour *neighbour)
{
	char key[KEY], mac[LLADDR_TEXT];
	int err;

	neighbour_key(key, neighbour);
	err = change(k, "neighbour replace %s lladdr %s", key, lladdr_format(&neighbour->mac, mac));
	if (!err && !link_of(neighbour->ifindex))
		err = refuse(k, -ENODEV);
	if (!err && !link_of(neighbour->ifindex)->link.up)
		err = refuse(k, -ENETDOWN);
	if (!err)
		object_put(NEIGHBOUR, key)->neighbour = *neighbour;
	return err;
}

int kernel_neighbour_delete(struct kernel *k, const struct kernel_neighbour *neighbour)
{
	char key[KEY];
	int err;

	neighbour_key(key, neighbour);
	err = change(k, "neighbour delete %s", key);
	if (!err)
		object_remove(object_find(NEIGHBOUR, key));
	return err;
}

int kernel_neighbour_each(struct kernel *k, unsigned int ifindex, kernel_neighbour_fn each,
			  void *arg)
{
	(void)k;
	EACH(NEIGHBOUR, neighbour, !ifindex || o->neighbour.ifindex == ifindex);
}

/* ---- rules ---------------------------------------------------------------------------------- */

static void rule_key(char key[KEY], const struct kernel_rule *r)
{
	char from[PREFIX_TEXT], to[PREFIX_TEXT];

	snprintf(key, KEY, "%s priority %u iif %s from %s to %s table %u",
		 r->family == AF_INET ? "inet" : "inet6", r->priority, r->iif[0] ? r->iif : "any",
		 prefix_format(&r->from, from), prefix_format(&r->to, to), r->table);
}

int kernel_rule_add(struct kernel *k, const struct kernel_rule *rule)
{
	char key[KEY];
	int err;

	rule_key(key, rule);
	err = change(k, "rule add %s", key);
	if (!err)
		object_put(RULE, key)->rule = *rule;
	return err;
}

int kernel_rule_delete(struct kernel *k, const struct kernel_rule *rule)
{
	char key[KEY];
	int err;

	rule_key(key, rule);
	err = change(k, "rule delete %s", key);
	if (!err)
		object_remove(object_find(RULE, key));
	return err;
}

int kernel_rule_each(struct kernel *k, kernel_rule_fn each, void *arg)
{
	(void)k;
	EACH(RULE, rule, true);
}

/* ---- tunnels -------------------------------------------------------------------------------- */

int kernel_tunnel_probe(struct kernel *k, enum kernel_tunnel kind)
{
	if (!fake.without[kind])
		return 0;
	snprintf(k->error, sizeof(k->error), "tunnel kind %s: Operation not supported (EOPNOTSUPP)",
		 kernel_tunnel_text(kind));
	return -EOPNOTSUPP;
}

int kernel_tunnel_ensure(struct kernel *k, enum kernel_tunnel kind, unsigned int mtu,
			 unsigned int *ifindex)
{
	static const char *const link_kinds[] = {"", "gre", "ip6gre", "ipip", "vxlan"};
	const char *name = kernel_tunnel_device(kind);
	int err = change(k, "tunnel %s", name);
	struct object *o = object_find(LINK, name);
	struct fake_link *link;

	*ifindex = 0;
	if (err)
		return err;
	if (!name[0] || fake.without[kind])
		return refuse(k, name[0] ? -EOPNOTSUPP : -EINVAL);
	if (o && o->link.tunnel != kind)
		return refuse(k, -EEXIST);
	link = o ? &o->link : link_make(name, link_kinds[kind]);
	link->tunnel = kind;
	link->link.external = link->link.up = true;
	memset(&link->link.mac, 0, sizeof(link->link.mac));
	if (mtu)
		link->link.mtu = mtu;
	emit_link(link, KERNEL_EVENT_LINK);
	*ifindex = link->link.ifindex;
	return 0;
}

int kernel_gretap_ensure(struct kernel *k, const char *name, const struct kernel_gretap *gretap,
			 unsigned int *ifindex)
{
	const char *kind = gretap->local.family == AF_INET ? "gretap" : "ip6gretap";
	struct object *o = object_find(LINK, name);
	char local[ADDR_TEXT], remote[ADDR_TEXT];
	struct fake_link *link;
	int err;

	*ifindex = 0;
	err = change(k, "gretap %s local %s remote %s key %u", name,
		     addr_format(&gretap->local, local), addr_format(&gretap->remote, remote),
		     gretap->key);
	if (err)
		return err;
	if (addr_none(&gretap->local) || gretap->local.family != gretap->remote.family)
		return refuse(k, -EINVAL);
	if (o && strcmp(o->link.link.kind, kind) != 0)
		return refuse(k, -EEXIST);
	link = o ? &o->link : link_make(name, kind);
	link->gretap = *gretap;
	link->link.mtu = gretap->mtu ? gretap->mtu : 1500;
	link->link.up = true;
	emit_link(link, KERNEL_EVENT_LINK);
	*ifindex = link->link.ifindex;
	return 0;
}

/* ---- routes --------------------------------------------------------------------------------- */

/* The route as the kernel would show it: table and metric are never left open. */
static struct kernel_route route_normal(const struct kernel_route *r)
{
	struct kernel_route n = *r;

	if (!n.table)
		n.table = n.type == KERNEL_ROUTE_LOCAL ? LOCAL : MAIN;
	if (!n.metric && n.dst.addr.family == AF_INET6)
		n.metric = 1024;
	if (!n.oif && n.type == KERNEL_ROUTE_LOCAL)
		n.oif = 1;
	return n;
}

static void route_key(char key[KEY], const struct kernel_route *r)
{
	char text[PREFIX_TEXT];

	snprintf(key, KEY, "%s table %u metric %u", prefix_format(&r->dst, text), r->table,
		 r->metric);
}

/* kernel_route_text() with the interface's name, which outlives its index. */
static const char *route_words(const struct kernel_route *r, char text[VALUE])
{
	struct kernel_route without = *r;
	size_t used;

	without.oif = 0;
	kernel_route_text(&without, text);
	used = strlen(text);
	if (r->oif)
		snprintf(text + used, VALUE - used, " dev %s", link_name(r->oif));
	return text;
}

int kernel_route_replace(struct kernel *k, const struct kernel_route *route)
{
	struct kernel_route r = route_normal(route);
	const struct fake_link *link = link_of(r.oif);
	char key[KEY], text[VALUE];
	int err;

	err = change(k, "route replace %s", route_words(&r, text));
	if (err)
		return err;
	if (r.oif && !link)
		return refuse(k, -ENODEV);
	if (r.oif && !link->link.up)
		return refuse(k, -ENETDOWN);
	if (!addr_none(&r.encap.dst) && (!link || !link->link.external))
		return refuse(k, -EINVAL);
	if (!addr_none(&r.encap.dst) && r.encap.src.family != r.encap.dst.family)
		return refuse(k, -EINVAL);
	r.protocol = KERNEL_PROTOCOL;
	route_key(key, &r);
	object_put(ROUTE, key)->route = r;
	return 0;
}

int kernel_route_delete(struct kernel *k, const struct kernel_route *route)
{
	struct kernel_route r = route_normal(route);
	const struct object *o;
	char key[KEY];
	int err;

	route_key(key, &r);
	err = change(k, "route delete %s", key);
	o = object_find(ROUTE, key);
	if (!err && o && o->route.protocol == KERNEL_PROTOCOL)
		object_remove(o);
	return err;
}

int kernel_route_batch(struct kernel *k, struct kernel_route_change *changes, size_t count)
{
	char error[sizeof(k->error)];
	int first = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		changes[i].error = changes[i].remove ? kernel_route_delete(k, &changes[i].route)
						     : kernel_route_replace(k, &changes[i].route);
		if (changes[i].error && !first) {
			first = changes[i].error;
			memcpy(error, k->error, sizeof(error));
		}
	}
	if (first)
		memcpy(k->error, error, sizeof(error));
	return first;
}

int kernel_route_each(struct kernel *k, kernel_route_fn each, void *arg)
{
	(void)k;
	EACH(ROUTE, route, o->route.protocol == KERNEL_PROTOCOL);
}

void kernel_fake_route(const struct kernel_route *route)
{
	struct kernel_route r = route_normal(route);
	char key[KEY];

	r.protocol = 4;
	route_key(key, &r);
	object_put(ROUTE, key)->route = r;
}

int kernel_route_lookup(struct kernel *k, const struct addr *dst, struct kernel_route *route)
{
	const struct kernel_route *r, *best = NULL;
	char text[ADDR_TEXT];
	size_t i;

	memset(route, 0, sizeof(*route));
	for (i = 0; i < fake.count; i++) {
		r = &fake.objects[i]->route;
		if (fake.objects[i]->kind == ROUTE && r->table == MAIN &&
		    prefix_contains(&r->dst, dst) &&
		    (!best || r->dst.length > best->dst.length ||
		     (r->dst.length == best->dst.length && r->metric < best->metric)))
			best = r;
	}
	if (!best) {
		snprintf(k->error, sizeof(k->error),
			 "route to %s: Network is unreachable (ENETUNREACH)",
			 addr_format(dst, text));
		return -ENETUNREACH;
	}
	*route = *best;
	return 0;
}

/* ---- IPsec ---------------------------------------------------------------------------------- */

static void sa_key(char key[KEY], const struct kernel_sa *sa)
{
	char text[ADDR_TEXT];

	snprintf(key, KEY, "%s spi 0x%08x", addr_format(&sa->dst, text), sa->spi);
}

int kernel_sa_add(struct kernel *k, const struct kernel_sa *sa)
{
	char key[KEY];
	int err;

	sa_key(key, sa);
	err = change(k, "sa add %s", key);
	if (err)
		return err;
	if (sa->spi < 256 || sa->src.family != sa->dst.family)
		return refuse(k, -EINVAL);
	if (object_find(SA, key))
		return refuse(k, -EEXIST);
	object_put(SA, key)->sa = *sa;
	return 0;
}

int kernel_sa_update(struct kernel *k, const struct kernel_sa *sa)
{
	struct object *o;
	char key[KEY];
	int err;

	sa_key(key, sa);
	err = change(k, "sa update %s", key);
	o = object_find(SA, key);
	if (!err && !o)
		err = refuse(k, -ESRCH);
	if (!err)
		o->sa.packet_limit = sa->packet_limit;
	return err;
}

int kernel_sa_delete(struct kernel *k, const struct kernel_sa *sa)
{
	char key[KEY];
	int err;

	sa_key(key, sa);
	err = change(k, "sa delete %s", key);
	if (!err)
		object_remove(object_find(SA, key));
	return err;
}

int kernel_sa_each(struct kernel *k, uint32_t low, uint32_t high, kernel_sa_fn each, void *arg)
{
	(void)k;
	EACH(SA, sa,
	     o->sa.reqid >= low && o->sa.reqid <= high && memset(o->sa.key, 0, sizeof(o->sa.key)));
}

static void policy_key(char key[KEY], const struct kernel_policy *p)
{
	char src[PREFIX_TEXT], dst[PREFIX_TEXT];

	snprintf(key, KEY, "%s src %s dst %s proto %u ports %u-%u",
		 p->direction == KERNEL_IN ? "in" : "out", prefix_format(&p->src, src),
		 prefix_format(&p->dst, dst), p->proto, p->sport, p->dport);
}

static int policy_put(struct kernel *k, const struct kernel_policy *policy, bool update)
{
	char key[KEY];
	int err;

	policy_key(key, policy);
	err = change(k, "policy %s %s%s", update ? "update" : "add", key,
		     policy->block ? " block" : "");
	if (!err && policy->src.addr.family != policy->dst.addr.family)
		err = refuse(k, -EINVAL);
	if (!err && !update && object_find(POLICY, key))
		err = refuse(k, -EEXIST);
	if (!err)
		object_put(POLICY, key)->policy = *policy;
	return err;
}

int kernel_policy_add(struct kernel *k, const struct kernel_policy *policy)
{
	return policy_put(k, policy, false);
}

int kernel_policy_update(struct kernel *k, const struct kernel_policy *policy)
{
	return policy_put(k, policy, true);
}

int kernel_policy_delete(struct kernel *k, const struct kernel_policy *policy)
{
	char key[KEY];
	int err;

	policy_key(key, policy);
	err = change(k, "policy delete %s", key);
	if (!err)
		object_remove(object_find(POLICY, key));
	return err;
}

int kernel_policy_each(struct kernel *k, uint32_t low, uint32_t high, kernel_policy_fn each,
		       void *arg)
{
	(void)k;
	EACH(POLICY, policy, o->policy.reqid >= low && o->policy.reqid <= high);
}

static int policy_flush(const struct kernel_policy *policy, void *arg)
{
	return kernel_policy_delete(arg, policy);
}

static int sa_flush(const struct kernel_sa *sa, void *arg)
{
	return kernel_sa_delete(arg, sa);
}

int kernel_xfrm_flush(struct kernel *k, uint32_t low, uint32_t high)
{
	int err = kernel_policy_each(k, low, high, policy_flush, k);

	return err ? err : kernel_sa_each(k, low, high, sa_flush, k);
}

/* ---- traffic control ------------------------------------------------------------------------ */

int kernel_tc_clsact_ensure(struct kernel *k, unsigned int ifindex)
{
	int err = change(k, "clsact %s", link_name(ifindex));

	if (!err && !link_of(ifindex))
		err = refuse(k, -ENODEV);
	if (!err)
		object_put(CLSACT, link_name(ifindex))->clsact = ifindex;
	return err;
}

int kernel_tc_clsact_delete(struct kernel *k, unsigned int ifindex)
{
	int err = change(k, "clsact delete %s", link_name(ifindex));
	size_t i;

	for (i = fake.count; !err && i-- > 0;)
		if ((fake.objects[i]->kind == CLSACT && fake.objects[i]->clsact == ifindex) ||
		    (fake.objects[i]->kind == FILTER && fake.objects[i]->filter.ifindex == ifindex))
			object_remove(fake.objects[i]);
	return err;
}

static void redirect_key(char key[KEY], uint32_t index)
{
	snprintf(key, KEY, "%u", index);
}

int kernel_tc_redirect_replace(struct kernel *k, const struct kernel_redirect *redirect)
{
	char key[KEY];
	int err;

	redirect_key(key, redirect->index);
	err = change(k, "redirect replace %s dev %s", key, link_name(redirect->ifindex));
	if (!err && !redirect->index)
		err = refuse(k, -EINVAL);
	if (!err && !link_of(redirect->ifindex))
		err = refuse(k, -ENODEV);
	if (!err)
		object_put(REDIRECT, key)->redirect = *redirect;
	return err;
}

int kernel_tc_redirect_delete(struct kernel *k, const struct kernel_redirect *redirect)
{
	char key[KEY];
	size_t i;
	int err;

	redirect_key(key, redirect->index);
	err = change(k, "redirect delete %s", key);
	for (i = 0; !err && i < fake.count; i++)
		if (fake.objects[i]->kind == FILTER &&
		    fake.objects[i]->filter.action == redirect->index)
			err = refuse(k, -EPERM);
	if (!err)
		object_remove(object_find(REDIRECT, key));
	return err;
}

int kernel_tc_redirect_each(struct kernel *k, kernel_redirect_fn each, void *arg)
{
	(void)k;
	EACH(REDIRECT, redirect, true);
}

static void filter_key(char key[KEY], const struct kernel_filter *f)
{
	snprintf(key, KEY, "%s priority %u", link_name(f->ifindex), f->priority);
}

int kernel_tc_filter_replace(struct kernel *k, const struct kernel_filter *filter)
{
	char key[KEY], action[KEY];
	int err;

	filter_key(key, filter);
	redirect_key(action, filter->action);
	err = change(k, "filter replace %s action %s", key, action);
	if (!err && (!filter->action || !filter->priority || !object_find(REDIRECT, action) ||
		     !object_find(CLSACT, link_name(filter->ifindex))))
		err = refuse(k, -EINVAL);
	if (!err)
		object_put(FILTER, key)->filter = *filter;
	return err;
}

int kernel_tc_filter_delete(struct kernel *k, const struct kernel_filter *filter)
{
	char key[KEY];
	int err;

	filter_key(key, filter);
	err = change(k, "filter delete %s", key);
	if (!err)
		object_remove(object_find(FILTER, key));
	return err;
}

int kernel_tc_filter_each(struct kernel *k, unsigned int ifindex, kernel_filter_fn each, void *arg)
{
	(void)k;
	EACH(FILTER, filter, o->filter.ifindex == ifindex);
}

/* ---- sysctl --------------------------------------------------------------------------------- */

static struct sysctl *sysctl_find(const char *path)
{
	struct sysctl *s;

	for (s = fake.sysctls; s && strcmp(s->path, path) != 0; s = s->next)
		;
	return s;
}

const char *kernel_fake_sysctl(const char *path)
{
	const struct sysctl *s = sysctl_find(path);

	return s ? s->value : NULL;
}

static void sysctl_path(char path[KEY], const char *where, const char *interface, const char *name)
{
	snprintf(path, KEY, "%s/%s%s%s", where, interface ? interface : "", interface ? "/" : "",
		 name);
}

int kernel_sysctl_set(struct kernel *k, const char *where, const char *interface, const char *name,
		      const char *value)
{
	struct sysctl *s;
	char path[KEY];
	int err;

	sysctl_path(path, where, interface, name);
	err = change(k, "sysctl %s = %s", path, value);
	if (err)
		return err;
	s = sysctl_find(path);
	if (!s) {
		s = must(calloc(1, sizeof(*s)));
		s->next = fake.sysctls;
		fake.sysctls = s;
		snprintf(s->path, sizeof(s->path), "%s", path);
	}
	snprintf(s->value, sizeof(s->value), "%s", value);
	return 0;
}

int kernel_sysctl_get(struct kernel *k, const char *where, const char *interface, const char *name,
		      char *value, size_t size)
{
	const struct sysctl *s;
	char path[KEY];

	sysctl_path(path, where, interface, name);
	s = sysctl_find(path);
	if (!s || strlen(s->value) >= size) {
		snprintf(k->error, sizeof(k->error), "sysctl %s: %s", path,
			 s ? "Numerical result out of range (ERANGE)"
			   : "No such file or directory (ENOENT)");
		return s ? -ERANGE : -ENOENT;
	}
	snprintf(value, size, "%s", s->value);
	return 0;
}

/* ---- dump ----------------------------------------------------------------------------------- */

static void dump_link(FILE *out, const struct fake_link *f)
{
	char mac[LLADDR_TEXT], local[ADDR_TEXT], remote[ADDR_TEXT];
	const struct kernel_link *l = &f->link;

	fprintf(out, " %s mtu %u mac %s", l->up ? "up" : "down", l->mtu,
		lladdr_format(&l->mac, mac));
	if (l->kind[0])
		fprintf(out, " kind %s", l->kind);
	if (l->external)
		fprintf(out, " external");
	if (l->promiscuous)
		fprintf(out, " promisc");
	if (strcmp(l->kind, "bridge") == 0)
		fprintf(out, " ageing %u snooping %d stp %d", f->bridge.ageing,
			f->bridge.mcast_snooping, f->bridge.stp);
	if (!addr_none(&f->gretap.local))
		fprintf(out, " local %s remote %s key %u", addr_format(&f->gretap.local, local),
			addr_format(&f->gretap.remote, remote), f->gretap.key);
	if (l->master)
		fprintf(out, " master %s isolated %d learning %d flood %d mcast %d bcast %d nd %d",
			link_name(l->master), f->port.isolated, f->port.learning, f->port.flood,
			f->port.mcast_flood, f->port.bcast_flood, f->port.neigh_suppress);
}

static void dump_value(FILE *out, const struct object *o)
{
	char text[VALUE], src[ADDR_TEXT], dst[ADDR_TEXT];

	switch (o->kind) {
	case LINK:
		dump_link(out, &o->link);
		break;
	case ADDRESS:
		fprintf(out, "%s", o->address.nodad ? " nodad" : "");
		break;
	case NEIGHBOUR:
		fprintf(out, " lladdr %s", lladdr_format(&o->neighbour.mac, text));
		break;
	case FDB:
		fprintf(out, " port %s", link_name(o->fdb.port));
		break;
	case ROUTE:
		fprintf(out, ": %s%s", route_words(&o->route, text),
			o->route.protocol == KERNEL_PROTOCOL ? "" : " foreign");
		break;
	case SA:
		fprintf(out, " src %s reqid %u window %u%s limit %llu",
			addr_format(&o->sa.src, src), o->sa.reqid, o->sa.replay_window,
			o->sa.esn ? " esn" : "", (unsigned long long)o->sa.packet_limit);
		break;
	case POLICY:
		fprintf(out, " priority %u reqid %u %s %s %s", o->policy.priority, o->policy.reqid,
			o->policy.block ? "block" : "tunnel",
			addr_format(&o->policy.tunnel_src, src),
			addr_format(&o->policy.tunnel_dst, dst));
		break;
	case REDIRECT:
		fprintf(out, " dev %s", link_name(o->redirect.ifindex));
		break;
	case FILTER:
		fprintf(out, " action %u", o->filter.action);
		break;
	case RULE:
	case CLSACT:
		break;
	}
}

static char *object_line(const struct object *o)
{
	char *line = NULL;
	size_t size;
	FILE *out = must(open_memstream(&line, &size));

	fprintf(out, "%s %s", kind_names[o->kind], o->key);
	dump_value(out, o);
	fprintf(out, "\n");
	fclose(out);
	return must(line);
}

static int line_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

const char *kernel_fake_dump(void)
{
	char **lines = must(calloc(fake.count + 1, sizeof(char *))), **text;
	size_t size, i;
	FILE *out;

	fake.dump_turn = !fake.dump_turn;
	text = &fake.dumps[fake.dump_turn];
	free(*text);
	*text = NULL;
	out = must(open_memstream(text, &size));
	for (i = 0; i < fake.count; i++)
		lines[i] = object_line(fake.objects[i]);
	qsort(lines, fake.count, sizeof(char *), line_compare);
	for (i = 0; i < fake.count; i++) {
		fputs(lines[i], out);
		free(lines[i]);
	}
	free(lines);
	fclose(out);
	return *text;
}

unsigned int kernel_fake_count(const char *text)
{
	unsigned int found = 0;
	char *line;
	size_t i;

	for (i = 0; i < fake.count; i++) {
		line = object_line(fake.objects[i]);
		found += strstr(line, text) != NULL;
		free(line);
	}
	return found;
}
