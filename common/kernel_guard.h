/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guard in the kernel (kernel_guard.c, kernel_guard_filter.c): a program of ours which decides
 * packet by packet what devices may receive, with its maps (guard_layout.h).
 *
 * Filters on the devices keep both alive: what there is outlives the daemon, and the next one takes
 * it on. Opening it needs CAP_BPF and CAP_PERFMON (the program has loops over memory) beside
 * CAP_NET_ADMIN, and to take on what an earlier one left CAP_SYS_ADMIN; changes need CAP_BPF. What
 * holds for all of kernel.h holds here.
 */
#ifndef SNO_KERNEL_GUARD_H
#define SNO_KERNEL_GUARD_H

#include "kernel.h"

struct kernel_guard;
struct guard_common;
struct guard_terminal;

enum kernel_guard_place {
	KERNEL_GUARD_ACCESS, /* an Ethernet device on which terminals are */
	KERNEL_GUARD_TUNNEL, /* a collect-metadata device */
	KERNEL_GUARD_HOLD,   /* the hold's device, of which only the way in is of interest */
};

struct kernel_guard_options {
	const void *program; /* an ELF object of the bpf machine */
	size_t size;
	uint32_t terminals;	     /* room for so many at least */
	const unsigned int *devices; /* that may have filters of an earlier guard; 0: none */
	size_t device_count;
};

/*
 * Loads the program, with the maps of the first of the devices whose filter has such as the program
 * wants; their contents are copied where they have too little room. *taken_on tells whether there
 * were any. -EOPNOTSUPP when this kernel has no such programs.
 */
int kernel_guard_open(struct kernel *k, const struct kernel_guard_options *options,
		      struct kernel_guard **guard, bool *taken_on);
/* The kernel keeps what filters refer to. */
void kernel_guard_close(struct kernel_guard *guard);

/* Gives the device the filters of its place, or exchanges them atomically for those of this guard.
 */
int kernel_guard_attach(struct kernel_guard *guard, unsigned int ifindex,
			enum kernel_guard_place place);
/* Removes our filters from a device. */
int kernel_guard_detach(struct kernel *k, unsigned int ifindex);

/* The kernel's own memory, shared: kernel_guard_room() terminals, and what there is one of. */
uint32_t kernel_guard_room(const struct kernel_guard *guard);
struct guard_terminal *kernel_guard_terminals(const struct kernel_guard *guard);
struct guard_common *kernel_guard_common(const struct kernel_guard *guard);

/* Whose address it is; the longest prefix decides. */
struct kernel_guard_address {
	struct prefix prefix;
	uint32_t terminal; /* index of its record */
};

typedef int (*kernel_guard_address_fn)(const struct kernel_guard_address *address, void *arg);

/* Adds or changes all of them with one system call (Linux 5.18, otherwise one each), or none.
 * -ENOSPC when the table is full. */
int kernel_guard_address_set(struct kernel_guard *guard, const struct kernel_guard_address *list,
			     size_t count);
int kernel_guard_address_remove(struct kernel_guard *guard, const struct kernel_guard_address *list,
				size_t count);
int kernel_guard_address_each(struct kernel_guard *guard, kernel_guard_address_fn each, void *arg);

#endif
