/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Configuration as tables (the idea is Knot DNS's schema, the printing back is bgpd's -nv).
 *
 * A daemon describes its configuration once, in static tables of struct conf_key: name, type,
 *range, default, whether it is required and whether a reload may change it. From the tables come
 *the parser (libconfig's syntax), the complete list of faults with file and line, the printing of
 *the effective configuration, the comparison at reload, and the reference of keys. Nothing else in
 *the project reads a configuration file, and no handler per key exists.
 *
 *	struct peer_config { char *name; struct endpoint endpoint; uint8_t key[32];
 *			     struct prefix *home; size_t home_count; };
 *	struct config { struct { char *name; uint16_t port; } core;
 *			struct peer_config *peers; size_t peer_count; };
 *
 *	static const struct conf_key core_keys[] = {
 *		{"name", CONF_NAME, CONF_FIELD(struct config, core.name), .required = true,
 *		 .help = "realm and name of this core"},
 *		{"port", CONF_INT, CONF_FIELD(struct config, core.port), .min = 1, .max = 65535,
 *		 .def = "6275", .help = "UDP port for other cores"},
 *		{}};
 *	static const struct conf_key peer_keys[] = {
 *		{"name", CONF_NAME, CONF_FIELD(struct peer_config, name), .required = true,
 *		 .id = true, .help = "realm of the peer"},
 *		{"endpoint", CONF_ENDPOINT, CONF_FIELD(struct peer_config, endpoint),
 *		 .port = 6275, .required = true, .reloadable = true, .help = "where it listens"},
 *		{"home_prefixes", CONF_PREFIX, CONF_LIST(struct peer_config, home, home_count),
 *		 .reloadable = true, .help = "home addresses it may speak for"},
 *		{}};
 *	static const struct conf_key keys[] = {
 *		{"core", CONF_GROUP, CONF_INLINE(core_keys), .help = "this core"},
 *		{"peers", CONF_GROUP, CONF_LIST(struct config, peers, peer_count),
 *		 CONF_ELEMENT(struct peer_config, peer_keys), .reloadable = true, .help = "..."},
 *		{}};
 *	const struct conf_schema config_schema = {keys, sizeof(struct config), config_check};
 *
 * A table ends with an empty entry. Lists of anything are an array from malloc and a size_t.
 */
#ifndef SNO_CONF_H
#define SNO_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "addr.h"
#include "clock.h"

/* The type of a key, and the C type of its field. */
enum conf_type {
	CONF_BOOL = 1, /* bool: true, false */
	CONF_INT,      /* any integer type of 1, 2, 4 or 8 bytes; unsigned when .min >= 0 */
	CONF_SECONDS,  /* usec_t, written as whole or broken seconds, as are .min and .max */
	CONF_NUMBER,   /* double: any number from .min to .max */
	CONF_STRING,   /* char *: not empty, at most .max bytes (255 where .max is 0) */
	CONF_NAME,     /* char *: letters, digits and . _ - @ +, at most .max bytes (255) */
	/*
	 * char *: what a catalogue calls a satellite ("IRIDIUM 7 [-]"), any
	 * association_name_valid(); kept, printed and compared as the protocol has it
	 * (association_fold_name()).
	 */
	CONF_SATELLITE,
	CONF_PATH,     /* char *: an absolute path */
	CONF_IFNAME,   /* char *: name of a network interface, at most 15 bytes */
	CONF_ADDR,     /* struct addr: AF_UNSPEC when absent; .family restricts */
	CONF_PREFIX,   /* struct prefix: AF_UNSPEC when absent; .family restricts */
	CONF_ENDPOINT, /* struct endpoint: .port is the default port (0: must be written) */
	CONF_LLADDR,   /* struct lladdr: all zero when absent */
	CONF_KEY,      /* uint8_t[32]: a public key, base64 as wg writes it; all zero when absent */
	CONF_ENUM,     /* int: one of .names */
	CONF_GROUP,    /* struct: { ... }, described by .keys */
};

#define CONF_KEY_BYTES 32

/* A word and its value; a table ends with {NULL, 0}. */
struct conf_name {
	const char *name;
	int value;
};

/* One key. Fill it with the macros below; members not named are zero. */
struct conf_key {
	const char *name;
	enum conf_type type;
	size_t offset; /* of the field in its structure */
	size_t size;   /* of the field, or of an element of the list */

	bool list;	     /* [ a, b ] of values or ( {...}, {...} ) of groups */
	size_t count_offset; /* of the size_t that holds the number of elements */

	const struct conf_key *keys;   /* CONF_GROUP: what is inside */
	const struct conf_name *names; /* CONF_ENUM */

	double min, max;    /* range of a number, length of a string; both 0: the type's own */
	sa_family_t family; /* addresses, prefixes: only AF_INET or only AF_INET6 */
	uint16_t port;	    /* endpoints */
	size_t min_items;   /* lists: fewer are a fault when the key is given */
	size_t max_items;   /* lists: 0 means no limit */
	bool unique;	    /* lists of values: no value twice */
	bool id;	    /* in a list of groups: names the element, must be unique in the list */
	bool required;	    /* must be given, in a group that is given or required */
	bool reloadable;    /* may change while running; of a list: elements may come and go */
	bool has_present;   /* fill it with CONF_PRESENT */
	size_t present;	    /* offset of a bool: true when the file gives this key */

	/*
	 * Default, as text: for numbers, words, addresses and strings the bare value ("6275",
	 * "auto", "/etc/sno/core.key"), for lists libconfig text ("[ \"192.0.2.1\" ]"). NULL: the
	 * field stays zero.
	 */
	const char *def;
	/* Further check of one value (the field's address): NULL, or what is wrong with it. */
	const char *(*check)(const void *value);
	const char *help; /* one line, no full stop: what it is, unit where there is one */
};

/* A single value; the type is the structure that the table describes. */
#define CONF_FIELD(type, field) .offset = offsetof(type, field), .size = sizeof(((type *)0)->field)
/* A list; of values, or of groups together with CONF_ELEMENT. */
#define CONF_LIST(type, field, count_field)                                                        \
	.offset = offsetof(type, field), .size = sizeof(*((type *)0)->field), .list = true,        \
	.count_offset = offsetof(type, count_field)
/* The keys of each element of a list of groups; their offsets count from the element. */
#define CONF_ELEMENT(type, table) .keys = (table)
/* A group that is a member structure; its keys' offsets count from that member. */
#define CONF_MEMBER(type, field, table)                                                            \
	.offset = offsetof(type, field), .size = sizeof(((type *)0)->field), .keys = (table)
/* A group whose keys' offsets count from the same structure as the group's own. */
#define CONF_INLINE(table) .offset = 0, .keys = (table)
/* Records in a bool of the structure whether the file gives this key. */
#define CONF_PRESENT(type, field) .has_present = true, .present = offsetof(type, field)

struct conf_check;

struct conf_schema {
	const struct conf_key *keys;
	size_t size; /* of the daemon's configuration structure */
	/* Checks across keys, run only when every key by itself is good. May be NULL. */
	void (*check)(struct conf_check *check, const void *config);
};

/*
 * Receives every fault, in the order of the file: message is "FILE:LINE: TEXT" without a newline
 * (or "FILE: TEXT" for a file that cannot be read).
 */
typedef void conf_report_fn(void *arg, const char *message);

/* A conf_report_fn that writes a line to the FILE * in arg. */
void conf_report_file(void *arg, const char *message);

/*
 * Reads a configuration file. On success 0, and *config (schema->size bytes, what it held before
 * does not matter) is filled and must be given to conf_free(). On any fault -EINVAL, on a file that
 * cannot be read -errno; every fault has then been reported and *config is untouched.
 * Only regular files up to CONF_FILE_MAX bytes are read. `@include "FILE"` on a line of its own
 * reads FILE (relative to the including file) in place, CONF_INCLUDE_DEPTH deep at most.
 */
int conf_load(const struct conf_schema *schema, const char *path, void *config,
	      conf_report_fn *report, void *arg);

#define CONF_FILE_MAX	   ((size_t)256 << 20)
#define CONF_INCLUDE_DEPTH 8

/* The same for text in memory; name stands for the file in messages. @include is refused. */
int conf_load_text(const struct conf_schema *schema, const char *name, const char *text,
		   size_t length, void *config, conf_report_fn *report, void *arg);

/* Frees all that conf_load() put into the structure and zeroes it. */
void conf_free(const struct conf_schema *schema, void *config);

/*
 * For schema->check: reports a fault at the line of a key. The path is as printed in messages:
 * "core.port", "peers[2].endpoint" (elements count from 0). Where the file does not give that key,
 * the line of the nearest group around it is taken.
 */
void conf_fault(struct conf_check *check, const char *path, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The line alone, for a message that points at a second place; 0 when the file has no such thing.
 */
unsigned int conf_line(const struct conf_check *check, const char *path);

/*
 * Prints the effective configuration, defaults included, as libconfig text that conf_load() reads
 * back to an equal structure. It holds no secrets: those are in files, and only their names are
 * here.
 */
void conf_print(FILE *out, const struct conf_schema *schema, const void *config);

/* Prints the reference: for every key its path, type, range, default, and the table's help. */
void conf_document(FILE *out, const struct conf_schema *schema);

enum conf_change_kind { CONF_CHANGED, CONF_ADDED, CONF_REMOVED };

/* One difference. The path names elements of lists by their id: "peers[b.example].endpoint". */
struct conf_change {
	enum conf_change_kind kind;
	const char *path;
	const struct conf_key *key; /* for added and removed elements: the list's key */
	const void *old_value;	    /* field (or element) in the old structure; NULL when added */
	const void *new_value;	    /* the same in the new one; NULL when removed */
	bool reloadable;	    /* key->reloadable */
};

typedef void conf_change_fn(void *arg, const struct conf_change *change);

/*
 * Compares two configurations key by key and tells every difference (change may be NULL). Lists of
 * groups with an id are compared by id, whatever their order. Returns the number of differences.
 */
size_t conf_compare(const struct conf_schema *schema, const void *old_config,
		    const void *new_config, conf_change_fn *change, void *arg);
bool conf_equal(const struct conf_schema *schema, const void *a, const void *b);

#endif
