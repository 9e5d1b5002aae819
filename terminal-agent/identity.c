/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The identity is read once at the start: a changed key is a changed terminal, and takes a restart.
 */
#include "terminal-agent/identity.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "terminal-agent/config.h"

/* Copies and folds one half; false when it is not a name. */
static bool fold(char out[SNO_NAME_MAX + 1], const char *text, size_t length)
{
	if (length > SNO_NAME_MAX)
		return false;
	for (size_t i = 0; i < length; i++)
		out[i] = (char)tolower((unsigned char)text[i]);
	out[length] = '\0';
	return message_name_valid(out);
}

int identity_split(struct identity_name *name, const char *nai)
{
	const char *at = strchr(nai, '@');

	if (!at || !fold(name->user, nai, (size_t)(at - nai)) ||
	    !fold(name->realm, at + 1, strlen(at + 1)))
		return -EINVAL;
	snprintf(name->nai, sizeof(name->nai), "%s@%s", name->user, name->realm);
	return 0;
}

static int load_key(const char *key, const char *path, uint8_t out[KEY_LENGTH])
{
	int error = keys_read_file(path, out);

	if (error < 0)
		log_error("%s %s: %s", key, path, keys_file_advice(error));
	return error;
}

int identity_load(struct identity *identity, const struct config *config)
{
	int error;

	memset(identity, 0, sizeof(*identity));
	error = identity_split(&identity->name, config->terminal.nai);
	if (error < 0)
		return error;
	error = load_key("terminal.private_key_file", config->terminal.private_key_file,
			 identity->keys.private);
	if (error == 0 && config->terminal.psk_file)
		error = load_key("terminal.psk_file", config->terminal.psk_file, identity->psk);
	if (error < 0) {
		identity_wipe(identity);
		return error;
	}
	keys_public(identity->keys.public, identity->keys.private);
	memcpy(identity->home_public, config->terminal.home_public_key, KEY_LENGTH);
	return 0;
}

int identity_check(const struct identity *identity, const struct config *config)
{
	struct identity now;
	int error = identity_load(&now, config);

	if (error < 0)
		return error;
	if (!keys_equal(now.keys.private, identity->keys.private, KEY_LENGTH) ||
	    !keys_equal(now.psk, identity->psk, KEY_LENGTH)) {
		log_error("%s holds another key now, which takes a restart",
			  keys_equal(now.psk, identity->psk, KEY_LENGTH)
				  ? config->terminal.private_key_file
				  : config->terminal.psk_file);
		error = -EINVAL;
	}
	identity_wipe(&now);
	return error;
}

void identity_wipe(struct identity *identity)
{
	keys_wipe(identity, sizeof(*identity));
}
