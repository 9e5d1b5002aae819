/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What preparation.c and preparation_order.c share; for nobody else. */
#ifndef SNO_PREPARATION_INTERNAL_H
#define SNO_PREPARATION_INTERNAL_H

#include "preparation.h"

/* Sets up what every preparation has; it is in no table yet. NULL when out of memory. */
struct preparation *preparation_new(struct core *core, const char *nai,
				    const uint8_t key[KEY_LENGTH]);
/*
 * The care-of address of a peer's terminal, out of the pool or taken over. It counts for the peer
 * as long as the preparation has it.
 */
void preparation_set_care_of(struct preparation *p, const struct addr *coa);
/* The count of those of this family. */
size_t *preparation_care_of_count(struct peer *home, sa_family_t family);
/* Out of all tables, and freed; path and care-of address must have been let go. */
void preparation_free(struct preparation *p);
/* From here on it is prepared, and found; at deadline it is given up. */
void preparation_list(struct preparation *p, usec_t deadline);
/*
 * Packets may be led to the next link before it is up: false when that was not told, or somebody
 * else has its Ethernet address, which no two paths share.
 */
bool preparation_claim(struct preparation *p);

#endif
