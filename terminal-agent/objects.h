/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists of kernel objects, and the change from one list to another as a transaction.
 *
 * An object has a key, by which the kernel replaces and deletes it, and a value. The change puts in
 * place what is new or different, in the order of the new list, and then removes what is left over,
 * in the reverse order of the old list; so an object may rely on those before it. When the kernel
 * refuses, what was done is undone in reverse, with the old values.
 */
#ifndef SNO_TERMINAL_OBJECTS_H
#define SNO_TERMINAL_OBJECTS_H

#include "kernel.h"

enum object_kind { OBJECT_ADDRESS, OBJECT_NEIGHBOUR, OBJECT_ROUTE, OBJECT_RULE };

struct object {
	enum object_kind kind;
	bool lost; /* the kernel has it no more, or somebody has changed it */
	bool seen; /* during a resynchronisation */
	union {
		struct kernel_address address;
		struct kernel_neighbour neighbour;
		struct kernel_route route;
		struct kernel_rule rule;
	};
};

struct objects {
	struct object *list;
	size_t count, capacity;
};

/* Appends one; 0 or -ENOMEM. What object refers to is copied. */
int objects_add(struct objects *o, const struct object *object);
int objects_add_address(struct objects *o, const struct kernel_address *address);
int objects_add_neighbour(struct objects *o, const struct kernel_neighbour *neighbour);
int objects_add_route(struct objects *o, const struct kernel_route *route);
int objects_add_rule(struct objects *o, const struct kernel_rule *rule);
void objects_free(struct objects *o);

/* The object with the key of this one; NULL when there is none. */
struct object *objects_find(const struct objects *o, const struct object *like);
/* Key and value are the same. */
bool object_equal(const struct object *a, const struct object *b);

/*
 * Makes the kernel hold wanted in place of current. 0: current is now wanted, together with what
 * could not be removed (logged), and wanted is empty. -errno, logged: kernel and current are as
 * before, and wanted too.
 */
int objects_change(struct kernel *kernel, struct objects *current, struct objects *wanted);

/* Collects what carries our protocol number, link-local addresses excepted. 0 or -errno. */
int objects_collect(struct kernel *kernel, struct objects *o);

#endif
