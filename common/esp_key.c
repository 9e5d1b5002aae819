/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Suite and keys of ESP associations; see esp_key.h. */
#include "esp_key.h"

#include "cursor.h"

#include <string.h>

#define DATA_LENGTH 7

enum suite esp_suite(const struct message *one, const struct message *other)
{
	unsigned int common;

	if (!message_has(one, ATTR_SUITES) || !message_has(other, ATTR_SUITES))
		return 0;
	common = one->suites & other->suites;
	if (one->suite == other->suite && common & one->suite)
		return one->suite;
	return common & -common;
}

void esp_root(uint8_t root[KEY_LENGTH], const uint8_t further[KEY_LENGTH],
	      const uint8_t hash[HASH_LENGTH])
{
	keys_derive(root, further, "sno esp", hash, HASH_LENGTH);
}

void esp_key(uint8_t key[ESP_KEY], const uint8_t root[KEY_LENGTH],
	     const struct esp_association *association)
{
	uint8_t data[DATA_LENGTH], salt[KEY_LENGTH];
	struct cursor_out c = cursor_out(data, sizeof(data));

	cursor_put_u8(&c, (uint8_t)association->suite);
	cursor_put_u8(&c, association->family == AF_INET6 ? 6 : 4);
	cursor_put_u8(&c, association->from_initiator ? 1 : 2);
	cursor_put_u32(&c, association->spi);
	keys_derive(key, root, "sno esp key", data, sizeof(data));
	keys_derive(salt, root, "sno esp salt", data, sizeof(data));
	memcpy(key + KEY_LENGTH, salt, ESP_SALT);
	keys_wipe(salt, sizeof(salt));
}
