/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ledger of inbound associations; see inbound.h. */
#include "inbound.h"

#include <string.h>

static void remove_at(struct inbounds *in, size_t i)
{
	in->count--;
	memmove(&in->list[i], &in->list[i + 1], (in->count - i) * sizeof(in->list[0]));
}

static void insert_at(struct inbounds *in, size_t i, struct inbound one)
{
	memmove(&in->list[i + 1], &in->list[i], (in->count - i) * sizeof(in->list[0]));
	in->list[i] = one;
	in->count++;
}

void inbounds_agreed(struct inbounds *in, uint32_t spi, usec_t session, usec_t grace, usec_t now)
{
	if (in->count == INBOUND_MAX)
		remove_at(in, 0);
	for (size_t i = 0; i < in->count; i++) {
		bool last = i + 1 == in->count;

		in->list[i].until = usec_min(in->list[i].until, now + (last ? session : grace));
	}
	insert_at(in, in->count, (struct inbound){spi, USEC_NEVER});
}

void inbounds_withdraw(struct inbounds *in, uint32_t spi)
{
	if (in->count == 0 || in->list[in->count - 1].spi != spi)
		return;
	in->count--;
	if (in->count > 0)
		in->list[in->count - 1].until = USEC_NEVER;
}

void inbounds_found(struct inbounds *in, uint32_t spi, usec_t until)
{
	if (in->count < INBOUND_MAX)
		insert_at(in, 0, (struct inbound){spi, until});
}

void inbounds_lost(struct inbounds *in, size_t i)
{
	remove_at(in, i);
}

void inbounds_expire(struct inbounds *in, usec_t now)
{
	for (size_t i = in->count; i-- > 0;)
		if (in->list[i].until <= now)
			remove_at(in, i);
}

bool inbounds_have(const struct inbounds *in, uint32_t spi)
{
	for (size_t i = 0; i < in->count; i++)
		if (in->list[i].spi == spi)
			return true;
	return false;
}

usec_t inbounds_next(const struct inbounds *in)
{
	usec_t next = USEC_NEVER;

	for (size_t i = 0; i < in->count; i++)
		next = usec_min(next, in->list[i].until);
	return next;
}
