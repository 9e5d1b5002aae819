/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration reader: values of every type, every fault at its line, the effective
 * configuration that parses again to the same, and comparison for a reload.
 *
 * tests/config/schema holds broken files, each with what must be said about it in NAME.expected.
 */
#include "conf.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "sample_config.h"

#define ROUNDS 2000

/* --- helpers --- */

struct report {
	char text[1 << 16];
};

static void collect(void *arg, const char *message)
{
	struct report *report = arg;
	size_t n = strlen(report->text);

	snprintf(report->text + n, sizeof(report->text) - n, "%s\n", message);
}

static struct report report;

static int load(struct sample_config *config, const char *text)
{
	report.text[0] = '\0';
	return conf_load_text(&sample_schema, "t.conf", text, strlen(text), config, collect,
			      &report);
}

static void load_good(struct sample_config *config, const char *text)
{
	if (load(config, text) != 0)
		fail_msg("refused: %s", report.text);
}

/* The text must be refused with exactly these lines. */
static void refused(const char *text, const char *expected)
{
	struct sample_config config;

	memset(&config, 0xa5, sizeof(config));
	assert_int_equal(load(&config, text), -EINVAL);
	assert_string_equal(report.text, expected);
	for (size_t i = 0; i < sizeof(config); i++)
		assert_int_equal(((unsigned char *)&config)[i], 0xa5); /* untouched */
}

static char *print(const struct sample_config *config)
{
	size_t length;
	char *text;
	FILE *out = open_memstream(&text, &length);

	assert_non_null(out);
	conf_print(out, &sample_schema, config);
	fclose(out);
	return text;
}

static char *directory; /* of this run */

static void write_file(const char *name, const char *text)
{
	char path[300];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	fclose(file);
}

static int load_file(struct sample_config *config, const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	report.text[0] = '\0';
	return conf_load(&sample_schema, path, config, collect, &report);
}

#define MINIMAL "basic = { name = \"a\"; };\n"

/* --- values --- */

static void test_defaults(void **state)
{
	struct sample_config c;

	(void)state;
	load_good(&c, MINIMAL);
	assert_string_equal(c.basic.name, "a");
	assert_int_equal(c.basic.port, 6275);
	assert_int_equal(c.basic.offset, -5);
	assert_int_equal(c.basic.tag, 0);
	assert_true(c.basic.enabled);
	assert_int_equal(c.interval, 2500000);
	assert_int_equal(c.optional, 0);
	assert_true(c.ratio == -0.5);
	assert_null(c.text);
	assert_true(addr_none(&c.any));
	assert_true(prefix_none(&c.prefix));
	assert_int_equal(c.lladdr.bytes[5], 1);
	assert_int_equal(c.colour, SAMPLE_GREEN);
	assert_int_equal(c.listen_count, 2);
	assert_int_equal(c.listen[1].family, AF_INET6);
	assert_int_equal(c.word_count, 0);
	assert_false(c.extra.given);
	assert_string_equal(c.extra.note, "none \"yet\"");
	assert_int_equal(c.peer_count, 0);
	conf_free(&sample_schema, &c);
	for (size_t i = 0; i < sizeof(c); i++)
		assert_int_equal(((unsigned char *)&c)[i], 0);
}

static void test_values(void **state)
{
	static const char text[] =
		"basic = { name = \"x-1_y.z@a+b\"; port = 0xFFFF; offset = -128; tag = "
		"4294967295;\n"
		"  big = -9000000000000000000; enabled = false; };\n"
		"interval = 1; optional = 1.5; ratio = 50.0755381; text = \"a\\\"b\\\\c\\n\\x01\" "
		"\"d\";\n"
		"path = \"/etc/x\"; interface = \"acc0\"; any = \"2001:db8::1\"; four = "
		"\"192.0.2.1\";\n"
		"prefix = \"10.0.0.0/8\"; six = \"2001:db8::/32\"; server = \"[::1]:53\";\n"
		"lladdr = \"02:00:00:00:00:09\"; key = "
		"\"qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo=\";\n"
		"colour = \"red\"; listen = [ \"192.0.2.7\" ]; words = [ \"p\", \"q\" ];\n"
		"numbers = ( 3, 0x1F, 1000 ); extra = { depth = 3; };\n"
		"peers = ( { name = \"b\"; endpoint = \"192.0.2.2\"; prefixes = [ \"10.2.0.0/24\" "
		"]; },\n"
		"          { name = \"c\"; endpoint = \"[2001:db8::2]:99\"; weight = 0; } );\n"
		"spots = ( { x = 1; y = -2; }, { x = 1; y = -2; } );";
	struct sample_config c;

	(void)state;
	load_good(&c, text);
	assert_string_equal(c.basic.name, "x-1_y.z@a+b");
	assert_int_equal(c.basic.port, 65535);
	assert_int_equal(c.basic.offset, -128);
	assert_true(c.basic.tag == 4294967295u);
	assert_true(c.basic.big == -9000000000000000000LL);
	assert_false(c.basic.enabled);
	assert_int_equal(c.interval, 1000000);
	assert_int_equal(c.optional, 1500000);
	assert_true(c.ratio == 50.0755381);
	assert_string_equal(c.text, "a\"b\\c\n\x01"
				    "d");
	assert_int_equal(c.any.bytes[15], 1);
	assert_int_equal(c.four.bytes[0], 192);
	assert_int_equal(c.prefix.length, 8);
	assert_int_equal(c.six.length, 32);
	assert_int_equal(c.server.port, 53);
	assert_int_equal(c.key[31], 0xaa);
	assert_int_equal(c.colour, SAMPLE_RED);
	assert_int_equal(c.listen_count, 1);
	assert_int_equal(c.word_count, 2);
	assert_string_equal(c.words[1], "q");
	assert_int_equal(c.numbers[1], 31);
	assert_true(c.extra.given);
	assert_int_equal(c.extra.depth, 3);
	assert_int_equal(c.peer_count, 2);
	assert_int_equal(c.peers[0].endpoint.port, 6275);
	assert_int_equal(c.peers[0].prefixes[0].length, 24);
	assert_int_equal(c.peers[0].weight, 10);
	assert_int_equal(c.peers[1].endpoint.port, 99);
	assert_int_equal(c.peers[1].weight, 0);
	assert_int_equal(c.spots[1].y, -2);
	conf_free(&sample_schema, &c);
}

/* What libconfig 1.5 would take for another number, or for garbage. */
static void test_numbers(void **state)
{
	struct sample_config c;

	(void)state;
	load_good(&c, "basic = { name = \"a\"; tag = 0xFFFFFFFF; big = 4294967296; }; # end");
	assert_true(c.basic.tag == 0xffffffffu);
	assert_true(c.basic.big == 4294967296LL);
	conf_free(&sample_schema, &c);
	load_good(&c,
		  "basic = { name = \"a\"; big = 0x7FFFFFFFFFFFL; tag = 0000000000000000007; };");
	assert_true(c.basic.big == 0x7fffffffffffLL);
	assert_int_equal(c.basic.tag, 7);
	conf_free(&sample_schema, &c);
	refused("basic = { name = \"a\"; port = 4294968571; };",
		"t.conf:1: basic.port: 4294968571 is out of range: 1 to 65535\n");
	refused("basic = { name = \"a\";\n tag = 99999999999999999999; };",
		"t.conf:2: number 99999999999999999999 is out of range: it must fit 64 bits\n"
		"t.conf:2: basic.tag: 9223372036854775807 is out of range: 0 to 4294967295\n");
	refused("basic = { name = \"a\"; };\ninterval = 1e400;",
		"t.conf:2: interval: inf s is out of range: 0.001 to 86400 s\n");
	/* Digits inside names, strings and comments are no numbers. */
	load_good(&c, MINIMAL "text = \"99999999999999999999\"; # 99999999999999999999\n"
			      "/* 99999999999999999999 */");
	assert_string_equal(c.text, "99999999999999999999");
	conf_free(&sample_schema, &c);
}

/* --- faults --- */

static void test_fault_texts(void **state)
{
	(void)state;
	refused("", "t.conf:1: missing basic (basics): it is required here\n");
	refused("basic = {\n\n};",
		"t.conf:1: missing basic.name (who this is): it is required here\n");
	refused(MINIMAL "pathh = 1;", "t.conf:2: unknown key pathh: did you mean path?\n");
	refused(MINIMAL "zzzzzz = 1;", "t.conf:2: unknown key zzzzzz\n");
	refused(MINIMAL "\n\ntext = \"a\";\ntext = \"b\";",
		"t.conf:5: this key is already set in the same group\n");
	refused(MINIMAL "text = ;", "t.conf:2: syntax error\n");
	refused(MINIMAL "text = \"abc\n\n", "t.conf:2: this string is never closed\n");
	refused(MINIMAL "/* abc\n\n", "t.conf:2: this comment is never closed\n");
	refused(MINIMAL "text = \"a\\x00b\";", "t.conf:2: a string cannot hold \\x00\n");
	refused(MINIMAL "text = \"\\xff\";", "t.conf:2: text: \"\xff\" is not UTF-8\n");
	refused(MINIMAL "text = \"\";", "t.conf:2: text: is empty\n");
	refused(MINIMAL "extra = { };",
		"t.conf:2: missing extra.depth (how deep): it is required here\n");
	refused(MINIMAL "listen = [ ];", "t.conf:2: listen: has 0 elements, expected at least 1\n");
	refused(MINIMAL "@include \"x\"\n", "t.conf:2: @include needs a file around it\n");
	assert_int_equal(conf_load_text(&sample_schema, "t.conf", "a\0b", 3,
					&(struct sample_config){0}, NULL, NULL),
			 -EINVAL);
}

static void test_cross_check(void **state)
{
	(void)state;
	refused(MINIMAL
		"basic2 = 1;\npeers = ( { name = \"b\"; endpoint = \"192.0.2.2:6276\"; } );",
		"t.conf:2: unknown key basic2: did you mean basic?\n"); /* not run after a fault */
	refused("basic = { name = \"a\";\n port = 8; };\n"
		"peers = ( { name = \"b\"; endpoint = \"192.0.2.2:7\"; },\n"
		" { name = \"c\";\n endpoint = \"192.0.2.2:9\"; } );\n",
		"t.conf:5: peers[1].endpoint: is one off the own port of line 2\n");
	/* A key that is not there is told at the group around it. */
	refused(MINIMAL "text = \"forbidden\";",
		"t.conf:1: path: is needed with a forbidden text\n");
}

static void test_many_faults(void **state)
{
	size_t length, lines = 0;
	char *text;
	FILE *out = open_memstream(&text, &length);

	(void)state;
	for (int i = 0; i < 1000; i++)
		fprintf(out, "unknown%d = 1;\n", i);
	fclose(out);
	assert_int_equal(load(&(struct sample_config){0}, text), -EINVAL);
	for (const char *p = report.text; *p; p++)
		lines += *p == '\n';
	assert_int_equal(lines, 201);
	assert_non_null(strstr(report.text, "and 801 more faults"));
	free(text);
}

/* Every file of tests/config/schema. */
static void test_pairs(void **state)
{
	const char *top = getenv("SRCDIR");
	char path[1000], expected[1 << 16], name[300];
	struct sample_config config;
	struct dirent *entry;
	size_t n, pairs = 0;
	char *cwd = getcwd(NULL, 0);
	DIR *dir;

	(void)state;
	snprintf(path, sizeof(path), "%s/tests/config/schema", top ? top : ".");
	assert_int_equal(chdir(path), 0);
	dir = opendir(".");
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		size_t stem = strlen(entry->d_name);
		FILE *file;
		int err;

		if (stem < 6 || strcmp(entry->d_name + stem - 5, ".conf") != 0)
			continue;
		snprintf(name, sizeof(name), "%.*s.expected", (int)stem - 5, entry->d_name);
		file = fopen(name, "r");
		assert_non_null(file);
		n = fread(expected, 1, sizeof(expected) - 1, file);
		expected[n] = '\0';
		fclose(file);
		report.text[0] = '\0';
		err = conf_load(&sample_schema, entry->d_name, &config, collect, &report);
		if (err == 0) { /* a good one: the effective configuration is expected */
			char *text = print(&config);

			assert_string_equal(text, expected);
			free(text);
			conf_free(&sample_schema, &config);
		} else {
			assert_string_equal(report.text, expected);
		}
		pairs++;
	}
	closedir(dir);
	assert_true(pairs >= 5);
	assert_int_equal(chdir(cwd), 0);
	free(cwd);
}

/* --- files --- */

static void test_include(void **state)
{
	struct sample_config c;
	char expected[2000];

	(void)state;
	write_file("main.conf",
		   "basic = { name = \"a\"; };\n  @include \"sub.conf\"\ninterval = 0;\n");
	write_file("sub.conf", "text = \"t\";\ncolour = \"blue\"");
	assert_int_equal(load_file(&c, "main.conf"), -EINVAL);
	snprintf(expected, sizeof(expected),
		 "%s/sub.conf:2: colour: \"blue\" is not one of \"red\", \"green\"\n"
		 "%s/main.conf:3: interval: 0 s is out of range: 0.001 to 86400 s\n",
		 directory, directory);
	assert_string_equal(report.text, expected);

	/* A list that lives in a file of its own. */
	write_file("main.conf",
		   "basic = { name = \"a\"; };\npeers = (\n@include \"sub.conf\"\n);\n");
	write_file("sub.conf", "{ name = \"b\"; endpoint = \"192.0.2.2\"; } # no newline");
	assert_int_equal(load_file(&c, "main.conf"), 0);
	assert_int_equal(c.peer_count, 1);
	conf_free(&sample_schema, &c);

	/* In strings and comments it is only text. */
	write_file("main.conf",
		   "/*\n@include \"x\"\n*/ basic = { name = \"a\"; }; text = \"\n@include "
		   "\\\"x\\\"\";\n");
	assert_int_equal(load_file(&c, "main.conf"), 0);
	assert_string_equal(c.text, "\n@include \"x\"");
	conf_free(&sample_schema, &c);
}

static void test_include_faults(void **state)
{
	struct sample_config c;

	(void)state;
	write_file("main.conf", "\n@include \"main.conf\"\n");
	assert_int_equal(load_file(&c, "main.conf"), -EINVAL);
	assert_non_null(strstr(report.text, "main.conf:2: @include goes deeper than 8 files"));
	write_file("main.conf", "\n@include \"nope.conf\"\n");
	assert_int_equal(load_file(&c, "main.conf"), -ENOENT);
	assert_non_null(strstr(report.text, "main.conf:2: cannot include "));
	write_file("main.conf", "@include nope\n");
	assert_int_equal(load_file(&c, "main.conf"), -EINVAL);
	assert_non_null(strstr(report.text, "main.conf:1: write @include \"FILE\""));
	write_file("main.conf", "@include \"nope");
	assert_int_equal(load_file(&c, "main.conf"), -EINVAL);
}

/* As deep as is said, and no deeper. */
static void test_include_depth(void **state)
{
	struct sample_config c;
	char name[40], text[100];

	(void)state;
	for (int i = 0; i < CONF_INCLUDE_DEPTH + 1; i++) {
		snprintf(name, sizeof(name), "%d.conf", i);
		snprintf(text, sizeof(text), "@include \"%d.conf\"\n", i + 1);
		write_file(name, i == CONF_INCLUDE_DEPTH ? MINIMAL : text);
	}
	assert_int_equal(load_file(&c, "0.conf"), 0);
	conf_free(&sample_schema, &c);
	write_file("main.conf", "@include \"0.conf\"\n");
	assert_int_equal(load_file(&c, "main.conf"), -EINVAL);
	for (int i = 0; i < CONF_INCLUDE_DEPTH + 1; i++) {
		snprintf(name, sizeof(name), "%s/%d.conf", directory, i);
		unlink(name);
	}
}

static void test_strange_files(void **state)
{
	struct sample_config c;
	char path[300];

	(void)state;
	assert_int_equal(load_file(&c, "."), -EISDIR);
	assert_int_equal(load_file(&c, "absent"), -ENOENT);
	snprintf(path, sizeof(path), "%s/fifo", directory);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(load_file(&c, "fifo"), -ENODEV); /* and does not wait */
	write_file("main.conf", "@include \"fifo\"\n");
	assert_int_equal(load_file(&c, "main.conf"), -ENODEV);
	assert_int_equal(conf_load(&sample_schema, "/dev/zero", &c, NULL, NULL), -ENODEV);
	write_file("huge.conf", "");
	snprintf(path, sizeof(path), "%s/huge.conf", directory);
	assert_int_equal(truncate(path, (off_t)CONF_FILE_MAX + 1), 0);
	assert_int_equal(load_file(&c, "huge.conf"), -EFBIG);
	unlink(path);
}

/* A table that does not fit its structure is found at the first load. */
static void test_wrong_schema(void **state)
{
	static const struct conf_key short_key[] = {
		{"port", CONF_SECONDS, CONF_FIELD(struct sample_config, basic.port)}, {0}};
	static const struct conf_key twice[] = {
		{"text", CONF_STRING, CONF_FIELD(struct sample_config, text)},
		{"text", CONF_STRING, CONF_FIELD(struct sample_config, path)},
		{0}};
	static const struct conf_key bad_default[] = {
		{"interval", CONF_SECONDS, CONF_FIELD(struct sample_config, interval), .def = "x"},
		{0}};
	static const struct conf_key no_keys[] = {{"peers", CONF_GROUP, .size = 0}, {0}};
	static const struct conf_key *const tables[] = {short_key, twice, bad_default, no_keys};

	(void)state;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		struct conf_schema schema = {tables[i], sizeof(struct sample_config), NULL};
		struct sample_config c;

		assert_true(conf_load_text(&schema, "t", "", 0, &c, NULL, NULL) < 0);
	}
}

/* What catalogues call satellites is kept as the protocol has it; two such names may be one. */
static void test_satellites(void **state)
{
	static const struct conf_key key[] = {
		{"text", CONF_SATELLITE, CONF_FIELD(struct sample_config, text)}, {0}};
	static const struct conf_schema schema = {key, sizeof(struct sample_config), NULL};
	static const struct {
		const char *text, *kept; /* NULL: refused */
	} cases[] = {
		{"text = \"IRIDIUM 7 [-]\";", "iridium-7----"},
		{"text = \"ISS (ZARYA)\";", "iss--zarya-"},
		{"text = \"s1\";", "s1"},
		{"text = \"a,b\";", NULL},
		{"text = \" a\";", NULL},
		{"text = \"\";", NULL},
		{"text = \"caf\xc3\xa9\";", NULL},
	};
	struct sample_config c;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int err = conf_load_text(&schema, "t", cases[i].text, strlen(cases[i].text), &c,
					 NULL, NULL);

		if (!cases[i].kept) {
			assert_int_equal(err, -EINVAL);
			continue;
		}
		assert_int_equal(err, 0);
		assert_string_equal(c.text, cases[i].kept);
		conf_free(&schema, &c);
	}
}

/* --- printing and comparing --- */

static uint64_t seed = 88172645463325252ull;

static unsigned int random_below(unsigned int n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned int)(seed >> 16) % n;
}

static char *random_string(enum conf_type type)
{
	static const char *const pieces[] = {"\"",   "\\",  "\n", "\t",	  "\x01",  "\x1f",
					     "\x7f", "a",   "Z",  "7",	  "'",	   "\xc3\xa9",
					     "#",    "/*",  "//", "${x}", "\\x41", "@include \"x\"",
					     "\r",   "x00", "L"};
	static const char name[] = "abcXYZ019._-@+";
	char text[200] = "";
	size_t n = 0, length = 1 + random_below(12);

	for (size_t i = 0; i < length; i++) {
		if (type == CONF_STRING)
			n += (size_t)snprintf(
				text + n, sizeof(text) - n, "%s",
				pieces[random_below(sizeof(pieces) / sizeof(*pieces))]);
		else
			text[n++] = name[random_below(sizeof(name) - 1)];
	}
	if (type == CONF_PATH)
		text[0] = '/';
	if (type == CONF_IFNAME)
		text[0] = 'i';
	return strdup(text);
}

static void random_addr(struct addr *a, sa_family_t family)
{
	memset(a, 0, sizeof(*a));
	a->family = family ? family : random_below(2) ? AF_INET : AF_INET6;
	for (size_t i = 0; i < addr_length(a->family); i++)
		a->bytes[i] = (uint8_t)random_below(256);
	a->bytes[0] = 0x20; /* no multicast, nothing special */
}

static void random_value(const struct conf_key *key, void *field)
{
	struct prefix *prefix = field;
	struct endpoint *endpoint = field;
	double span = key->max - key->min;

	switch (key->type) {
	case CONF_BOOL:
		*(bool *)field = random_below(2);
		break;
	case CONF_INT: {
		long long value = (long long)(key->min + span * random_below(1001) / 1000.0);

		memcpy(field, &value, key->size); /* little-endian or all of it: see the check */
		break;
	}
	case CONF_SECONDS:
		*(usec_t *)field = clock_from_seconds(key->min) +
				   (usec_t)random_below(1000000000) % clock_from_seconds(span);
		break;
	case CONF_NUMBER:
		*(double *)field = key->min + span * random_below(1000000007) / 1000000006.;
		break;
	case CONF_ADDR:
		random_addr(field, key->family);
		break;
	case CONF_PREFIX:
		random_addr(&prefix->addr, key->family);
		prefix->length = (uint8_t)(addr_bits(prefix->addr.family));
		break;
	case CONF_ENDPOINT:
		memset(endpoint, 0, sizeof(*endpoint));
		random_addr(&endpoint->addr, key->family);
		endpoint->port = (uint16_t)(1 + random_below(65535));
		break;
	case CONF_LLADDR:
	case CONF_KEY:
		for (size_t i = 0; i < key->size; i++)
			((uint8_t *)field)[i] = (uint8_t)(2 + 4 * random_below(60));
		break;
	case CONF_ENUM:
		*(int *)field = key->names[random_below(2)].value;
		break;
	default:
		*(char **)field = random_string(key->type);
	}
}

static void random_keys(const struct conf_key *keys, char *base)
{
	for (const struct conf_key *key = keys; key->name; key++) {
		char *field = base + key->offset, *items;
		size_t count = key->min_items + random_below(3);

		if (key->has_present)
			*(bool *)(void *)(base + key->present) = random_below(4) > 0;
		if (key->type == CONF_GROUP && !key->list) {
			bool given = !key->has_present || *(bool *)(void *)(base + key->present);

			if (given)
				random_keys(key->keys, field);
			continue;
		}
		if (!key->list) {
			if (key->required || key->def || random_below(4))
				random_value(key, field);
			if (key->check)
				*(int *)(void *)field &= ~1;
			continue;
		}
		items = count ? calloc(count, key->size) : NULL;
		for (size_t i = 0; i < count; i++) {
			if (key->type == CONF_GROUP)
				random_keys(key->keys, items + i * key->size);
			else
				random_value(key, items + i * key->size);
		}
		*(void **)(void *)field = items;
		*(size_t *)(void *)(base + key->count_offset) = count;
	}
}

/* Randomness may repeat what must be unique; such a structure could not have been loaded. */
static bool loadable(const struct sample_config *c)
{
	for (size_t i = 1; i < c->number_count; i++) {
		for (size_t j = 0; j < i; j++) {
			if (c->numbers[i] == c->numbers[j])
				return false;
		}
	}
	for (size_t i = 0; i < c->peer_count; i++) {
		if (c->peers[i].endpoint.port == c->basic.port + 1)
			return false;
		for (size_t j = 0; j < i; j++) {
			if (strcmp(c->peers[i].name, c->peers[j].name) == 0)
				return false;
		}
	}
	return true;
}

/* Any configuration that could be loaded is printed so that it loads again to the same. */
static void test_print_parses_again(void **state)
{
	size_t tried = 0;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct sample_config c = {0}, again;
		char *text, *text_again;

		random_keys(sample_keys, (char *)&c);
		if (!c.extra.given) /* what loading gives a group that is missing */
			c.extra.note = strdup("none \"yet\"");
		if (loadable(&c)) {
			tried++;
			text = print(&c);
			load_good(&again, text);
			assert_true(conf_equal(&sample_schema, &c, &again));
			text_again = print(&again);
			assert_string_equal(text, text_again);
			free(text);
			free(text_again);
			conf_free(&sample_schema, &again);
		}
		conf_free(&sample_schema, &c);
	}
	assert_true(tried > ROUNDS / 2);
}

struct changes {
	char text[4000];
};

static void note_change(void *arg, const struct conf_change *change)
{
	static const char sign[] = {'=', '+', '-'};
	struct changes *changes = arg;
	size_t n = strlen(changes->text);

	assert_true(change->kind == CONF_ADDED ? !change->old_value : change->old_value != NULL);
	assert_true(change->kind == CONF_REMOVED ? !change->new_value : change->new_value != NULL);
	snprintf(changes->text + n, sizeof(changes->text) - n, "%c%s%s ", sign[change->kind],
		 change->path, change->reloadable ? "" : "!");
}

static void compared(const char *a, const char *b, const char *expected)
{
	struct changes changes = {""};
	struct sample_config x, y;
	size_t n;

	load_good(&x, a);
	load_good(&y, b);
	n = conf_compare(&sample_schema, &x, &y, note_change, &changes);
	assert_string_equal(changes.text, expected);
	assert_int_equal(n == 0, *expected == '\0');
	assert_int_equal(conf_equal(&sample_schema, &x, &y), n == 0);
	conf_free(&sample_schema, &x);
	conf_free(&sample_schema, &y);
}

#define PEER(name, address) "{ name = \"" name "\"; endpoint = \"" address "\"; }"

static void test_compare(void **state)
{
	(void)state;
	compared(MINIMAL, MINIMAL "interval = 2.5;", "");
	compared(MINIMAL, "basic = { name = \"b\"; port = 1; };", "=basic.name! =basic.port ");
	compared(MINIMAL, MINIMAL "interval = 3; text = \"x\";", "=interval =text! ");
	compared(MINIMAL "numbers = [ 1, 2 ];", MINIMAL "numbers = [ 2, 1 ];", "=numbers! ");
	compared(MINIMAL "extra = { depth = 1; };", MINIMAL, "-extra! ");
	compared(MINIMAL, MINIMAL "extra = { depth = 1; };", "+extra! ");
	compared(MINIMAL "extra = { depth = 2; };", MINIMAL "extra = { depth = 1; };",
		 "=extra.depth! ");
	/* By name, in any order. */
	compared(MINIMAL "peers = (" PEER("b", "192.0.2.2") ", " PEER("c", "192.0.2.3") ");",
		 MINIMAL "peers = (" PEER("c", "192.0.2.3") ", " PEER("b", "192.0.2.2") ");", "");
	compared(MINIMAL "peers = (" PEER("b", "192.0.2.2") ", " PEER("c", "192.0.2.3") ");",
		 MINIMAL "peers = (" PEER("d", "192.0.2.3") ", " PEER("b", "192.0.2.9") ");",
		 "=peers[b].endpoint -peers[c] +peers[d] ");
	compared(MINIMAL "peers = (" PEER("b", "192.0.2.2") ");", MINIMAL, "-peers[b] ");
	/* Without names by position. */
	compared(MINIMAL "spots = ( { x = 1; y = 1; } );",
		 MINIMAL "spots = ( { x = 1; y = 2; }, { x = 1; y = 1; } );",
		 "=spots[0].y! +spots[1]! ");
}

static void test_document(void **state)
{
	static const char *const lines[] = {
		"basic.name\ta name\trequired\trestart\twho this is\n",
		"basic.port\ta whole number, 1 to 65535\t6275\treload\twhere it listens\n",
		"interval\ta number of seconds, 0.001 to 86400\t2.5\treload\thow often\n",
		"colour\tone of \"red\", \"green\"\tgreen\trestart\ta colour\n",
		"peers[].endpoint\t",
	};
	size_t length, count = 0;
	char *text;
	FILE *out = open_memstream(&text, &length);

	(void)state;
	conf_document(out, &sample_schema);
	fclose(out);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_non_null(strstr(text, lines[i]));
	for (const char *p = text; *p; p++)
		count += *p == '\n';
	assert_int_equal(count, 36); /* each key once */
	free(text);
}

/* --- */

static int make_directory(void **state)
{
	static char name[] = "/tmp/test-conf.XXXXXX";

	(void)state;
	directory = mkdtemp(name);
	return directory ? 0 : -1;
}

static int remove_directory(void **state)
{
	static const char *const names[] = {"main.conf", "sub.conf", "fifo", "huge.conf"};
	char path[300];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		unlink(path);
	}
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),       cmocka_unit_test(test_values),
		cmocka_unit_test(test_numbers),	       cmocka_unit_test(test_fault_texts),
		cmocka_unit_test(test_cross_check),    cmocka_unit_test(test_many_faults),
		cmocka_unit_test(test_pairs),	       cmocka_unit_test(test_include),
		cmocka_unit_test(test_include_faults), cmocka_unit_test(test_include_depth),
		cmocka_unit_test(test_strange_files),  cmocka_unit_test(test_wrong_schema),
		cmocka_unit_test(test_satellites),     cmocka_unit_test(test_print_parses_again),
		cmocka_unit_test(test_compare),	       cmocka_unit_test(test_document),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("conf", tests, make_directory, remove_directory);
}
