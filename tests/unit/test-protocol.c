/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tables of the codec against the tables of the specification.
 *
 * common/PROTOCOL is what others implement from. Its tables of types, attributes, reasons and drops
 * are read here as text and compared with message_table.c line by line, in both directions, so
 * that neither can change without the other.
 */
#include "message.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "message_table.h"

#define LINE 512

static char *protocol;	/* the whole text */
static char *collapsed; /* the same with each run of white space as one blank */

static int load(void **state)
{
	const char *top = getenv("SRCDIR");
	char path[LINE];
	size_t length, out = 0;
	FILE *file;

	(void)state;
	snprintf(path, sizeof(path), "%s/common/PROTOCOL", top ? top : ".");
	file = fopen(path, "r");
	if (!file) {
		print_error("%s cannot be read; set SRCDIR to the top of the source tree\n", path);
		return -1;
	}
	protocol = calloc(1, 1 << 20);
	collapsed = calloc(1, 1 << 20);
	length = fread(protocol, 1, (1 << 20) - 1, file);
	fclose(file);
	for (size_t i = 0; i < length; i++) {
		bool blank = isspace((unsigned char)protocol[i]);

		if (!blank || (out > 0 && collapsed[out - 1] != ' '))
			collapsed[out++] = blank ? ' ' : protocol[i];
	}
	return 0;
}

static int unload(void **state)
{
	(void)state;
	free(protocol);
	free(collapsed);
	return 0;
}

/* Copies the line at text; returns the next one, NULL at the end. */
static const char *line_at(const char *text, char line[LINE])
{
	size_t length = strcspn(text, "\n");

	snprintf(line, LINE, "%.*s", (int)length, text);
	return text[length] ? text + length + 1 : NULL;
}

/* The first line of a section: "\n3.1  Types". */
static const char *section(const char *start)
{
	const char *at = strstr(protocol, start);

	if (!at)
		fail_msg("no section %s", start + 1);
	return at + 1;
}

/* Cuts a column out of a line, without the blanks around it. */
static const char *column(const char *line, size_t from, size_t to, char text[LINE])
{
	size_t length = strlen(line);

	if (from > length)
		from = length;
	if (to > length)
		to = length;
	while (from < to && line[from] == ' ')
		from++;
	while (to > from && line[to - 1] == ' ')
		to--;
	snprintf(text, LINE, "%.*s", (int)(to - from), line + from);
	return text;
}

static uint64_t attribute_named(const char *name)
{
	for (unsigned int a = 1; a < ATTR_COUNT; a++)
		if (strcmp(attribute_name(a), name) == 0)
			return UINT64_C(1) << a;
	fail_msg("the codec has no attribute %s", name);
	return 0;
}

/* "R CORE, EPOCH", or more names of the same kind, or "none". */
static void read_attributes(const char *text, bool *optional, struct message_row *row)
{
	char copy[LINE], *rest = copy;

	if (strcmp(text, "none") == 0 || strncmp(text, "not attributes", 14) == 0)
		return;
	snprintf(copy, sizeof(copy), "%s", text);
	if (strncmp(copy, "R ", 2) == 0 || strncmp(copy, "O ", 2) == 0) {
		*optional = copy[0] == 'O';
		rest += 2;
	}
	for (char *name = strtok(rest, ", "); name; name = strtok(NULL, ", "))
		*(*optional ? &row->optional : &row->required) |= attribute_named(name);
}

static unsigned int places_named(const char *text, bool attributes)
{
	static const struct {
		const char *text;
		unsigned int places;
	} names[] = {
		{"in 0x01/02", PLACE_HELLO},	     {"in 0x21", PLACE_IDENTITY},
		{"in 0x22/23", PLACE_ASSIGNMENT},    {"access,clear", PLACE_CLEAR},
		{"in SEALED", PLACE_REGISTRATION},   {"core", PLACE_CORE},
		{"both", PLACE_CORE | PLACE_ACCESS},
	};

	if (!attributes) /* no place of the codec */
		return 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i].text, text) == 0)
			return names[i].places;
	fail_msg("place \"%s\"", text);
	return 0;
}

static void assert_row(unsigned int type, const char *name, const struct message_row *said)
{
	const struct message_row *row = message_row(type);

	if (!row)
		fail_msg("the codec has no type 0x%02x %s", type, name);
	assert_string_equal(row->name, name);
	if (row->places != said->places || row->id != said->id)
		fail_msg("%s: place or id differ", name);
	/* What is optional in one place and required in the other stands under O in the text. */
	if (row->required != said->required || row->optional != said->optional)
		fail_msg("%s: attributes differ: R %jx O %jx, the text says R %jx O %jx", name,
			 (uintmax_t)row->required, (uintmax_t)row->optional,
			 (uintmax_t)said->required, (uintmax_t)said->optional);
	assert_int_equal(row->core & ~row->optional, 0);
	assert_int_equal((row->accepted | row->accepted_any | row->together) & ~row->optional, 0);
}

static void test_types(void **state)
{
	const char *at = strstr(section("\n3.1  Types."), "\n type  name");
	const char *end = section("\n3.2  Attributes.");
	char line[LINE], head[LINE], text[LINE], name[2 * LINE] = "";
	size_t name_at, place_at, id_at, attributes_at;
	struct message_row said = {0};
	bool optional = false;
	int type = -1;
	unsigned int count = 0, known = 0;

	(void)state;
	assert_non_null(at);
	at = line_at(at + 1, head);
	name_at = (size_t)(strstr(head, "name") - head);
	place_at = (size_t)(strstr(head, "place") - head);
	id_at = (size_t)(strstr(head, "id ") - head);
	attributes_at = (size_t)(strstr(head, "attributes") - head);
	while (at && at < end) {
		bool starts, blank;

		at = line_at(at, line);
		starts = strncmp(line, " 0x", 3) == 0;
		blank = line[strspn(line, " ")] == '\0';
		if (line[0] == '"') /* the prose under the table */
			break;
		if (starts && type >= 0)
			assert_row((unsigned int)type, name, &said);
		if (starts) {
			type = (int)strtoul(line + 1, NULL, 16);
			column(line, name_at, place_at, name);
			said = (struct message_row){
				.places = places_named(column(line, place_at, id_at, text),
						       !strstr(line, " not attributes")),
				.id = strcmp(column(line, id_at, attributes_at, text), "0") != 0,
			};
			count++;
		} else if (*column(line, name_at, place_at, text)) { /* the rest of a long name */
			strcat(strcat(name, " "), text);
		}
		if (type >= 0 && !blank)
			read_attributes(column(line, attributes_at, LINE, text), &optional, &said);
	}
	assert_row((unsigned int)type, name, &said);
	for (unsigned int code = 0; code <= UINT8_MAX; code++)
		known += message_row(code) != NULL;
	assert_int_equal(count, known);
}

/* The names from a sentence that starts so up to one that ends so. */
static uint64_t attributes_between(const char *start, const char *end)
{
	const char *from = strstr(collapsed, start);
	const char *to = from ? strstr(from, end) : NULL;
	char copy[LINE];
	uint64_t set = 0;

	if (!to)
		fail_msg("the text does not say: %s ... %s", start, end);
	from += strlen(start);
	snprintf(copy, sizeof(copy), "%.*s", (int)(to - from), from);
	for (char *name = strtok(copy, " ,"); name; name = strtok(NULL, " ,"))
		if (strcmp(name, "and") != 0)
			set |= attribute_named(name);
	return set;
}

/* The prose under the table: what a message needs on some conditions. */
static void test_conditions(void **state)
{
	const uint64_t binding = UINT64_C(1) << ATTR_BINDING;
	struct message_row said[UINT8_MAX + 1] = {0};

	(void)state;
	said[MESSAGE_AUTHENTICATION_ACK].accepted = attributes_between(
		"An authentication ACK with REASON 0 MUST have ", " and at least one of");
	said[MESSAGE_AUTHENTICATION_ACK].accepted_any =
		attributes_between("BINDING and at least one of ", ". An assignment");
	said[MESSAGE_ASSIGNMENT].accepted = attributes_between(
		"An assignment with REASON 0 MUST have ", " and at least one of");
	said[MESSAGE_ASSIGNMENT].accepted_any =
		attributes_between("LIFETIME and at least one of ", ". A proactive");
	said[MESSAGE_PROACTIVE_AUTHENTICATION].accepted_any = attributes_between(
		"A proactive authentication MUST have at least one of ", ", and its ACK");
	said[MESSAGE_PROACTIVE_AUTHENTICATION_ACK].accepted =
		attributes_between("and its ACK with REASON 0 MUST have ", ". Between cores");
	assert_non_null(strstr(
		collapsed,
		"Between cores the optional BINDING of 0x32, 0x33, 0x34 and 0x36 is required."));
	said[MESSAGE_CORE_DISCONNECT].core = binding;
	said[MESSAGE_RELEASE].core = binding;
	said[MESSAGE_HANDOVER_DONE].core = binding;
	said[MESSAGE_HANDOVER_ANNOUNCEMENT].core = binding;
	said[MESSAGE_CORE_DISCOVERY].together =
		attributes_between("all or none (`missing` otherwise): ", " in 0x21;");
	said[MESSAGE_AUTHENTICATION].together = attributes_between("in 0x21; ", " in 0x30;");
	said[MESSAGE_TUNNEL_REQUEST].together = attributes_between("in 0x30; ", " in 0x31;");
	said[MESSAGE_HELLO].together = attributes_between("in 0x31; ", " in 0x10.");
	for (unsigned int type = 0; type <= UINT8_MAX; type++) {
		const struct message_row *row = message_row(type);

		if (row && (row->accepted != said[type].accepted ||
			    row->accepted_any != said[type].accepted_any ||
			    row->core != said[type].core || row->together != said[type].together))
			fail_msg("%s: conditions differ", row->name);
	}
}

static void test_attributes(void **state)
{
	const char *at = strstr(section("\n3.2  Attributes."), "\n code  name");
	const char *end = section("\n3.3  ");
	char line[LINE], head[LINE], name[LINE], length[LINE];
	size_t name_at, length_at, value_at;
	unsigned int count = 0;

	(void)state;
	assert_non_null(at);
	at = line_at(at + 1, head);
	name_at = (size_t)(strstr(head, "name") - head);
	length_at = (size_t)(strstr(head, "length") - head);
	value_at = (size_t)(strstr(head, "value") - head);
	while (at && at < end) {
		const struct attribute_row *row;
		unsigned int code, min, max;

		at = line_at(at, line);
		if (strncmp(line, " 0x", 3) != 0)
			continue;
		code = (unsigned int)strtoul(line + 1, NULL, 16);
		column(line, name_at, length_at, name);
		column(line, length_at, value_at, length);
		if (sscanf(length, "%u..%u", &min, &max) != 2 &&
		    sscanf(length, "%u or %u", &min, &max) != 2) {
			assert_int_equal(sscanf(length, "%u", &min), 1);
			max = min;
		}
		assert_string_equal(attribute_name(code), name);
		row = attribute_row(code);
		if (row->min != min || row->max != max)
			fail_msg("%s: length %u..%u, the text says %s", name, row->min, row->max,
				 length);
		for (unsigned int octets = 0; octets <= UINT16_MAX; octets++)
			assert_int_equal(attribute_length_allowed(row, octets),
					 strstr(length, "or") ? octets == min || octets == max
							      : octets >= min && octets <= max);
		count++;
	}
	assert_int_equal(count, ATTR_COUNT - 1);
}

static void test_drops(void **state)
{
	const char *at = section("\n2.3  Reasons");
	const char *end = section("\n3  MESSAGE");
	unsigned int drop = DROP_NONE;
	char line[LINE], word[LINE];

	(void)state;
	while (at && at < end) {
		at = line_at(at, line);
		if (strncmp(line, "   ", 3) != 0 || line[3] == ' ')
			continue;
		snprintf(word, sizeof(word), "%.*s", (int)strcspn(line + 3, " "), line + 3);
		assert_string_equal(drop_name(++drop), word);
	}
	assert_int_equal(drop, DROP_COUNT - 1);
}

static void test_reasons(void **state)
{
	const char *at = section("\n11  REASON");
	const char *end = section("\n12  CONSTANTS");
	unsigned int count = 0;
	char line[LINE], word[LINE];

	(void)state;
	while (at && at < end) {
		unsigned int code;

		at = line_at(at, line);
		if (line[0] != ' ' || sscanf(line, "%u %511s", &code, word) != 2)
			continue;
		assert_int_equal(code, count);
		assert_string_equal(reason_name(code), word);
		count++;
	}
	assert_int_equal(count, REASON_COUNT);
}

static void test_constants(void **state)
{
	char text[LINE];

	(void)state;
	snprintf(text, sizeof(text), "core channel UDP, port %d,", SNO_CORE_PORT);
	assert_non_null(strstr(collapsed, text));
	snprintf(text, sizeof(text), "access channel UDP, port %d,", SNO_ACCESS_PORT);
	assert_non_null(strstr(collapsed, text));
	snprintf(text, sizeof(text), "Datagrams longer than %d,%03d octets are never sent",
		 SNO_DATAGRAM_MAX / 1000, SNO_DATAGRAM_MAX % 1000);
	assert_non_null(strstr(collapsed, text));
	snprintf(text, sizeof(text), "1 to %d octets", SNO_NAME_MAX);
	assert_non_null(strstr(collapsed, text));
	snprintf(text, sizeof(text), "version = %d", SNO_WIRE_VERSION);
	assert_non_null(strstr(collapsed, text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),	   cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_attributes), cmocka_unit_test(test_drops),
		cmocka_unit_test(test_reasons),	   cmocka_unit_test(test_constants),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("protocol", tests, load, unload);
}
