/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages: the one codec for everything that is attributes (PROTOCOL sections 2 and 3).
 *
 * A message is a flat value with a set of present attributes. Reading fills it from bytes or
 * names the reason why the whole datagram is dropped; writing is the exact inverse, so that
 * each message has one encoding. Which attributes a type requires and allows stands in one
 * table in message_table.c, and nowhere else.
 */
#ifndef SNO_MESSAGE_H
#define SNO_MESSAGE_H

#include "addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SNO_WIRE_VERSION  1
#define SNO_CORE_PORT	  6275
#define SNO_ACCESS_PORT	  6276
#define SNO_DATAGRAM_MAX  1280
#define SNO_HEAD_LENGTH	  8
#define SNO_NAME_MAX	  63  /* octets of a core, realm, satellite or user name */
#define SNO_HANDSHAKE_MIN 48  /* octets of a HANDSHAKE attribute */
#define SNO_HANDSHAKE_MAX 768 /* octets of a HANDSHAKE or SEALED attribute */

/* PROTOCOL section 3.1. */
enum message_type {
	MESSAGE_HANDSHAKE_INITIATION = 0x01,
	MESSAGE_HANDSHAKE_RESPONSE = 0x02,
	MESSAGE_SEALED = 0x03,
	MESSAGE_COOKIE = 0x04,
	MESSAGE_COOKIE_PROOF = 0x05,
	MESSAGE_HELLO = 0x10,
	MESSAGE_IDENTITY = 0x11,
	MESSAGE_ASSIGNMENT = 0x12,
	MESSAGE_CORE_ADVERTISEMENT = 0x20,
	MESSAGE_CORE_DISCOVERY = 0x21,
	MESSAGE_REGISTRATION_DONE = 0x22,
	MESSAGE_REGISTRATION_REJECT = 0x23,
	MESSAGE_REGISTRATION = 0x24,
	MESSAGE_AUTHENTICATION = 0x30,
	MESSAGE_TUNNEL_REQUEST = 0x31,
	MESSAGE_CORE_DISCONNECT = 0x32,
	MESSAGE_RELEASE = 0x33,
	MESSAGE_HANDOVER_DONE = 0x34,
	MESSAGE_PROACTIVE_AUTHENTICATION = 0x35,
	MESSAGE_HANDOVER_ANNOUNCEMENT = 0x36,
	MESSAGE_ECHO = 0x37,
	MESSAGE_KEEPALIVE = 0x3e,
	MESSAGE_BUNDLE = 0x3f,
	MESSAGE_AUTHENTICATION_ACK = 0xb0,
	MESSAGE_TUNNEL_ACK = 0xb1,
	MESSAGE_DISCONNECTION_ACK = 0xb2,
	MESSAGE_RELEASE_ACK = 0xb3,
	MESSAGE_HANDOVER_DONE_ACK = 0xb4,
	MESSAGE_PROACTIVE_AUTHENTICATION_ACK = 0xb5,
	MESSAGE_HANDOVER_ANNOUNCEMENT_ACK = 0xb6,
	MESSAGE_ECHO_ACK = 0xb7,
	MESSAGE_ERROR = 0xff,
};

/* Where a message stands; each type is allowed only in its places (section 3.1). */
enum message_place {
	PLACE_CORE = 1 << 0,	    /* sealed, between cores */
	PLACE_ACCESS = 1 << 1,	    /* sealed, between terminal and serving core */
	PLACE_CLEAR = 1 << 2,	    /* in the clear on the access side */
	PLACE_HELLO = 1 << 3,	    /* payload of a core handshake */
	PLACE_IDENTITY = 1 << 4,    /* payload of Noise message 1 in a core discovery */
	PLACE_ASSIGNMENT = 1 << 5,  /* payload of Noise message 2 to a terminal */
	PLACE_REGISTRATION = 1 << 6 /* inside SEALED of registration done */
};

/* PROTOCOL section 3.2; the value is the code on the wire. */
enum attribute {
	ATTR_CORE = 0x01,
	ATTR_REALM,
	ATTR_USER,
	ATTR_EPOCH,
	ATTR_HOME_EPOCH,
	ATTR_COUNTER,
	ATTR_INDEX,
	ATTR_HANDSHAKE,
	ATTR_SEALED,
	ATTR_LINK_LAYER,
	ATTR_LINK_LOCAL,
	ATTR_MTU,
	ATTR_INTERVAL,
	ATTR_REASON,
	ATTR_LIFETIME,
	ATTR_HOA4,
	ATTR_HOA6,
	ATTR_PREFIX,
	ATTR_ACCESS_KEY,
	ATTR_BINDING,
	ATTR_COA,
	ATTR_TUNNEL_KIND,
	ATTR_TUNNEL_KINDS,
	ATTR_TUNNEL_KEY,
	ATTR_TUNNEL_END4,
	ATTR_TUNNEL_END6,
	ATTR_NEXT_SATELLITE,
	ATTR_NEXT_CORE,
	ATTR_GAP,
	ATTR_REGISTRATION_TIME,
	ATTR_HANDOVER_COUNTER,
	ATTR_HANDOVER_KEY,
	ATTR_ARRIVAL,
	ATTR_EXPECTED,
	ATTR_HOLD,
	ATTR_UPLINK_DELAY,
	ATTR_MODE,
	ATTR_FIRST_PACKET,
	ATTR_BUFFERED,
	ATTR_DROPPED,
	ATTR_HANDOVER_TAG,
	ATTR_HANDOVER_PROOF,
	ATTR_EPHEMERAL,
	ATTR_SUITES,
	ATTR_SUITE,
	ATTR_SPI,
	ATTR_COUNT /* one above the highest code */
};

/* PROTOCOL section 11. */
enum reason {
	REASON_ACCEPTED = 0,
	REASON_UNKNOWN_REALM,
	REASON_UNKNOWN_TERMINAL,
	REASON_AUTHENTICATION_FAILED,
	REASON_RESYNC,
	REASON_NO_CARE_OF_ADDRESS,
	REASON_NO_HOME_ADDRESS,
	REASON_KERNEL_REFUSED,
	REASON_HOME_UNREACHABLE,
	REASON_NO_COMMON_TUNNEL,
	REASON_NOT_PERMITTED,
	REASON_WRONG_CORE,
	REASON_STALE_BINDING,
	REASON_TERMINAL_MOVED,
	REASON_LIFETIME_EXPIRED,
	REASON_TERMINAL_LEFT,
	REASON_CORE_RESTARTED,
	REASON_ADMINISTRATIVE,
	REASON_BUSY,
	REASON_UNSUPPORTED,
	REASON_TIMEOUT,
	REASON_NOT_ARRIVED,
	REASON_NOT_PREPARED,
	REASON_NO_COMMON_PROTECTION,
	REASON_COUNT
};

/* PROTOCOL section 15.1, MODE: each one better than those before it. */
enum handover_mode {
	MODE_BASELINE = 1,
	MODE_COMBINED,
	MODE_PROACTIVE,
	MODE_PREDICTIVE,
	MODE_SOFT,
};

/* PROTOCOL section 3.2, TUNNEL_KINDS. */
enum tunnel_kind {
	TUNNEL_GRE4 = 1,
	TUNNEL_GRE6 = 2,
	TUNNEL_GPE4 = 4,
	TUNNEL_GPE6 = 8,
	TUNNEL_IPIP4 = 16,
};
#define TUNNEL_KINDS_ALL 31

/* PROTOCOL section 3.2, SUITES. */
enum suite {
	SUITE_CHACHA20_POLY1305 = 1,
	SUITE_AES_256_GCM = 2,
};
#define SUITES_ALL 3
#define SPI_MIN	   256 /* those below are reserved (RFC 4303 section 2.1) */

/* PROTOCOL section 2.3: why a datagram was dropped. DROP_NONE is 0: it was not. */
enum drop {
	DROP_NONE = 0,
	DROP_SHORT,
	DROP_VERSION,
	DROP_TYPE,
	DROP_ORDER,
	DROP_UNKNOWN,
	DROP_UNEXPECTED,
	DROP_MISSING,
	DROP_LENGTH,
	DROP_VALUE,
	DROP_LONG,
	DROP_INDEX,
	DROP_REPLAY,
	DROP_SEAL,
	DROP_HANDSHAKE,
	DROP_LIMIT,
	DROP_COUNT
};

struct message_blob {
	uint16_t length;
	uint8_t bytes[SNO_HANDSHAKE_MAX];
};

/*
 * One message. Fields are meaningful only when their attribute is in `present`; text fields are
 * zero-terminated here. Owns nothing; may hold secrets (access_key, handover_key): wipe with
 * message_wipe().
 */
struct message {
	enum message_type type;
	uint32_t id;
	uint64_t present; /* bit (1 << ATTR_...) */

	char core[SNO_NAME_MAX + 1];
	char realm[SNO_NAME_MAX + 1];
	char user[SNO_NAME_MAX + 1];
	char next_satellite[SNO_NAME_MAX + 1];
	char next_core[SNO_NAME_MAX + 1];
	uint64_t epoch;
	uint64_t home_epoch;
	uint64_t counter;
	uint64_t binding;
	uint64_t handover_counter;
	uint32_t index;
	uint32_t lifetime; /* seconds */
	uint32_t tunnel_key;
	uint32_t gap;		    /* microseconds */
	uint32_t registration_time; /* microseconds */
	uint32_t expected;	    /* milliseconds */
	uint32_t uplink_delay;	    /* microseconds */
	uint32_t first_packet;	    /* microseconds */
	uint32_t buffered;	    /* packets */
	uint32_t dropped;	    /* packets */
	uint32_t spi;		    /* of the sender's inbound associations */
	uint16_t mtu;
	uint16_t interval; /* milliseconds */
	uint16_t reason;   /* enum reason; unknown values above the known ones are kept */
	uint8_t tunnel_kind;
	uint8_t tunnel_kinds;
	uint8_t hold;	/* 0 or 1 */
	uint8_t mode;	/* enum handover_mode */
	uint8_t suites; /* set of enum suite */
	uint8_t suite;	/* the one of them that is preferred */
	struct lladdr link_layer;
	struct addr link_local;
	struct addr hoa4;
	struct addr hoa6;
	struct addr coa;
	struct addr tunnel_end4;
	struct addr tunnel_end6;
	struct prefix prefix;
	uint8_t access_key[32];
	uint8_t handover_key[32];
	uint8_t arrival[16];
	uint8_t handover_tag[8];
	uint8_t handover_proof[16];
	uint8_t ephemeral[32];
	struct message_blob handshake;
	struct message_blob sealed;
};

/*
 * The head alone (section 2.1), for datagrams that are not attributes: handshakes and sealed ones.
 * Reading checks length (up to a datagram's limit), version and reserved field; the type may be
 * any. DROP_NONE, DROP_LONG, DROP_SHORT or DROP_VERSION; outputs are set only with DROP_NONE.
 */
void message_write_head(uint8_t out[SNO_HEAD_LENGTH], enum message_type type, uint32_t id);
enum drop message_read_head(const uint8_t *in, size_t length, enum message_type *type,
			    uint32_t *id);

/* An empty message of this type. */
void message_init(struct message *m, enum message_type type, uint32_t id);
/* True when the attribute is present. */
bool message_has(const struct message *m, enum attribute a);

/* Setters: set the field and mark it present. Names longer than SNO_NAME_MAX or with other
 * characters, and blobs out of range, are a caller's bug caught by message_write (-EINVAL). */
void message_set_text(struct message *m, enum attribute a, const char *text);
void message_set_number(struct message *m, enum attribute a, uint64_t value);
/* For LINK_LOCAL, HOA4, HOA6, COA, TUNNEL_END4, TUNNEL_END6; an addr_none() is not set at all. */
void message_set_addr(struct message *m, enum attribute a, const struct addr *value);
void message_set_prefix(struct message *m, const struct prefix *value); /* none: not set */
void message_set_link_layer(struct message *m, const struct lladdr *value);
/* For ACCESS_KEY, HANDOVER_KEY, ARRIVAL, HANDOVER_TAG, HANDOVER_PROOF, EPHEMERAL: as many octets as
 * the field has. */
void message_set_octets(struct message *m, enum attribute a, const uint8_t *octets);
void message_set_blob(struct message *m, enum attribute a, const void *bytes, size_t length);

/*
 * Encode. Returns the number of octets written to out (head and attributes), -EMSGSIZE when cap or
 * SNO_DATAGRAM_MAX is too small, -EINVAL when the message breaks its row in the table (missing or
 * unexpected attribute, part of a group that stands together, value outside its domain), so a
 * message that was written can always be read. Writing knows no place: BINDING, which some requests
 * need between cores only, is the caller's to set.
 */
int message_write(const struct message *m, uint8_t *out, size_t cap);

/*
 * Decode exactly `length` octets as a message allowed in `place`. DROP_NONE, or the reason to drop;
 * then *m is zeroed.
 */
enum drop message_read(struct message *m, enum message_place place, const uint8_t *in,
		       size_t length);

/* Overwrite a message that may hold secrets. */
void message_wipe(struct message *m);

/* The answer type of a request type (0x30..0x3d), or MESSAGE_ERROR for anything else. */
enum message_type message_answer(enum message_type request);
bool message_is_request(enum message_type type);
bool message_is_answer(enum message_type type);

/* True for 1 to 63 characters of a-z 0-9 - . _ (section 2). */
bool message_name_valid(const char *text);

/* Names as in PROTOCOL ("core discovery", "no-care-of-address", "replay", "gre"); never NULL. */
const char *message_type_name(enum message_type type);
const char *reason_name(enum reason reason);
const char *drop_name(enum drop drop);
const char *attribute_name(enum attribute a);
const char *tunnel_kind_name(enum tunnel_kind kind); /* "gre4", "gre6", "gpe4", "gpe6", "ipip4" */
const char *suite_name(enum suite suite);	     /* "chacha20-poly1305", "aes-256-gcm" */

/* "baseline", "combined", "proactive", "predictive", "soft"; and back: false for anything else. */
const char *handover_mode_name(enum handover_mode mode);
bool handover_mode_parse(const char *text, enum handover_mode *mode);

#endif
