/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel in memory: records, the log of changes, failures on demand. See kernel_fake.h.
 *
 * What the real kernel does by itself is done in the other kernel_fake_*.c files, as far as a
 * daemon can notice: routes need a link that is up, a link that goes down loses its routes and
 * neighbours, one that is removed loses everything.
 */
#define _GNU_SOURCE /* strerrorname_np, vasprintf */
#include "kernel_fake_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fake fake; /* the one that is entered */
static struct fake others[KERNEL_FAKES];
static unsigned int entered;

void kernel_fake_enter(unsigned int number)
{
	others[entered] = fake;
	entered = number;
	fake = others[number];
}

/* ---- records -------------------------------------------------------------------------------- */

void *fake_must(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

struct fake_object *fake_find(enum fake_kind kind, const char *key)
{
	size_t i;

	for (i = 0; i < fake.count; i++)
		if (fake.objects[i]->kind == kind && strcmp(fake.objects[i]->key, key) == 0)
			return fake.objects[i];
	return NULL;
}

/* The record of this key, made when missing. */
struct fake_object *fake_put(enum fake_kind kind, const char *key)
{
	struct fake_object *o = fake_find(kind, key);

	if (o)
		return o;
	o = fake_must(calloc(1, sizeof(*o)));
	o->kind = kind;
	snprintf(o->key, sizeof(o->key), "%s", key);
	fake.objects =
		fake_must(realloc(fake.objects, (fake.count + 1) * sizeof(struct fake_object *)));
	fake.objects[fake.count++] = o;
	return o;
}

void fake_remove(const struct fake_object *o)
{
	size_t i;

	for (i = 0; i < fake.count; i++) {
		if (fake.objects[i] != o)
			continue;
		if (o->kind == FAKE_LINK && o->link.tun)
			close(o->link.tun_end);
		free(fake.objects[i]);
		memmove(fake.objects + i, fake.objects + i + 1,
			(fake.count - i - 1) * sizeof(struct fake_object *));
		fake.count--;
		return;
	}
}

/* Every record of a kind, copied, so that callbacks may change the tables. NULL-terminated. */
struct fake_object *fake_copy(enum fake_kind kind, size_t *count)
{
	struct fake_object *copy = fake_must(calloc(fake.count + 1, sizeof(*copy)));
	size_t i;

	for (i = *count = 0; i < fake.count; i++)
		if (fake.objects[i]->kind == kind)
			copy[(*count)++] = *fake.objects[i];
	return copy;
}

struct fake_link *fake_link_of(unsigned int ifindex)
{
	size_t i;

	for (i = 0; ifindex && i < fake.count; i++)
		if (fake.objects[i]->kind == FAKE_LINK &&
		    fake.objects[i]->link.link.ifindex == ifindex)
			return &fake.objects[i]->link;
	return NULL;
}

const char *fake_link_name(unsigned int ifindex)
{
	const struct fake_link *link = fake_link_of(ifindex);

	return link ? link->link.name : ifindex ? "gone" : "none";
}

struct kernel_link fake_link_seen(const struct fake_link *link)
{
	struct kernel_link seen = link->link;

	seen.carrier = seen.up && link->carrier;
	return seen;
}

/* ---- changes: log and failure --------------------------------------------------------------- */

int fake_refuse(struct kernel *k, int err)
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
int fake_change(struct kernel *k, const char *format, ...)
{
	va_list args;
	char *line;

	va_start(args, format);
	if (vasprintf(&line, format, args) < 0)
		abort();
	va_end(args);
	fake.log = fake_must(realloc(fake.log, (fake.calls + 1) * sizeof(char *)));
	fake.log[fake.calls++] = line;
	if (fake.meet && strncmp(line, fake.meet_start, strlen(fake.meet_start)) == 0)
		fake.meet(fake.meet_arg);
	if (fake.fail_at && --fake.fail_at == 0) {
		fake.failed = true;
		return fake_refuse(k, fake.fail_error);
	}
	if (fake.fail_start[0] && strncmp(line, fake.fail_start, strlen(fake.fail_start)) == 0) {
		fake.failed = true;
		return fake_refuse(k, fake.fail_start_error);
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

void kernel_fake_meet(const char *start, void (*meet)(void *arg), void *arg)
{
	snprintf(fake.meet_start, sizeof(fake.meet_start), "%s", start ? start : "");
	fake.meet = meet;
	fake.meet_arg = arg;
}

unsigned int kernel_fake_calls(void)
{
	return (unsigned int)fake.calls;
}

void kernel_fake_log_clear(void)
{
	while (fake.calls)
		free(fake.log[--fake.calls]);
	fake.batches = 0;
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
	out = fake_must(open_memstream(&fake.log_text, &size));
	for (i = 0; i < fake.calls; i++)
		fprintf(out, "%s\n", fake.log[i]);
	fclose(out);
	return fake.log_text;
}

/* ---- batches -------------------------------------------------------------------------------- */

static int change_alone(struct kernel *k, const struct kernel_change *c)
{
	switch (c->kind) {
	case KERNEL_CHANGE_ROUTE:
		return c->remove ? kernel_route_delete(k, &c->route)
				 : kernel_route_replace(k, &c->route);
	case KERNEL_CHANGE_NEIGHBOUR:
		return c->remove ? kernel_neighbour_delete(k, &c->neighbour)
				 : kernel_neighbour_replace(k, &c->neighbour);
	case KERNEL_CHANGE_FDB:
		return c->remove ? kernel_fdb_delete(k, &c->fdb) : kernel_fdb_replace(k, &c->fdb);
	}
	return -EINVAL;
}

int kernel_batch(struct kernel *k, struct kernel_change *changes, size_t count)
{
	const struct kernel_change *failed = NULL;

	fake.batches += count > 0;
	for (size_t i = 0; i < count; i++) {
		struct kernel_change *c = &changes[i];

		c->error = change_alone(k, c);
		snprintf(c->reason, sizeof(c->reason), "%.*s", KERNEL_REASON - 1,
			 c->error ? k->error : "");
		if (c->error && !failed)
			failed = c;
	}
	if (failed)
		kernel_change_error(k, failed);
	return failed ? failed->error : 0;
}

const char *kernel_change_error(struct kernel *k, const struct kernel_change *change)
{
	snprintf(k->error, sizeof(k->error), "%s", change->reason);
	return k->error;
}

unsigned int kernel_fake_batches(void)
{
	return fake.batches;
}

/* ---- context -------------------------------------------------------------------------------- */

int kernel_open(struct kernel **k)
{
	*k = fake_must(calloc(1, sizeof(**k)));
	fake.open++;
	if (!fake_link_of(1))
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
	struct fake_sysctl *s;
	struct fake_object *lo;

	while (fake.count)
		fake_remove(fake.objects[0]);
	free(fake.objects);
	fake_guard_reset();
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
	fake.without_esp = false;
	kernel_fake_fail_at(0, 0);
	kernel_fake_fail_on(NULL, 0);
	kernel_fake_meet(NULL, NULL, NULL);
	fake.last_ifindex = 0;
	kernel_fake_link("lo", NULL);
	lo = fake_find(FAKE_LINK, "lo");
	lo->link.link.loopback = lo->link.link.up = true;
	lo->link.link.mtu = 65536;
	memset(&lo->link.link.mac, 0, sizeof(lo->link.link.mac));
}
