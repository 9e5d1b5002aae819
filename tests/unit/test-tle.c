/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two-line elements: what is read, what is refused and where, and what is written. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "orbit/tle.h"

#define FIRST	     "1 25544U 98067A   26001.50000000  .00016717  00000-0 -10270-3 0  9006"
#define SECOND	     "2 25544  51.6412  33.3333 0006703 130.5360 325.0288 15.72125391    18"
#define OTHER_FIRST  "1 00700U 26001A   57001.00000000  .00000000  00000+0  00000+0 0  9997"
#define OTHER_SECOND "2 00700  53.0000   0.0000 0000001   0.0000   0.0000 15.05580984    14"
#define FAR_FIRST    "1 28868U 05041A   22257.50000000 -.00000001  00000-0  00000-0 0  9997"
#define FAR_SECOND   "2 28868   0.0169 100.0000 0002000 200.0000 100.0000  1.00270000    17"

static char faults[1 << 16];

static void collect(void *arg, const char *message)
{
	size_t n = strlen(faults);

	(void)arg;
	snprintf(faults + n, sizeof(faults) - n, "%s\n", message);
}

static int load(struct constellation *c, const char *text)
{
	faults[0] = '\0';
	return tle_load_text(c, "f.tle", text, strlen(text), 7, collect, NULL);
}

/* With the checksum that the line ought to have. */
static const char *summed(const char *line, char text[80])
{
	int sum = 0;

	snprintf(text, 80, "%.68s", line);
	for (const char *p = text; *p; p++)
		sum += *p >= '0' && *p <= '9' ? *p - '0' : *p == '-';
	text[68] = (char)('0' + sum % 10);
	text[69] = '\0';
	return text;
}

/* ---- what is read ---------------------------------------------------------------------------- */

static void every_field_is_read(void **state)
{
	struct constellation c = {0};
	char first[80], second[80], text[256];
	usec_t epoch;

	(void)state;
	snprintf(text, sizeof(text), "ISS (ZARYA)             \n%s\n%s\n", summed(FIRST, first),
		 summed(SECOND, second));
	assert_int_equal(load(&c, text), 0);
	assert_int_equal(c.count, 1);
	assert_string_equal(c.sets[0].name, "ISS (ZARYA)");
	assert_int_equal(c.sets[0].owner, 7);
	assert_int_equal(c.sets[0].number, 25544);
	assert_int_equal(c.sets[0].line, 2);
	association_time_parse("2026-01-01T12:00:00Z", &epoch);
	assert_int_equal(c.sets[0].epoch, epoch);
	assert_true(fabs(c.sets[0].inclination - 51.6412) <= 0);
	assert_true(fabs(c.sets[0].node - 33.3333) <= 0);
	assert_true(fabs(c.sets[0].eccentricity - 0.0006703) <= 1e-18);
	assert_true(fabs(c.sets[0].perigee - 130.5360) <= 0);
	assert_true(fabs(c.sets[0].anomaly - 325.0288) <= 0);
	assert_true(fabs(c.sets[0].motion - 15.72125391) <= 0);
	assert_true(fabs(c.sets[0].bstar - -0.10270e-3) <= 1e-18);
	tle_free(&c);
	assert_null(c.sets);
}

static void forms_may_be_mixed(void **state)
{
	static const char text[] =
		"# two lines, without a name\r\n" OTHER_FIRST "\r\n" OTHER_SECOND "   \r\n"
		"\r\n   \r\n"
		"0 NAMED SO\r\n"
		"# between\r\n"
		"1 00701U 26001A   57001.00000000  .00000000  00000+0  00000+0 "
		"0  9998\r\n\r\n"
		"2 00701  53.0000   0.0000 0000001   0.0000   0.0000 15.05580984"
		"    15  0.0  1440.0  60.00\r\n"
		"LAST, NO END OF LINE";
	struct constellation c = {0};

	(void)state;
	assert_int_equal(load(&c, text), -EINVAL);
	assert_string_equal(faults, "f.tle:11: \"LAST, NO END OF LINE\" is neither an element line "
				    "nor followed by one\n");
	assert_int_equal(tle_load_text(&c, "f.tle", text, strlen(text) - 20, 0, collect, NULL), 0);
	assert_int_equal(c.count, 2);
	assert_string_equal(c.sets[0].name, "00700");
	assert_int_equal(c.sets[0].line, 2);
	assert_string_equal(c.sets[1].name, "NAMED SO");
	assert_int_equal(c.sets[1].line, 8);
	tle_free(&c);
}

static void numbers_may_have_a_letter(void **state)
{
	static const struct {
		const char *text;
		unsigned int number;
	} cases[] = {{"A0000", 100000}, {"H9999", 179999}, {"J0000", 180000}, {"N1234", 221234},
		     {"P0001", 230001}, {"Z9999", 339999}, {"    5", 5},      {"00005", 5}};
	char first[80], second[80], text[200];
	struct constellation c = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char one[80], two[80];

		snprintf(one, sizeof(one), "1 %s%s", cases[i].text, &OTHER_FIRST[7]);
		snprintf(two, sizeof(two), "2 %s%s", cases[i].text, &OTHER_SECOND[7]);
		snprintf(text, sizeof(text), "S\n%s\n%s", summed(one, first), summed(two, second));
		assert_int_equal(load(&c, text), 0);
		assert_int_equal(c.sets[0].number, cases[i].number);
		tle_free(&c);
	}
}

static void epochs_have_centuries_and_leap_years(void **state)
{
	static const struct {
		const char *text, *time; /* NULL: refused */
	} cases[] = {
		{"57001.00000000", NULL /* 1957, before what can be said; see below */},
		{"70001.00000000", "1970-01-01T00:00:00Z"},
		{"99365.99999999", "1999-12-31T23:59:59.999136Z"},
		{"00060.00000000", "2000-02-29T00:00:00Z"},
		{"00366.50000000", "2000-12-31T12:00:00Z"},
		{"56366.25000000", "2056-12-31T06:00:00Z"},
		{"26  1.5       ", "2026-01-01T12:00:00Z"},
	};
	static const char *const wrong[] = {"99366.00000000", "26000.50000000", "26367.00000000",
					    "2A001.00000000", "26001,00000000", "26 0x.00000000",
					    "26001.00x00000", "26001.00 00000"};
	char line[80], first[80], text[200], time[ASSOCIATION_TIME_TEXT];
	struct constellation c = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(line, sizeof(line), "%.18s%s%s", OTHER_FIRST, cases[i].text,
			 &OTHER_FIRST[32]);
		snprintf(text, sizeof(text), "S\n%s\n%s", summed(line, first), OTHER_SECOND);
		assert_int_equal(load(&c, text), 0);
		if (cases[i].time)
			assert_string_equal(association_time_format(c.sets[0].epoch, time),
					    cases[i].time);
		else
			assert_int_equal(c.sets[0].epoch, INT64_C(-4748) * 86400 * USEC_PER_SEC);
		tle_free(&c);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(line, sizeof(line), "%.18s%s%s", OTHER_FIRST, wrong[i], &OTHER_FIRST[32]);
		snprintf(text, sizeof(text), "S\n%s\n%s", summed(line, first), OTHER_SECOND);
		assert_int_equal(load(&c, text), -EINVAL);
		assert_non_null(strstr(faults, "f.tle:2: \"2") ? faults
							       : strstr(faults, "f.tle:2: \"9"));
		assert_non_null(strstr(faults, "is no epoch"));
	}
}

/* ---- what is refused ------------------------------------------------------------------------- */

static void every_fault_is_told(void **state)
{
	static const struct {
		const char *text, *told;
	} cases[] = {
		{"", "f.tle: no element sets: a satellite has a line 1 and a line 2\n"},
		{"# nothing\n\n",
		 "f.tle: no element sets: a satellite has a line 1 and a line 2\n"},
		{"A\n" OTHER_FIRST "\n", "f.tle:2: line 2 is missing after this line 1\n"},
		{OTHER_FIRST "\nB\n" OTHER_FIRST "\n" OTHER_SECOND "\n",
		 "f.tle:1: line 2 is missing after this line 1\n"},
		{"A\n" OTHER_SECOND "\n", "f.tle:2: a line 2 without its line 1\n"},
		{"A\nB\n" OTHER_FIRST "\n" OTHER_SECOND "\n",
		 "f.tle:1: \"A\" is neither an element line nor followed by one\n"},
		{"1 00700U 26001A   57001.00000000  .00000000  00000+0  00000+0 0  9998\n"
		 "2 00700  53.0000   0.0000 0000001   0.0000   0.0000 15.05580984    1x\n",
		 "f.tle:1: the checksum (column 69) is '8', but the line's is 7\n"
		 "f.tle:2: the checksum (column 69) is 'x', but the line's is 4\n"},
		{"1 00700U\n" OTHER_SECOND,
		 "f.tle:1: an element line of 8 characters; it must have 69\n"},
		{OTHER_FIRST "0\n" OTHER_SECOND,
		 "f.tle:1: an element line of more than 69 characters\n"},
		{OTHER_FIRST
		 "\n"
		 "2 00701  53.0000   0.0000 0000001   0.0000   0.0000 15.05580984    15",
		 "f.tle:2: columns 3 to 7 differ from line 1: this is another satellite\n"},
		{"A,B\n" OTHER_FIRST "\n" OTHER_SECOND, "f.tle:1: \"A,B\" cannot be a satellite's "
							"name: it must be printable ASCII without "
							"comma and quote\n"},
		{"A\n" OTHER_FIRST "\n" OTHER_SECOND "\nB\n" OTHER_FIRST "\n" OTHER_SECOND
		 "\nA\n" OTHER_FIRST "\n" OTHER_SECOND "\n",
		 "f.tle:8: satellite A is there already: line 2\n"},
		{"NEAR\n" OTHER_FIRST "\n" OTHER_SECOND "\nSYNCOM\n" FAR_FIRST "\n" FAR_SECOND,
		 "f.tle:5: satellite SYNCOM: deep space: a period of 225 minutes or more\n"},
		{OTHER_FIRST
		 "\n"
		 "2 00700 193.0000 360.0001 00x0001   1-0000   .      00.00000000    16",
		 "f.tle:2: inclination \"193.0000\" (columns 9 to 16) is no angle from 0 to 180 "
		 "degrees\n"
		 "f.tle:2: ascending node \"360.0001\" (columns 18 to 25) is no angle from 0 to "
		 "360 "
		 "degrees\n"
		 "f.tle:2: argument of perigee \"1-0000\" (columns 35 to 42) is no angle from 0 to "
		 "360 degrees\n"
		 "f.tle:2: mean anomaly \".\" (columns 44 to 51) is no angle from 0 to 360 "
		 "degrees\n"
		 "f.tle:2: eccentricity \"00x0001\" (columns 27 to 33) is not seven digits\n"
		 "f.tle:2: mean motion \"00.00000000\" (columns 53 to 63) is no number of "
		 "revolutions per day above 0 and below 100\n"},
		{OTHER_FIRST
		 "\n"
		 "2 00700  53.0000   0.0000 0000001   0.0000   0.0000 15495.01974    14",
		 "f.tle:2: mean motion \"15495.01974\" (columns 53 to 63) is no number of "
		 "revolutions per day above 0 and below 100\n"},
		{"1 I0700U 26001A   57001.00000000  .00000000  00000+0  0000000 0  9997\n"
		 "2 I0700  53.0000   0.0000 0000001   0.0000   0.0000 15.05580984    14\n",
		 "f.tle:1: \"I0700\" (columns 3 to 7) is no catalogue number\n"
		 "f.tle:1: drag \"0000000\" (columns 54 to 61) is no number like -11606-4\n"},
	};
	struct constellation c = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(load(&c, cases[i].text), -EINVAL);
		assert_string_equal(faults, cases[i].told);
		assert_int_equal(c.count, 0);
	}
	tle_free(&c);
}

static void long_names_and_zero_bytes_are_refused(void **state)
{
	struct constellation c = {0};
	char text[400];

	(void)state;
	snprintf(text, sizeof(text), "%0*d\n%s\n%s\n", TLE_NAME_MAX, 3, OTHER_FIRST, OTHER_SECOND);
	assert_int_equal(load(&c, text), 0);
	assert_int_equal(strlen(c.sets[0].name), TLE_NAME_MAX);
	tle_free(&c);
	snprintf(text, sizeof(text), "%0*d\n%s\n%s\n", TLE_NAME_MAX + 1, 3, OTHER_FIRST,
		 OTHER_SECOND);
	assert_int_equal(load(&c, text), -EINVAL);
	assert_non_null(strstr(faults, "f.tle:1: the name \"000"));
	faults[0] = '\0';
	assert_int_equal(tle_load_text(&c, "f.tle", "A\n\0B", 4, 0, collect, NULL), -EINVAL);
	assert_string_equal(faults, "f.tle:2: a zero byte: this is no text\n");
	tle_free(&c);
}

/* ---- several files --------------------------------------------------------------------------- */

static void files_are_added_or_refused_whole(void **state)
{
	static const char one[] = "A\n" OTHER_FIRST "\n" OTHER_SECOND "\n";
	static const char two[] =
		"B\n" OTHER_FIRST "\n" OTHER_SECOND "\nA\n" OTHER_FIRST "\n" OTHER_SECOND "\n";
	static const char three[] = "C\n" OTHER_FIRST "\n" OTHER_SECOND "\n";
	struct constellation c = {0};

	(void)state;
	assert_int_equal(load(&c, one), 0);
	assert_int_equal(load(&c, two), -EINVAL);
	assert_string_equal(faults, "f.tle:5: satellite A is in another file already\n");
	assert_int_equal(c.count, 1);
	assert_int_equal(tle_load_text(&c, "g", three, strlen(three), 9, collect, NULL), 0);
	assert_int_equal(c.count, 2);
	assert_int_equal(c.sets[0].owner, 7);
	assert_int_equal(c.sets[1].owner, 9);
	assert_ptr_equal(tle_find(&c, "C"), &c.sets[1]);
	assert_null(tle_find(&c, "B"));
	tle_free(&c);
}

static void who_asks_gets_deep_space(void **state)
{
	struct constellation c = {.unchecked = true};

	(void)state;
	assert_int_equal(load(&c, "SYNCOM\n" FAR_FIRST "\n" FAR_SECOND), 0);
	assert_int_equal(c.count, 1);
	tle_free(&c);
}

static void files_are_read(void **state)
{
	char path[] = "/tmp/test-tle.XXXXXX", told[256];
	struct constellation c = {0};
	FILE *file;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	file = fdopen(fd, "w");
	fputs("A\r\n" OTHER_FIRST "\r\n" OTHER_SECOND "\r\n", file);
	fclose(file);
	assert_int_equal(tle_load(&c, path, 0, collect, NULL), 0);
	assert_int_equal(c.count, 1);
	unlink(path);
	faults[0] = '\0';
	assert_int_equal(tle_load(&c, path, 0, collect, NULL), -ENOENT);
	snprintf(told, sizeof(told), "%s: cannot be read: No such file or directory\n", path);
	assert_string_equal(faults, told);
	assert_int_equal(tle_load(&c, "/dev/null", 0, collect, NULL), -EINVAL);
	assert_int_equal(c.count, 1);
	tle_free(&c);
}

/* ---- what is written ------------------------------------------------------------------------- */

static void read_back(const struct element_set *set, struct constellation *c)
{
	size_t length;
	char *text;
	FILE *out = open_memstream(&text, &length);

	assert_int_equal(tle_print(out, set), 0);
	fclose(out);
	memset(c, 0, sizeof(*c));
	c->unchecked = true;
	faults[0] = '\0';
	if (tle_load_text(c, "back", text, length, 0, collect, NULL) < 0)
		fail_msg("%s%s", text, faults);
	free(text);
}

static void what_is_written_reads_the_same(void **state)
{
	static const double drags[] = {
		0, 0.12345, -0.12345e-4, 0.99999e-9, 0.5e8, 0.0099999999, -1e-9, 3e-12, 1};
	struct element_set set = {.name = "SAT", .number = 1};
	struct constellation c;
	uint32_t random = 1;

	(void)state;
	for (int i = 0; i < 5000; i++) {
		double numbers[6];

		for (int k = 0; k < 6; k++) {
			random = random * 1664525 + 1013904223;
			numbers[k] = (double)(random >> 8) / (1 << 24);
		}
		set.number = random % 339999 + 1;
		set.inclination = numbers[0] * 180;
		set.node = numbers[1] * 720 - 360;
		set.perigee = i % 3 ? numbers[2] * 360 : 359.99996;
		set.anomaly = numbers[3] * 360;
		set.eccentricity = numbers[4] * 0.9999999;
		set.motion = 0.1 + numbers[5] * 99;
		set.bstar = drags[(size_t)i % (sizeof(drags) / sizeof(drags[0]))];
		/* 1957 to 2056 */
		set.epoch = (INT64_C(-4748) * 86400 + (int64_t)(numbers[0] * 36524.0 * 86400)) *
				    USEC_PER_SEC +
			    random % 1000000;
		read_back(&set, &c);
		assert_int_equal(c.sets[0].number, set.number);
		assert_true(llabs(c.sets[0].epoch - set.epoch) <= 432);
		assert_true(fabs(c.sets[0].inclination - set.inclination) <= 0.00005001);
		assert_true(fabs(remainder(c.sets[0].node - set.node, 360)) < 0.00005001);
		assert_true(fabs(remainder(c.sets[0].perigee - set.perigee, 360)) < 0.00005001);
		assert_true(fabs(c.sets[0].anomaly - set.anomaly) <= 0.00005001);
		assert_true(fabs(c.sets[0].eccentricity - set.eccentricity) <= 0.5001e-7);
		assert_true(fabs(c.sets[0].motion - set.motion) <= 0.5001e-8);
		assert_true(fabs(c.sets[0].bstar - set.bstar) <=
			    fmax(fabs(set.bstar) * 5.1e-5, 5e-12));
		tle_free(&c);
	}
}

static void names_that_look_like_lines_survive(void **state)
{
	static const char *const names[] = {"0 A", "1 B", "2 C", "3 D", "0", "12"};
	struct element_set set = {.number = 1, .motion = 15};
	struct constellation c;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		strcpy(set.name, names[i]);
		read_back(&set, &c);
		assert_string_equal(c.sets[0].name, names[i]);
		tle_free(&c);
	}
}

static void what_the_format_cannot_say_is_not_written(void **state)
{
	static const struct element_set good = {.name = "S", .number = 1, .motion = 15};
	struct element_set sets[8];
	size_t length;
	char *text;
	FILE *out = open_memstream(&text, &length);

	(void)state;
	for (size_t i = 0; i < 8; i++)
		sets[i] = good;
	sets[0].number = 340000;
	sets[1].motion = 100;
	sets[2].motion = 0;
	sets[3].eccentricity = 1;
	sets[4].bstar = 1e10;
	sets[5].epoch = INT64_C(-4749) * 86400 * USEC_PER_SEC;
	sets[6].epoch = INT64_C(31777) * 86400 * USEC_PER_SEC; /* 2057 */
	sets[7].epoch = INT64_MAX - 1000;
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(tle_print(out, &sets[i]), -ERANGE);
	fclose(out);
	assert_int_equal(length, 0);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_is_read),
		cmocka_unit_test(forms_may_be_mixed),
		cmocka_unit_test(numbers_may_have_a_letter),
		cmocka_unit_test(epochs_have_centuries_and_leap_years),
		cmocka_unit_test(every_fault_is_told),
		cmocka_unit_test(long_names_and_zero_bytes_are_refused),
		cmocka_unit_test(files_are_added_or_refused_whole),
		cmocka_unit_test(who_asks_gets_deep_space),
		cmocka_unit_test(files_are_read),
		cmocka_unit_test(what_is_written_reads_the_same),
		cmocka_unit_test(names_that_look_like_lines_survive),
		cmocka_unit_test(what_the_format_cannot_say_is_not_written),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("tle", tests, NULL, NULL);
}
