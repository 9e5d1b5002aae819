/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guard of the kernel in memory: its filters and addresses are objects like others, its shared
 * memory is the process's. As in a real kernel all of it outlives the daemon that opened it, for
 * the next one to take on.
 */
#include "guard_layout.h"
#include "kernel_fake_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ADDRESSES_EACH 3

struct kernel_guard {
	struct kernel *kernel;
};

static struct {
	struct guard_terminal *terminals;
	uint32_t room;
	struct guard_common common;
} memory;

const char *const fake_guard_places[] = {
	[KERNEL_GUARD_ACCESS] = "access",
	[KERNEL_GUARD_TUNNEL] = "tunnel",
	[KERNEL_GUARD_HOLD] = "hold",
};

void fake_guard_reset(void)
{
	free(memory.terminals);
	memset(&memory, 0, sizeof(memory));
}

int kernel_guard_open(struct kernel *k, const struct kernel_guard_options *options,
		      struct kernel_guard **guard, bool *taken_on)
{
	int err = fake_change(k, "guard open");

	*taken_on = memory.terminals && options->device_count > 0;
	*guard = NULL;
	if (err)
		return err;
	if (!memory.terminals) {
		memory.terminals = fake_must(calloc(options->terminals, sizeof(*memory.terminals)));
		memory.room = options->terminals;
		memory.common.version = GUARD_VERSION;
	}
	*guard = fake_must(calloc(1, sizeof(**guard)));
	(*guard)->kernel = k;
	return 0;
}

void kernel_guard_close(struct kernel_guard *guard)
{
	free(guard);
}

static const char *filter_key(unsigned int ifindex)
{
	return fake_link_name(ifindex);
}

int kernel_guard_attach(struct kernel_guard *guard, unsigned int ifindex,
			enum kernel_guard_place place)
{
	int err = fake_change(guard->kernel, "guard attach %s %s", filter_key(ifindex),
			      fake_guard_places[place]);
	struct fake_object *o;

	if (!err && !fake_link_of(ifindex))
		err = fake_refuse(guard->kernel, -ENODEV);
	if (err)
		return err;
	o = fake_put(FAKE_GUARD, filter_key(ifindex));
	o->guard.ifindex = ifindex;
	o->guard.place = place;
	return 0;
}

int kernel_guard_detach(struct kernel *k, unsigned int ifindex)
{
	const struct fake_object *there = fake_find(FAKE_GUARD, filter_key(ifindex));
	int err = there ? fake_change(k, "guard detach %s", filter_key(ifindex)) : 0;

	if (!err)
		fake_remove(there);
	return err;
}

uint32_t kernel_guard_room(const struct kernel_guard *guard)
{
	(void)guard;
	return memory.room;
}

struct guard_terminal *kernel_guard_terminals(const struct kernel_guard *guard)
{
	(void)guard;
	return memory.terminals;
}

struct guard_common *kernel_guard_common(const struct kernel_guard *guard)
{
	(void)guard;
	return &memory.common;
}

static const char *address_key(const struct kernel_guard_address *a)
{
	static char text[PREFIX_TEXT];

	return prefix_format(&a->prefix, text);
}

int kernel_guard_address_set(struct kernel_guard *guard, const struct kernel_guard_address *list,
			     size_t count)
{
	int err = fake_change(guard->kernel, "guard address set %s and %zu more",
			      address_key(&list[0]), count - 1);
	unsigned int there = 0;

	for (size_t i = 0; i < fake.count; i++)
		there += fake.objects[i]->kind == FAKE_GUARD_ADDRESS;
	if (!err && there + count > (size_t)memory.room * ADDRESSES_EACH)
		err = fake_refuse(guard->kernel, -ENOSPC);
	for (size_t i = 0; !err && i < count; i++)
		fake_put(FAKE_GUARD_ADDRESS, address_key(&list[i]))->guarded = list[i];
	return err;
}

int kernel_guard_address_remove(struct kernel_guard *guard, const struct kernel_guard_address *list,
				size_t count)
{
	int err = fake_change(guard->kernel, "guard address remove %s and %zu more",
			      address_key(&list[0]), count - 1);

	for (size_t i = 0; !err && i < count; i++)
		fake_remove(fake_find(FAKE_GUARD_ADDRESS, address_key(&list[i])));
	return err;
}

int kernel_guard_address_each(struct kernel_guard *guard, kernel_guard_address_fn each, void *arg)
{
	(void)guard;
	FAKE_EACH(FAKE_GUARD_ADDRESS, guarded, true);
}

struct guard_terminal *kernel_fake_guarded(const char *prefix)
{
	const struct fake_object *o = fake_find(FAKE_GUARD_ADDRESS, prefix);

	return o ? &memory.terminals[o->guarded.terminal] : NULL;
}

const struct guard_peer *kernel_fake_guard_peer(uint32_t index)
{
	return index < GUARD_PEERS ? &memory.common.peers[index] : NULL;
}
