/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A configuration with a key of every type and every property, for the tests and the fuzzer of the
 * reader. It is what no daemon would have, all at once.
 */
#ifndef SNO_SAMPLE_CONFIG_H
#define SNO_SAMPLE_CONFIG_H

#include <string.h>

#include "conf.h"

enum sample_colour { SAMPLE_RED = 1, SAMPLE_GREEN = 7 };

struct sample_peer {
	char *name;
	struct endpoint endpoint;
	uint8_t key[CONF_KEY_BYTES];
	struct prefix *prefixes;
	size_t prefix_count;
	int weight;
};

struct sample_config {
	struct {
		char *name;
		uint16_t port;
		int8_t offset;
		uint32_t tag;
		int64_t big;
		bool enabled;
	} basic;
	usec_t interval, optional;
	double ratio;
	char *text, *path, *interface;
	struct addr any, four;
	struct prefix prefix, six;
	struct endpoint server;
	struct lladdr lladdr;
	uint8_t key[CONF_KEY_BYTES];
	int colour;
	struct addr *listen;
	size_t listen_count;
	char **words;
	size_t word_count;
	int *numbers;
	size_t number_count;
	struct {
		bool given;
		int depth;
		char *note;
	} extra;
	struct sample_peer *peers;
	size_t peer_count;
	struct sample_spot {
		int x, y;
	} * spots;
	size_t spot_count;
};

static const char *sample_even(const void *value)
{
	return *(const int *)value % 2 ? "must be even" : NULL;
}

static const struct conf_name sample_colours[] = {
	{"red", SAMPLE_RED}, {"green", SAMPLE_GREEN}, {NULL, 0}};

static const struct conf_key sample_basic_keys[] = {
	{"name", CONF_NAME, CONF_FIELD(struct sample_config, basic.name), .required = true,
	 .max = 40, .help = "who this is"},
	{"port", CONF_INT, CONF_FIELD(struct sample_config, basic.port), .min = 1, .max = 65535,
	 .def = "6275", .reloadable = true, .help = "where it listens"},
	{"offset", CONF_INT, CONF_FIELD(struct sample_config, basic.offset), .min = -128,
	 .max = 127, .def = "-5", .help = "a small signed number"},
	{"tag", CONF_INT, CONF_FIELD(struct sample_config, basic.tag), .min = 0,
	 .max = 4294967295.0, .help = "32 bits, all of them"},
	{"big", CONF_INT, CONF_FIELD(struct sample_config, basic.big), .min = -9e18, .max = 9e18,
	 .help = "64 bits"},
	{"enabled", CONF_BOOL, CONF_FIELD(struct sample_config, basic.enabled), .def = "true",
	 .help = "whether"},
	{0}};

static const struct conf_key sample_extra_keys[] = {
	{"depth", CONF_INT, CONF_FIELD(struct sample_config, extra.depth), .min = 1, .max = 9,
	 .required = true, .help = "how deep"},
	{"note", CONF_STRING, CONF_FIELD(struct sample_config, extra.note), .def = "none \"yet\"",
	 .help = "a remark"},
	{0}};

static const struct conf_key sample_peer_keys[] = {
	{"name", CONF_NAME, CONF_FIELD(struct sample_peer, name), .required = true, .id = true,
	 .help = "its name"},
	{"endpoint", CONF_ENDPOINT, CONF_FIELD(struct sample_peer, endpoint), .port = 6275,
	 .required = true, .reloadable = true, .help = "its address"},
	{"public_key", CONF_KEY, CONF_FIELD(struct sample_peer, key), .help = "its key"},
	{"prefixes", CONF_PREFIX, CONF_LIST(struct sample_peer, prefixes, prefix_count),
	 .unique = true, .max_items = 3, .help = "its networks"},
	{"weight", CONF_INT, CONF_FIELD(struct sample_peer, weight), .min = 0, .max = 100,
	 .def = "10", .check = sample_even, .help = "its weight, even"},
	{0}};

static const struct conf_key sample_spot_keys[] = {
	{"x", CONF_INT, CONF_FIELD(struct sample_spot, x), .min = -9, .max = 9, .required = true,
	 .help = "across"},
	{"y", CONF_INT, CONF_FIELD(struct sample_spot, y), .min = -9, .max = 9, .required = true,
	 .help = "up"},
	{0}};

static const struct conf_key sample_keys[] = {
	{"basic", CONF_GROUP, CONF_INLINE(sample_basic_keys), .required = true, .help = "basics"},
	{"interval", CONF_SECONDS, CONF_FIELD(struct sample_config, interval), .min = 0.001,
	 .max = 86400, .def = "2.5", .reloadable = true, .help = "how often"},
	{"optional", CONF_SECONDS, CONF_FIELD(struct sample_config, optional), .min = 1, .max = 60,
	 .help = "how often, if at all"},
	{"ratio", CONF_NUMBER, CONF_FIELD(struct sample_config, ratio), .min = -90, .max = 90.5,
	 .def = "-0.5", .help = "a number"},
	{"text", CONF_STRING, CONF_FIELD(struct sample_config, text), .help = "any text"},
	{"path", CONF_PATH, CONF_FIELD(struct sample_config, path), .help = "a file"},
	{"interface", CONF_IFNAME, CONF_FIELD(struct sample_config, interface), .help = "a link"},
	{"any", CONF_ADDR, CONF_FIELD(struct sample_config, any), .help = "an address"},
	{"four", CONF_ADDR, CONF_FIELD(struct sample_config, four), .family = AF_INET,
	 .help = "an IPv4 address"},
	{"prefix", CONF_PREFIX, CONF_FIELD(struct sample_config, prefix), .help = "a network"},
	{"six", CONF_PREFIX, CONF_FIELD(struct sample_config, six), .family = AF_INET6,
	 .help = "an IPv6 network"},
	{"server", CONF_ENDPOINT, CONF_FIELD(struct sample_config, server), .help = "a server"},
	{"lladdr", CONF_LLADDR, CONF_FIELD(struct sample_config, lladdr),
	 .def = "02:53:4e:4f:00:01", .help = "a MAC"},
	{"key", CONF_KEY, CONF_FIELD(struct sample_config, key), .help = "a key"},
	{"colour", CONF_ENUM, CONF_FIELD(struct sample_config, colour), .names = sample_colours,
	 .def = "green", .help = "a colour"},
	{"listen", CONF_ADDR, CONF_LIST(struct sample_config, listen, listen_count),
	 .def = "[ \"127.0.0.1\", \"::1\" ]", .min_items = 1, .help = "own addresses"},
	{"words", CONF_STRING, CONF_LIST(struct sample_config, words, word_count), .help = "texts"},
	{"numbers", CONF_INT, CONF_LIST(struct sample_config, numbers, number_count), .min = 0,
	 .max = 1000, .unique = true, .help = "numbers"},
	{"extra", CONF_GROUP, CONF_INLINE(sample_extra_keys),
	 CONF_PRESENT(struct sample_config, extra.given), .help = "a group that may be missing"},
	{"peers", CONF_GROUP, CONF_LIST(struct sample_config, peers, peer_count),
	 CONF_ELEMENT(struct sample_peer, sample_peer_keys), .reloadable = true, .help = "others"},
	{"spots", CONF_GROUP, CONF_LIST(struct sample_config, spots, spot_count),
	 CONF_ELEMENT(struct sample_spot, sample_spot_keys), .help = "elements without a name"},
	{0}};

static void sample_check(struct conf_check *check, const void *config)
{
	const struct sample_config *c = config;
	char path[40];

	for (size_t i = 0; i < c->peer_count; i++) {
		snprintf(path, sizeof(path), "peers[%zu].endpoint", i);
		if (c->peers[i].endpoint.port == c->basic.port + 1)
			conf_fault(check, path, "is one off the own port of line %u",
				   conf_line(check, "basic.port"));
	}
	if (c->text && strcmp(c->text, "forbidden") == 0 && !c->path)
		conf_fault(check, "path", "is needed with a forbidden text");
}

static const struct conf_schema sample_schema = {sample_keys, sizeof(struct sample_config),
						 sample_check};

#endif
