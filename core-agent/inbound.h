/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long inbound associations are kept (PROTOCOL section 16.3): a peer sends under the session
 * that it has heard us seal under last, which is one of the two that were agreed on last, or one of
 * those before for as long as it takes to hear.
 *
 * A ledger of SPIs and times; what the kernel has is protection.c's to compare.
 */
#ifndef SNO_INBOUND_H
#define SNO_INBOUND_H

#include "clock.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INBOUND_MAX 16 /* beyond them the oldest goes before its time */

struct inbound {
	uint32_t spi;
	usec_t until; /* USEC_NEVER: as long as nothing newer is agreed on */
};

/* Oldest first. All zero: none. */
struct inbounds {
	struct inbound list[INBOUND_MAX];
	size_t count;
};

/*
 * A session has been agreed on. The one before ends after `session` from now, as the session that
 * it belongs to; those before that after `grace`.
 */
void inbounds_agreed(struct inbounds *in, uint32_t spi, usec_t session, usec_t grace, usec_t now);
/* The session that was agreed on last comes to nothing: all is as before, but for times. */
void inbounds_withdraw(struct inbounds *in, uint32_t spi);
/* One that an earlier life of ours has left, for so long. */
void inbounds_found(struct inbounds *in, uint32_t spi, usec_t until);
/* The kernel has the i-th no more: somebody else has removed it. */
void inbounds_lost(struct inbounds *in, size_t i);
/* Forgets those whose time has come. */
void inbounds_expire(struct inbounds *in, usec_t now);
bool inbounds_have(const struct inbounds *in, uint32_t spi);
/* When the next one's time comes, or USEC_NEVER. */
usec_t inbounds_next(const struct inbounds *in);

#endif
