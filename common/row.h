/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The octets of rows in a store (store.h): what integers (cursor.h) are not.
 *
 * A row is a sequence of fields without names; row_whole() tells whether all were there. Whoever
 * changes a row gives the store another version (DATABASE_VERSION), and makes new rows of old ones
 * (store_upgrade_fn).
 */
#ifndef SNO_ROW_H
#define SNO_ROW_H

#include <stdbool.h>

#include "access.h"
#include "addr.h"
#include "clock.h"
#include "cursor.h"

void row_put_addr(struct cursor_out *row, const struct addr *addr);
void row_put_prefix(struct cursor_out *row, const struct prefix *prefix);
void row_put_lladdr(struct cursor_out *row, const struct lladdr *lladdr);
void row_put_time(struct cursor_out *row, usec_t time);
/* Up to 255 octets. */
void row_put_text(struct cursor_out *row, const char *text);
/* Keys, counters and indices of a sealed association: the next one begins where this one ends. */
void row_put_access(struct cursor_out *row, const struct access_session *access);

struct addr row_get_addr(struct cursor_in *row);
struct prefix row_get_prefix(struct cursor_in *row);
struct lladdr row_get_lladdr(struct cursor_in *row);
usec_t row_get_time(struct cursor_in *row);
/* Into so many octets, with the zero at its end; what is longer makes the row a broken one. */
void row_get_text(struct cursor_in *row, char *text, size_t capacity);
/* What has come under it counts as received: everything below the highest counter. */
void row_get_access(struct cursor_in *row, struct access_session *access);

/* Was everything there that was read so far? */
static inline bool row_whole(const struct cursor_in *row)
{
	return !row->failed;
}

#endif
