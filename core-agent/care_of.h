/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Care-of addresses: what this core's pools of both families have for visitors.
 */
#ifndef SNO_CORE_CARE_OF_H
#define SNO_CORE_CARE_OF_H

#include "core.h"
#include "pool.h"

/* The pool of this family. */
static inline struct pool *care_of_pool(const struct core *core, sa_family_t family)
{
	return family == AF_INET6 ? core->care_of6 : core->care_of4;
}

/* Does the address lie in what is configured now? */
static inline bool care_of_covers(const struct core *core, const struct addr *coa)
{
	return pool_covers(care_of_pool(core, coa->family), coa);
}

/* Gives it back; afterwards *coa is none. None is allowed. */
static inline void care_of_give(const struct core *core, struct addr *coa)
{
	pool_give(care_of_pool(core, coa->family), coa);
	*coa = (struct addr){.family = AF_UNSPEC};
}

#endif
