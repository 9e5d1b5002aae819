/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guard's program and maps in the kernel, by libbpf, which only the gate uses as well.
 *
 * Nothing is pinned: a filter holds its program, and a program its maps, so what an earlier daemon
 * has left is found by way of the filters on its devices. Where an update of many is more than a
 * kernel can, they are made one by one.
 */
#include "guard_layout.h"
#include "kernel_guard_internal.h"
#include "kernel_tc.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ADDRESSES_EACH 3   /* of a terminal: IPv4, IPv6, delegated prefix */
#define MAPS_MAX       8   /* of a program of another release, with some to spare */
#define NOT_SUPPORTED  524 /* the kernel's ENOTSUPP, which libc does not know */
#define BITS_MAPPED    96  /* before an IPv4 address in an IPv6 one */

enum { MAP_ADDRESSES, MAP_TERMINALS, MAP_COMMON, MAPS };

static const char *const map_names[MAPS] = {"addresses", "terminals", "common"};

struct kernel_guard {
	struct kernel *kernel;
	struct bpf_object *object;
	int maps[MAPS];
	uint32_t room;
	struct guard_terminal *terminals;
	size_t terminals_size;
	struct guard_common *common;
	size_t common_size;
};

/* Why libbpf gave up, in its words, for kernel_error(): it has no other way to tell. */
static char said[KERNEL_REASON];

static int note(enum libbpf_print_level level, const char *format, va_list arguments)
{
	if (level == LIBBPF_WARN && !*said) {
		vsnprintf(said, sizeof(said), format, arguments);
		said[strcspn(said, "\n")] = '\0';
	}
	return 0;
}

void kernel_guard_listen(void)
{
	said[0] = '\0';
	libbpf_set_print(note);
}

int kernel_guard_refuse(struct kernel *k, int err, const char *what)
{
	if (err == -NOT_SUPPORTED || err == -ENOSYS)
		err = -EOPNOTSUPP;
	return *said ? kernel_refuse(k, err, said, "%s", what) : kernel_fail(k, err, "%s", what);
}

/* ---- what an earlier guard has left ---------------------------------------------------------- */

struct earlier {
	int maps[MAPS];
	uint32_t room;
};

static void earlier_close(struct earlier *e)
{
	for (int i = 0; i < MAPS; i++)
		if (e->maps[i] >= 0)
			close(e->maps[i]);
	for (int i = 0; i < MAPS; i++)
		e->maps[i] = -1;
}

/* Keeps one of its maps, if it is one that the program wants. */
static void earlier_map(struct earlier *e, uint32_t id)
{
	static const uint32_t key_sizes[MAPS] = {sizeof(struct guard_address), sizeof(uint32_t),
						 sizeof(uint32_t)};
	static const uint32_t value_sizes[MAPS] = {sizeof(uint32_t), sizeof(struct guard_terminal),
						   sizeof(struct guard_common)};
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);
	int fd = bpf_map_get_fd_by_id(id);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) < 0)
		info.name[0] = '\0';
	for (int i = 0; i < MAPS && fd >= 0; i++)
		if (!strcmp(info.name, map_names[i]) && info.key_size == key_sizes[i] &&
		    info.value_size == value_sizes[i] && e->maps[i] < 0) {
			e->maps[i] = fd;
			if (i == MAP_TERMINALS)
				e->room = info.max_entries;
			return;
		}
	if (fd >= 0)
		close(fd);
}

static bool earlier_whole(const struct earlier *e)
{
	struct guard_common common;
	uint32_t zero = 0;

	for (int i = 0; i < MAPS; i++)
		if (e->maps[i] < 0)
			return false;
	return bpf_map_lookup_elem(e->maps[MAP_COMMON], &zero, &common) == 0 &&
	       common.version == GUARD_VERSION;
}

/* The maps of the guard on this device. */
static bool earlier_find(struct kernel *k, unsigned int ifindex, struct earlier *e)
{
	uint32_t ids[MAPS_MAX];
	struct bpf_prog_info info = {.nr_map_ids = MAPS_MAX, .map_ids = (uintptr_t)ids};
	uint32_t size = sizeof(info), id = kernel_guard_filter_program(k, ifindex, true);
	int fd = id ? bpf_prog_get_fd_by_id(id) : -1;

	if (fd < 0)
		return false;
	if (bpf_obj_get_info_by_fd(fd, &info, &size) == 0)
		for (uint32_t i = 0; i < info.nr_map_ids && i < MAPS_MAX; i++)
			earlier_map(e, ids[i]);
	close(fd);
	if (earlier_whole(e))
		return true;
	earlier_close(e);
	return false;
}

/* ---- opening --------------------------------------------------------------------------------- */

static size_t page_round(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (size + page - 1) / page * page;
}

static void *map_memory(int fd, size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	/* cppcheck-suppress memleak; it is the caller's */
	return memory == MAP_FAILED ? NULL : memory;
}

/* Maps that have room enough are taken on as they are. */
static int take_on(struct kernel_guard *g, const struct earlier *e)
{
	for (int i = 0; i < MAPS; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(g->object, map_names[i]);
		/* cppcheck-suppress nullPointerRedundantCheck; not called without earlier maps */
		int result = bpf_map__reuse_fd(map, e->maps[i]);

		if (result < 0)
			return result;
	}
	return 0;
}

static int size_maps(struct kernel_guard *g, uint32_t terminals)
{
	struct bpf_map *addresses =
		bpf_object__find_map_by_name(g->object, map_names[MAP_ADDRESSES]);
	struct bpf_map *records = bpf_object__find_map_by_name(g->object, map_names[MAP_TERMINALS]);
	int result = bpf_map__set_max_entries(addresses, terminals * ADDRESSES_EACH);

	return result < 0 ? result : bpf_map__set_max_entries(records, terminals);
}

static int load(struct kernel_guard *g)
{
	int result = bpf_object__load(g->object);

	for (int i = 0; i < MAPS && result == 0; i++)
		g->maps[i] = bpf_object__find_map_fd_by_name(g->object, map_names[i]);
	if (result < 0)
		return result;
	g->room = bpf_map__max_entries(
		bpf_object__find_map_by_name(g->object, map_names[MAP_TERMINALS]));
	g->terminals_size = page_round(g->room * sizeof(*g->terminals));
	g->common_size = page_round(sizeof(*g->common));
	g->terminals = map_memory(g->maps[MAP_TERMINALS], g->terminals_size);
	g->common = map_memory(g->maps[MAP_COMMON], g->common_size);
	return g->terminals && g->common ? 0 : -errno;
}

/* The contents of maps that were too small. What changes meanwhile are counters. */
static int copy_from(struct kernel_guard *g, const struct earlier *e)
{
	struct guard_address key, next;
	const void *before = NULL;
	uint32_t zero = 0, slot;
	int result = bpf_map_lookup_elem(e->maps[MAP_COMMON], &zero, g->common);

	for (uint32_t i = 0; i < e->room && result == 0; i++)
		result = bpf_map_lookup_elem(e->maps[MAP_TERMINALS], &i, &g->terminals[i]);
	while (result == 0 && bpf_map_get_next_key(e->maps[MAP_ADDRESSES], before, &next) == 0) {
		key = next;
		before = &key;
		result = bpf_map_lookup_elem(e->maps[MAP_ADDRESSES], &key, &slot);
		if (result == 0)
			result = bpf_map_update_elem(g->maps[MAP_ADDRESSES], &key, &slot, BPF_ANY);
	}
	return result;
}

static int open_guard(struct kernel_guard *g, const struct kernel_guard_options *options,
		      const struct earlier *e)
{
	LIBBPF_OPTS(bpf_object_open_opts, open, .object_name = "sno_guard");
	bool enough = e && e->room >= options->terminals;
	int result;

	g->object = bpf_object__open_mem(options->program, options->size, &open);
	if (!g->object)
		return -errno;
	result = enough ? take_on(g, e) : size_maps(g, options->terminals);
	if (result == 0)
		result = load(g);
	if (result == 0 && e && !enough)
		result = copy_from(g, e);
	if (result == 0)
		g->common->version = GUARD_VERSION;
	return result;
}

int kernel_guard_open(struct kernel *k, const struct kernel_guard_options *options,
		      struct kernel_guard **guard, bool *taken_on)
{
	struct kernel_guard *g = calloc(1, sizeof(*g));
	struct earlier e = {.maps = {-1, -1, -1}};
	int result;

	*guard = NULL;
	*taken_on = false;
	if (!g)
		return kernel_fail(k, -ENOMEM, "guard");
	g->kernel = k;
	kernel_guard_listen();
	for (size_t i = 0; i < options->device_count && !*taken_on; i++)
		*taken_on = options->devices[i] && earlier_find(k, options->devices[i], &e);
	result = open_guard(g, options, *taken_on ? &e : NULL);
	earlier_close(&e);
	if (result < 0) {
		kernel_guard_close(g);
		return kernel_guard_refuse(k, result, "guard: program");
	}
	*guard = g;
	return 0;
}

void kernel_guard_close(struct kernel_guard *g)
{
	if (!g)
		return;
	if (g->terminals)
		munmap(g->terminals, g->terminals_size);
	if (g->common)
		munmap(g->common, g->common_size);
	bpf_object__close(g->object);
	free(g);
}

/* ---- devices --------------------------------------------------------------------------------- */

static int attach(struct kernel_guard *g, unsigned int ifindex, bool ingress, const char *name)
{
	const struct bpf_program *program = bpf_object__find_program_by_name(g->object, name);

	return kernel_guard_filter_set(g->kernel, ifindex, ingress, bpf_program__fd(program));
}

int kernel_guard_attach(struct kernel_guard *g, unsigned int ifindex, enum kernel_guard_place place)
{
	/* What a device receives, and what it is given to send. */
	static const struct {
		const char *in, *out;
	} programs[] = {
		[KERNEL_GUARD_ACCESS] = {"sno_access", "sno_delivered"},
		[KERNEL_GUARD_TUNNEL] = {"sno_tunnel", "sno_sent"},
		[KERNEL_GUARD_HOLD] = {NULL, "sno_held"},
	};
	int result = kernel_tc_clsact_ensure(g->kernel, ifindex);

	if (result == 0 && programs[place].in)
		result = attach(g, ifindex, true, programs[place].in);
	if (result == 0)
		result = attach(g, ifindex, false, programs[place].out);
	return result;
}

uint32_t kernel_guard_room(const struct kernel_guard *g)
{
	return g->room;
}

struct guard_terminal *kernel_guard_terminals(const struct kernel_guard *g)
{
	return g->terminals;
}

struct guard_common *kernel_guard_common(const struct kernel_guard *g)
{
	return g->common;
}

/* ---- addresses ------------------------------------------------------------------------------- */

static struct guard_address key_of(const struct prefix *prefix)
{
	struct guard_address key = {.length = prefix->length};

	if (prefix->addr.family == AF_INET6) {
		memcpy(key.addr, prefix->addr.bytes, sizeof(key.addr));
		return key;
	}
	key.length += BITS_MAPPED;
	key.addr[10] = key.addr[11] = 0xff;
	memcpy(key.addr + 12, prefix->addr.bytes, 4);
	return key;
}

static struct prefix prefix_of_key(const struct guard_address *key)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	struct prefix prefix = {.addr = {.family = AF_INET6}, .length = (uint8_t)key->length};

	if (key->length < BITS_MAPPED || memcmp(key->addr, mapped, sizeof(mapped)) != 0) {
		memcpy(prefix.addr.bytes, key->addr, sizeof(key->addr));
		return prefix;
	}
	prefix.addr.family = AF_INET;
	prefix.length = (uint8_t)(key->length - BITS_MAPPED);
	memcpy(prefix.addr.bytes, key->addr + 12, 4);
	return prefix;
}

static int change_one(const struct kernel_guard *g, const struct kernel_guard_address *a,
		      bool remove)
{
	struct guard_address key = key_of(&a->prefix);
	int result =
		remove ? bpf_map_delete_elem(g->maps[MAP_ADDRESSES], &key)
		       : bpf_map_update_elem(g->maps[MAP_ADDRESSES], &key, &a->terminal, BPF_ANY);

	return remove && result == -ENOENT ? 0 : result;
}

/* One by one from the first that the kernel has not done; *done counts those that it has. */
static int change_each(const struct kernel_guard *g, const struct kernel_guard_address *list,
		       size_t count, bool remove, size_t *done)
{
	int result = 0;

	while (*done < count && result == 0) {
		result = change_one(g, &list[*done], remove);
		*done += result == 0;
	}
	return result;
}

/* All at once; what the kernel has not got to is left for change_each(). */
static void change_together(const struct kernel_guard *g, const struct kernel_guard_address *list,
			    size_t count, bool remove, size_t *done)
{
	struct guard_address *keys = calloc(count, sizeof(*keys));
	uint32_t *values = calloc(count, sizeof(*values)), n = (uint32_t)count;
	int result = -ENOMEM;

	for (size_t i = 0; i < count && keys && values; i++) {
		keys[i] = key_of(&list[i].prefix);
		values[i] = list[i].terminal;
	}
	if (keys && values)
		result = remove ? bpf_map_delete_batch(g->maps[MAP_ADDRESSES], keys, &n, NULL)
				: bpf_map_update_batch(g->maps[MAP_ADDRESSES], keys, values, &n,
						       NULL);
	if (result == 0)
		*done = count;
	/* A kernel that knows no batches has left the number alone. */
	else if (result != -NOT_SUPPORTED && result != -EINVAL && result != -ENOMEM && n < count)
		*done = n;
	free(keys);
	free(values);
}

static int change(struct kernel_guard *g, const struct kernel_guard_address *list, size_t count,
		  bool remove)
{
	size_t done = 0;
	int result;

	if (count > 1)
		change_together(g, list, count, remove, &done);
	result = change_each(g, list, count, remove, &done);
	/* All or none. What was another terminal's before is nobody's then, and not let through. */
	for (size_t i = 0; i < done && result < 0 && !remove; i++)
		change_one(g, &list[i], true);
	if (result == -ENOSPC)
		return kernel_refuse(g->kernel, result, "the table is full", "guard: addresses");
	return kernel_fail(g->kernel, result, "guard: addresses");
}

int kernel_guard_address_set(struct kernel_guard *g, const struct kernel_guard_address *list,
			     size_t count)
{
	return change(g, list, count, false);
}

int kernel_guard_address_remove(struct kernel_guard *g, const struct kernel_guard_address *list,
				size_t count)
{
	return change(g, list, count, true);
}

/* All of them as they are now, in memory that is the caller's. Their number, or -ENOMEM. */
static ssize_t list_addresses(const struct kernel_guard *g, struct kernel_guard_address **list)
{
	struct guard_address key, next;
	const void *before = NULL;
	size_t count = 0, room = 0;

	for (*list = NULL; bpf_map_get_next_key(g->maps[MAP_ADDRESSES], before, &next) == 0;) {
		if (count == room) {
			struct kernel_guard_address *more;

			room = room ? 2 * room : 64;
			more = realloc(*list, room * sizeof(**list));
			if (!more)
				return -ENOMEM;
			*list = more;
		}
		key = next;
		before = &key;
		(*list)[count].prefix = prefix_of_key(&key);
		if (bpf_map_lookup_elem(g->maps[MAP_ADDRESSES], &key, &(*list)[count].terminal) ==
		    0)
			count++;
	}
	return (ssize_t)count;
}

int kernel_guard_address_each(struct kernel_guard *g, kernel_guard_address_fn each, void *arg)
{
	struct kernel_guard_address *list;
	ssize_t count = list_addresses(g, &list);
	int result = kernel_fail(g->kernel, count < 0 ? (int)count : 0, "guard: addresses");

	for (ssize_t i = 0; i < count && result == 0; i++)
		result = each(&list[i], arg);
	free(list);
	return result;
}
