/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The root of a registration as its home core keeps it, and the moves that were made under it
 * (PROTOCOL section 6.1): no key of one target and one number is ever given out twice.
 */
#ifndef SNO_CORE_ROOT_H
#define SNO_CORE_ROOT_H

#include "clock.h"
#include "handover_key.h"
#include "row.h"

/* Zeroed, it is none. */
struct root {
	bool known;
	uint8_t key[KEY_LENGTH];
	usec_t until;	  /* no move is prepared under it any more: a full registration is due */
	uint64_t highest; /* number of a move that was announced or has led to a registration */
	uint64_t led;	  /* highest number of a move that has led to a registration */
	struct root_given *given; /* by target, the highest number whose key was given out */
	size_t given_count;
};

/* The root of another registration, under which nothing has moved yet. */
void root_set(struct root *root, const uint8_t key[KEY_LENGTH]);
/* *to becomes *from, which is none afterwards. */
void root_pass(struct root *to, struct root *from);
void root_wipe(struct root *root);

/* In a row of the store; what is read is *root's now, none when the row is broken. */
void root_put(struct cursor_out *row, const struct root *root);
void root_get(struct cursor_in *row, struct root *root);

/* A move of this number was announced. */
void root_announced(struct root *root, uint64_t number);
/* It has led to a registration. */
void root_moved(struct root *root, uint64_t number);
/* The number of a move that nobody announced; 0 when there is none left. */
uint64_t root_next(const struct root *root);

/*
 * The key of this move to this target, once: numbers of one target only grow. 0; -ENOKEY without a
 * root; -EEXIST when this key or one of a later move to the target was given out, or this or a
 * later move has led to a registration; -EINVAL for a target that is no name; -ENOMEM. The key is
 * zero unless 0 is returned; the caller wipes it.
 */
int root_give(struct root *root, const char *target, uint64_t number, uint8_t key[KEY_LENGTH]);

/* Does this prove that the terminal has arrived at the target on that move? In constant time. */
bool root_proves(const struct root *root, const char *target, uint64_t number, uint64_t counter,
		 const uint8_t arrival[HANDOVER_ARRIVAL]);

#endif
