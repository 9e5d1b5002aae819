/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What two cores agree on for the ESP around their tunnels (PROTOCOL sections 16.1, 16.2): the
 * suite, out of both hellos, and the keys, out of the handshake that the hellos came in.
 */
#ifndef SNO_ESP_KEY_H
#define SNO_ESP_KEY_H

#include "keys.h"
#include "message.h"

#include <stdbool.h>

#define ESP_SALT 4			 /* octets of salt behind the key */
#define ESP_KEY	 (KEY_LENGTH + ESP_SALT) /* the keying material of either suite */

/* The suite of a session, the same at both ends; 0 when one of the hellos has none in common. */
enum suite esp_suite(const struct message *one, const struct message *other);

/*
 * The esp root of a handshake: further and hash are noise_keys' of that name. root may be the same
 * memory as further. The caller wipes it.
 */
void esp_root(uint8_t root[KEY_LENGTH], const uint8_t further[KEY_LENGTH],
	      const uint8_t hash[HASH_LENGTH]);

/* One association: all that its keys are bound to. */
struct esp_association {
	enum suite suite;
	sa_family_t family;  /* of the outer addresses */
	bool from_initiator; /* of the handshake */
	uint32_t spi;	     /* the receiver's */
};

/* Key and salt of an association. The caller wipes them. */
void esp_key(uint8_t key[ESP_KEY], const uint8_t root[KEY_LENGTH],
	     const struct esp_association *association);

#endif
