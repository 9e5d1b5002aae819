/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state of the kernel in memory, shared by the kernel_fake*.c files.
 *
 * Every object is one record: its kind, a text that identifies it, and the value itself. So all
 * tables, the dump and the comparison of states are one thing.
 */
#ifndef SNO_KERNEL_FAKE_INTERNAL_H
#define SNO_KERNEL_FAKE_INTERNAL_H

#include "kernel_fake.h"

#include <stdio.h>

#define FAKE_KEY   256
#define FAKE_TEXT  512
#define FAKE_ERROR 512

enum fake_kind {
	FAKE_LINK,
	FAKE_ADDRESS,
	FAKE_NEIGHBOUR,
	FAKE_FDB,
	FAKE_RULE,
	FAKE_ROUTE,
	FAKE_SA,
	FAKE_POLICY,
	FAKE_CLSACT,
	FAKE_REDIRECT,
	FAKE_FILTER,
	FAKE_GUARD,
	FAKE_GUARD_ADDRESS,
};

struct fake_link {
	struct kernel_link link;
	struct kernel_bridge bridge;
	struct kernel_bridge_port port;
	enum kernel_tunnel tunnel;
	struct kernel_gretap gretap;
	bool carrier; /* of the cable; what is seen needs the link to be up, too */
	/* A TUN device: the daemon's descriptor, and the other end of it. */
	bool tun;
	int tun_fd, tun_end;
};

struct fake_guard {
	unsigned int ifindex;
	enum kernel_guard_place place;
};

struct fake_object {
	enum fake_kind kind;
	char key[FAKE_KEY];
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
		struct fake_guard guard;
		struct kernel_guard_address guarded;
	};
};

struct fake_sysctl {
	char path[FAKE_KEY];
	char value[FAKE_KEY];
	struct fake_sysctl *next;
};

struct fake {
	struct fake_object **objects;
	size_t count;
	unsigned int last_ifindex;
	bool without[KERNEL_TUNNELS];
	bool without_esp;
	char **log;
	size_t calls;
	unsigned int batches;
	unsigned int fail_at; /* counts down; 0: never */
	int fail_error;
	bool failed;
	char fail_start[FAKE_KEY];
	int fail_start_error;
	char meet_start[FAKE_KEY];
	void (*meet)(void *arg);
	void *meet_arg;
	struct fake_sysctl *sysctls;
	char *dumps[2];
	char *log_text;
	unsigned int dump_turn;
	unsigned int open;
};

extern struct fake fake;

struct kernel {
	char error[FAKE_ERROR];
};

/* The memory itself; a test cannot go on without. */
void *fake_must(void *memory);

/* The record of this key, or NULL; made when missing; removed (NULL is fine). */
struct fake_object *fake_find(enum fake_kind kind, const char *key);
struct fake_object *fake_put(enum fake_kind kind, const char *key);
void fake_remove(const struct fake_object *o);
/* Every record of a kind, copied, so that callbacks may change the tables. */
struct fake_object *fake_copy(enum fake_kind kind, size_t *count);

/* Begins a change: notes it in the log, and fails it when that was asked for. */
int fake_change(struct kernel *k, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The change fails: noted in its log line and as the context's error. Returns err. */
int fake_refuse(struct kernel *k, int err);

/* Empties what the guard has. */
/* Of the enum kernel_guard_place. */
extern const char *const fake_guard_places[];
void fake_guard_reset(void);

/* A fresh link, down. */
struct fake_link *fake_link_make(const char *name, const char *kind);
/* The link goes, with all that hangs on it; unknown is fine. */
void fake_link_drop(unsigned int ifindex);
struct fake_link *fake_link_of(unsigned int ifindex);
/* "none" for 0, "gone" for what is not there. */
const char *fake_link_name(unsigned int ifindex);
struct kernel_link fake_link_seen(const struct fake_link *link);
void fake_emit_link(const struct fake_link *link, enum kernel_event_type type);
void fake_emit_address(const struct kernel_address *address, enum kernel_event_type type);
/* kernel_route_text() with the interface's name, which outlives its index. */
const char *fake_route_words(const struct kernel_route *r, char text[FAKE_TEXT]);

/* For each record of a kind for which `wanted` holds, calls back with the field of the union. */
#define FAKE_EACH(kind_, field, wanted)                                                            \
	do {                                                                                       \
		size_t count_, i_;                                                                 \
		struct fake_object *copy_ = fake_copy(kind_, &count_), *o;                         \
		int err_ = 0;                                                                      \
		for (i_ = 0; !err_ && i_ < count_; i_++) {                                         \
			o = &copy_[i_];                                                            \
			if (wanted)                                                                \
				err_ = each(&o->field, arg);                                       \
		}                                                                                  \
		free(copy_);                                                                       \
		return err_;                                                                       \
	} while (0)

#endif
