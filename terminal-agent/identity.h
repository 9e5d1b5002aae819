/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who the terminal is: its NAI (RFC 7542) and the keys that prove it to the home core.
 */
#ifndef SNO_TERMINAL_IDENTITY_H
#define SNO_TERMINAL_IDENTITY_H

#include "keys.h"
#include "message.h"

struct config;

/* The two halves of an NAI, folded to lower case (PROTOCOL section 2). */
struct identity_name {
	char user[SNO_NAME_MAX + 1];
	char realm[SNO_NAME_MAX + 1];
	char nai[2 * SNO_NAME_MAX + 2]; /* both */
};

/* Holds secrets: identity_wipe() it. */
struct identity {
	struct identity_name name;
	struct key_pair keys;
	uint8_t psk[KEY_LENGTH];	 /* zero when there is none */
	uint8_t home_public[KEY_LENGTH]; /* of the home core */
};

/* Splits "user@realm". 0, or -EINVAL when a half is not a name of the protocol. */
int identity_split(struct identity_name *name, const char *nai);

/* Reads the key files that the configuration names. 0, or -errno, already logged. */
int identity_load(struct identity *identity, const struct config *config);
/* Do the files still hold what was read? 0; -EINVAL or another -errno, logged with what to do. */
int identity_check(const struct identity *identity, const struct config *config);
void identity_wipe(struct identity *identity);

#endif
