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
