/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys of moves under one root; see root.h. */
#include "root.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct root_given {
	char target[SNO_NAME_MAX + 1];
	uint64_t number;
};

void root_wipe(struct root *root)
{
	free(root->given);
	keys_wipe(root, sizeof(*root));
}

void root_set(struct root *root, const uint8_t key[KEY_LENGTH])
{
	root_wipe(root);
	memcpy(root->key, key, KEY_LENGTH);
	root->known = true;
}

void root_pass(struct root *to, struct root *from)
{
	root_wipe(to);
	*to = *from;
	keys_wipe(from, sizeof(*from));
}

void root_announced(struct root *root, uint64_t number)
{
	if (number > root->highest)
		root->highest = number;
}

void root_moved(struct root *root, uint64_t number)
{
	root_announced(root, number);
	if (number > root->led)
		root->led = number;
}

uint64_t root_next(const struct root *root)
{
	return root->highest + 1;
}

static struct root_given *given_to(struct root *root, const char *target)
{
	for (size_t i = 0; i < root->given_count; i++)
		if (!strcmp(root->given[i].target, target))
			return &root->given[i];
	return NULL;
}

/* There are no more targets than cores. */
static struct root_given *add(struct root *root, const char *target)
{
	struct root_given *given =
		realloc(root->given, (root->given_count + 1) * sizeof(*root->given));

	if (!given)
		return NULL;
	root->given = given;
	given += root->given_count++;
	snprintf(given->target, sizeof(given->target), "%s", target);
	given->number = 0;
	return given;
}

int root_give(struct root *root, const char *target, uint64_t number, uint8_t key[KEY_LENGTH])
{
	struct root_given *given = given_to(root, target);
	int result = -EEXIST;

	if (!root->known)
		result = -ENOKEY;
	else if (!message_name_valid(target))
		result = -EINVAL;
	else if (!given && !(given = add(root, target)))
		result = -ENOMEM;
	else if (number > given->number && number > root->led)
		result = handover_key(key, root->key, target, number);
	if (result < 0)
		memset(key, 0, KEY_LENGTH);
	else
		given->number = number;
	return result;
}

void root_put(struct cursor_out *row, const struct root *root)
{
	cursor_put_u8(row, root->known);
	if (!root->known)
		return;
	cursor_put(row, root->key, KEY_LENGTH);
	row_put_time(row, root->until);
	cursor_put_u64(row, root->highest);
	cursor_put_u64(row, root->led);
	cursor_put_u16(row, (uint16_t)root->given_count);
	for (size_t i = 0; i < root->given_count; i++) {
		row_put_text(row, root->given[i].target);
		cursor_put_u64(row, root->given[i].number);
	}
}

void root_get(struct cursor_in *row, struct root *root)
{
	char target[SNO_NAME_MAX + 1];
	size_t count;

	root_wipe(root);
	root->known = cursor_get_u8(row);
	if (!root->known)
		return;
	cursor_get(row, root->key, KEY_LENGTH);
	root->until = row_get_time(row);
	root->highest = cursor_get_u64(row);
	root->led = cursor_get_u64(row);
	count = cursor_get_u16(row);
	for (size_t i = 0; i < count && row_whole(row); i++) {
		struct root_given *given;

		row_get_text(row, target, sizeof(target));
		given = add(root, target);
		if (given)
			given->number = cursor_get_u64(row);
		else
			row->failed = true;
	}
	if (!row_whole(row))
		root_wipe(root);
}

bool root_proves(const struct root *root, const char *target, uint64_t number, uint64_t counter,
		 const uint8_t arrival[HANDOVER_ARRIVAL])
{
	uint8_t expected[HANDOVER_ARRIVAL];
	bool proves = root->known &&
		      handover_arrival(expected, root->key, target, number, counter) == 0 &&
		      keys_equal(expected, arrival, sizeof(expected));

	keys_wipe(expected, sizeof(expected));
	return proves;
}
