/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Accounting: what a terminal has sent and received under one binding, as the guard has counted it
 * at this core (guard.h). The home core and the core that is visited each have their own account,
 * so that operators can compare them.
 */
#ifndef SNO_ACCOUNTING_H
#define SNO_ACCOUNTING_H

#include "clock.h"
#include "guard.h"

struct core;
struct path;

/* The account of one binding. All zero: none is open. */
struct account {
	uint64_t binding;
	usec_t since;
	struct guard_traffic before; /* of the terminal, before this binding */
};

/* Opens an account; the terminal is known by any path that has its home addresses. */
void accounting_open(const struct core *core, struct account *account, const struct path *path,
		     uint64_t binding, usec_t now);
/* What has passed so far; false: nothing is counted, or the account is not open. */
bool accounting_look(const struct core *core, const struct account *account,
		     const struct path *path, struct guard_traffic *traffic);
/* Closes it, if it is open, with an event that says what has passed. serving, home: names of cores.
 */
void accounting_close(const struct core *core, struct account *account, const struct path *path,
		      const char *nai, const char *home, const char *serving, usec_t now);

#endif
