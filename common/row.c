/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fields of rows; see row.h. */
#include "row.h"

#include <string.h>

void row_put_addr(struct cursor_out *row, const struct addr *addr)
{
	size_t length = addr_length(addr->family);

	cursor_put_u8(row, (uint8_t)length);
	cursor_put(row, addr->bytes, length);
}

struct addr row_get_addr(struct cursor_in *row)
{
	struct addr addr = {.family = AF_UNSPEC};

	switch (cursor_get_u8(row)) {
	case 0:
		return addr;
	case 4:
		addr.family = AF_INET;
		break;
	case 16:
		addr.family = AF_INET6;
		break;
	default:
		row->failed = true;
	}
	cursor_get(row, addr.bytes, addr_length(addr.family));
	return addr;
}

void row_put_prefix(struct cursor_out *row, const struct prefix *prefix)
{
	row_put_addr(row, &prefix->addr);
	cursor_put_u8(row, prefix->length);
}

struct prefix row_get_prefix(struct cursor_in *row)
{
	struct prefix prefix = {.addr = row_get_addr(row)};

	prefix.length = cursor_get_u8(row);
	if (prefix.length > addr_bits(prefix.addr.family))
		row->failed = true;
	return prefix;
}

void row_put_lladdr(struct cursor_out *row, const struct lladdr *lladdr)
{
	cursor_put(row, lladdr->bytes, sizeof(lladdr->bytes));
}

struct lladdr row_get_lladdr(struct cursor_in *row)
{
	struct lladdr lladdr = {0};

	cursor_get(row, lladdr.bytes, sizeof(lladdr.bytes));
	return lladdr;
}

void row_put_time(struct cursor_out *row, usec_t time)
{
	cursor_put_u64(row, (uint64_t)time);
}

usec_t row_get_time(struct cursor_in *row)
{
	return (usec_t)cursor_get_u64(row);
}

void row_put_text(struct cursor_out *row, const char *text)
{
	size_t length = strlen(text);

	if (length > UINT8_MAX)
		row->failed = true;
	cursor_put_u8(row, (uint8_t)length);
	cursor_put(row, text, length);
}

void row_get_text(struct cursor_in *row, char *text, size_t capacity)
{
	size_t length = cursor_get_u8(row);

	memset(text, 0, capacity);
	if (length >= capacity)
		row->failed = true;
	else
		cursor_get(row, text, length);
}

void row_put_access(struct cursor_out *row, const struct access_session *access)
{
	cursor_put(row, access->tx.key, KEY_LENGTH);
	cursor_put_u64(row, access->tx.counter);
	cursor_put(row, access->rx.key, KEY_LENGTH);
	cursor_put_u64(row, access->rx.window.next);
	cursor_put_u32(row, access->local_index);
	cursor_put_u32(row, access->remote_index);
}

void row_get_access(struct cursor_in *row, struct access_session *access)
{
	cursor_get(row, access->tx.key, KEY_LENGTH);
	access->tx.counter = cursor_get_u64(row);
	cursor_get(row, access->rx.key, KEY_LENGTH);
	seal_window_resume(&access->rx.window, cursor_get_u64(row));
	access_session_index(access, cursor_get_u32(row));
	access->remote_index = cursor_get_u32(row);
}
