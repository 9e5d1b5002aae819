/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any text as a configuration, once where keys have limits and once where they have none: read, or
 * refused with at least one fault; and what was read prints so that it reads again to the same. A
 * table that is wrong in itself reads nothing.
 */
#define _GNU_SOURCE /* memfd_create */
#include <stdlib.h>

#include "../unit/sample_config.h"
#include "file.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libconfig 1.5 loses the last string it scanned before a syntax error. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig";
}

static void count(void *arg, const char *message)
{
	if (*message)
		++*(size_t *)arg;
}

/* Keys of the sample without its limits; and a name of its own kind. */
struct plain {
	int32_t tag;
	uint64_t big;
	usec_t interval;
	double ratio;
	bool enabled;
	char *text, *path;
	uint8_t key[CONF_KEY_BYTES];
	struct endpoint server;
};

static void plain_check(struct conf_check *check, const void *config);

static const struct conf_key plain_keys[] = {
	{"tag", CONF_INT, CONF_FIELD(struct plain, tag)},
	{"big", CONF_INT, CONF_FIELD(struct plain, big), .def = "0x10"},
	{"interval", CONF_SECONDS, CONF_FIELD(struct plain, interval), .max = 1e6, .def = "1.5"},
	{"ratio", CONF_NUMBER, CONF_FIELD(struct plain, ratio), .def = "1e3"},
	{"enabled", CONF_BOOL, CONF_FIELD(struct plain, enabled), .def = "false"},
	{"text", CONF_SATELLITE, CONF_FIELD(struct plain, text)},
	{"path", CONF_PATH, CONF_FIELD(struct plain, path)},
	{"key", CONF_KEY, CONF_FIELD(struct plain, key)},
	{"server", CONF_ENDPOINT, CONF_FIELD(struct plain, server), .port = 7},
	{0}};

static const struct conf_schema plain_schema = {plain_keys, sizeof(struct plain), plain_check};

/* A daemon may find fault with any key, there or not, by any path. */
static void plain_check(struct conf_check *check, const void *config)
{
	const struct plain *plain = config;

	if (conf_line(check, "tag[0].nothing") != 0 || conf_line(check, "nothing") != 0)
		abort();
	if (plain->tag == 7 && conf_line(check, "tag") == 0)
		abort();
	if (plain->tag == 8)
		conf_fault(check, "tag[3].deeper", "is not %d", 8);
}

/* Faults of the programmer's, each in a table of its own. */
static const struct conf_key wrong_keys[][3] = {
	{{"n", CONF_INT, .size = 3}, {0}},
	{{"n", CONF_INT, CONF_FIELD(struct plain, tag), .def = "many"}, {0}},
	{{"n", CONF_SECONDS, CONF_FIELD(struct plain, interval), .def = "soon"}, {0}},
	{{"n", CONF_NUMBER, CONF_FIELD(struct plain, ratio), .def = "half"}, {0}},
	{{"n", CONF_NUMBER, CONF_FIELD(struct plain, ratio), .max = 1, .def = "2"}, {0}},
	{{"n", CONF_BOOL, CONF_FIELD(struct plain, enabled), .def = "maybe"}, {0}},
	{{"n", CONF_KEY, CONF_FIELD(struct plain, key), .def = "abc"}, {0}},
	{{"n", CONF_ENUM, .size = sizeof(int)}, {0}},
	{{"n", CONF_GROUP, .size = 0}, {0}},
	{{"n", CONF_GROUP, CONF_INLINE(wrong_keys[0])}, {0}},
	{{"n", (enum conf_type)99, .size = 1}, {0}},
	{{"n", CONF_INT, .offset = sizeof(struct plain), .size = 4}, {0}},
	{{"n", CONF_INT, .size = 4, .list = true, .count_offset = sizeof(struct plain)}, {0}},
	{{"n", CONF_INT, CONF_FIELD(struct plain, tag)},
	 {"n", CONF_INT, CONF_FIELD(struct plain, tag)},
	 {0}},
};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char list[] = "[ 1, 2";
	struct conf_key keys[] = {{"n", CONF_INT, .offset = 0, .size = 4, .list = true,
				   .count_offset = 8, .def = list},
				  {0}};
	struct plain config;
	size_t faults;

	(void)argc;
	(void)argv;
	for (size_t i = 0; i <= sizeof(wrong_keys) / sizeof(wrong_keys[0]); i++) {
		const struct conf_schema schema = {i ? wrong_keys[i - 1] : keys,
						   sizeof(struct plain), NULL};

		faults = 0;
		if (conf_load_text(&schema, "wrong", "", 0, &config, count, &faults) == 0 ||
		    !faults)
			abort();
	}
	return 0;
}

/* Read as this schema has it, into either of the two. */
static void read_text(const struct conf_schema *schema, const uint8_t *data, size_t size,
		      void *config, void *again)
{
	size_t faults = 0, length;
	char *text;
	FILE *out;

	if (conf_load_text(schema, "fuzz", (const char *)data, size, config, count, &faults) < 0) {
		if (!faults)
			abort();
		return;
	}
	if (faults)
		abort();
	out = open_memstream(&text, &length);
	if (!out)
		abort();
	conf_print(out, schema, config);
	fclose(out);
	if (conf_load_text(schema, "again", text, length, again, conf_report_file, stderr) < 0 ||
	    !conf_equal(schema, config, again))
		abort();
	free(text);
	conf_free(schema, config);
	conf_free(schema, again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sample_config config, again;
	struct plain plain, plain_again;
	char path[FILE_PATH];
	size_t faults = 0;
	int fd = file_of(data, size, path);

	if (conf_load(&sample_schema, path, &config, count, &faults) == 0)
		conf_free(&sample_schema, &config);
	else if (!faults)
		abort();
	close(fd);
	read_text(&sample_schema, data, size, &config, &again);
	read_text(&plain_schema, data, size, &plain, &plain_again);
	return 0;
}
