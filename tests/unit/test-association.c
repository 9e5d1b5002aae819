/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The association file: what is read, what is refused and where, and what is asked of it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "association.h"

#define HEADING "from,until,satellite,core,station\n"
#define DAY	"2026-07-29T"

static char faults[1 << 16];

static void collect(void *arg, const char *message)
{
	size_t n = strlen(faults);

	(void)arg;
	snprintf(faults + n, sizeof(faults) - n, "%s\n", message);
}

static int load(struct associations *a, const char *text, const char *satellite)
{
	faults[0] = '\0';
	return association_load_text(a, "f.csv", text, strlen(text), satellite, collect, NULL);
}

static usec_t at(const char *text)
{
	usec_t instant;

	assert_int_equal(association_time_parse(text, &instant), 0);
	return instant;
}

/* ---- times ------------------------------------------------------------------------------------
 */

static void times_agree_with_libc(void **state)
{
	uint32_t random = 1;
	char text[64];
	struct tm tm;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		random = random * 1664525 + 1013904223;
		time_t seconds = (time_t)((uint64_t)random * 59); /* to the year 10,000 */

		assert_non_null(gmtime_r(&seconds, &tm));
		if (tm.tm_year + 1900 > 9999)
			continue;
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
		assert_int_equal(at(text), (usec_t)seconds * USEC_PER_SEC);
		char back[ASSOCIATION_TIME_TEXT];

		assert_string_equal(association_time_format((usec_t)seconds * USEC_PER_SEC, back),
				    text);
	}
}

static void times_have_fractions(void **state)
{
	static const struct {
		const char *text;
		usec_t usec;
		const char *back;
	} cases[] = {
		{"1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00Z"},
		{"1970-01-01T00:00:00.5Z", 500000, "1970-01-01T00:00:00.5Z"},
		{"1970-01-01T00:00:00.000001Z", 1, "1970-01-01T00:00:00.000001Z"},
		{"1970-01-01T00:00:00.123456789Z", 123456, "1970-01-01T00:00:00.123456Z"},
		{"1970-01-01T00:00:01.250+00:00", 1250000, "1970-01-01T00:00:01.25Z"},
		{"2000-02-29T23:59:59.999999Z", 951868799999999, "2000-02-29T23:59:59.999999Z"},
		{"9999-12-31T23:59:59Z", 253402300799000000, "9999-12-31T23:59:59Z"},
	};
	char text[ASSOCIATION_TIME_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(at(cases[i].text), cases[i].usec);
		assert_string_equal(association_time_format(cases[i].usec, text), cases[i].back);
	}
	assert_string_equal(association_time_format(USEC_NEVER, text), "never");
	assert_string_equal(association_time_format(-1, text), "never");
	assert_string_equal(association_time_format(253402300800000000, text), "never");
}

static void wrong_times_are_refused(void **state)
{
	static const char *const wrong[] = {
		"",
		"2026",
		"2026-07-29",
		"2026-07-29T12:00:00",
		"2026-07-29 12:00:00Z",
		"2026-07-29T12:00:00z",
		"2026-07-29T12:00:00+02:00",
		"2026-07-29T12:00:00.Z",
		"2026-07-29T12:00:00.1234567890Z",
		"2026-07-29T12:00:00Z ",
		" 2026-07-29T12:00:00Z",
		"2026-7-29T12:00:00Z",
		"2026-07-29T24:00:00Z",
		"2026-07-29T12:60:00Z",
		"2026-07-29T12:00:60Z",
		"2026-00-29T12:00:00Z",
		"2026-13-29T12:00:00Z",
		"2026-02-29T12:00:00Z",
		"1900-02-28T12:00:00Z",
		"2100-02-29T12:00:00Z",
		"2026-04-31T12:00:00Z",
		"2026-07-00T12:00:00Z",
		"+026-07-29T12:00:00Z",
		"20260729T120000Z",
		"1785326400",
	};
	usec_t instant;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (association_time_parse(wrong[i], &instant) != -EINVAL)
			fail_msg("\"%s\" is taken for a time", wrong[i]);
}

/* ---- reading ----------------------------------------------------------------------------------
 */

static void rows_are_sorted(void **state)
{
	struct associations a;
	size_t count;
	const struct association *rows;

	(void)state;
	assert_int_equal(load(&a,
			      "# made by hand\r\n" HEADING "\n" DAY "12:10:00Z," DAY
			      "12:20:00Z,s2,b.example,gs-b\n" DAY "12:05:00Z," DAY
			      "12:10:00.5Z,s1,b.example,\r\n" DAY "12:00:00Z," DAY
			      "12:05:00Z,s1,a.example,gs-a",
			      NULL),
			 0);
	assert_string_equal(faults, "");
	assert_int_equal(a.count, 3);
	rows = association_of(&a, "s1", &count);
	assert_int_equal(count, 2);
	assert_string_equal(rows[0].core, "a.example");
	assert_string_equal(rows[0].station, "gs-a");
	assert_int_equal(rows[0].from, at(DAY "12:00:00Z"));
	assert_int_equal(rows[0].line, 6);
	assert_string_equal(rows[1].core, "b.example");
	assert_string_equal(rows[1].station, "");
	assert_int_equal(rows[1].until, at(DAY "12:10:00.5Z"));
	assert_int_equal(rows[1].line, 5);
	rows = association_of(&a, "s2", &count);
	assert_int_equal(count, 1);
	assert_null(association_of(&a, "s", &count));
	assert_int_equal(count, 0);
	assert_null(association_of(&a, "s3", &count));
	association_free(&a);
	assert_null(association_of(&a, "s1", &count));
}

static void columns_may_be_in_any_order(void **state)
{
	struct associations a;

	(void)state;
	assert_int_equal(load(&a,
			      "core,satellite,until,from\nb.example,ISS (ZARYA)," DAY
			      "12:20:00Z," DAY "12:10:00Z\n",
			      NULL),
			 0);
	assert_int_equal(a.count, 1);
	assert_string_equal(a.rows[0].satellite, "ISS (ZARYA)");
	assert_string_equal(a.rows[0].core, "b.example");
	assert_string_equal(a.rows[0].station, "");
	association_free(&a);
	assert_int_equal(load(&a, HEADING, NULL), 0);
	assert_int_equal(a.count, 0);
	association_free(&a);
}

static void one_satellite_is_kept(void **state)
{
	const char *text = HEADING DAY "12:00:00Z," DAY "12:05:00Z,s1,a.example,gs-a\n" DAY
				       "12:00:00Z," DAY "12:05:00Z,s2,b.example,gs-b\n" DAY
				       "12:00:00Z," DAY "12:05:00Z,s3,c.example,gs-c\n";
	struct associations a;

	(void)state;
	assert_int_equal(load(&a, text, "s2"), 0);
	assert_int_equal(a.count, 1);
	assert_string_equal(a.rows[0].satellite, "s2");
	assert_string_equal(a.rows[0].core, "b.example");
	assert_string_equal(a.rows[0].station, "gs-b");
	association_free(&a);
	assert_int_equal(load(&a, text, "s9"), 0);
	assert_int_equal(a.count, 0);
	association_free(&a);
}

static void faults_are_told_by_line(void **state)
{
	static const struct {
		const char *text, *faults;
	} cases[] = {
		{"", "f.csv: no heading: the first line must be "
		     "from,until,satellite,core,station,via\n"},
		{"from,until,satellite,core,colour\n",
		 "f.csv:1: unknown column \"colour\": the columns are "
		 "from,until,satellite,core,station,via\n"},
		{"from,until,satellite,station\n", "f.csv:1: column core is missing\n"},
		{"from,until,satellite,core,core\n", "f.csv:1: column core is there twice\n"},
		{DAY "12:00:00Z," DAY "12:05:00Z,s1,a,b\n",
		 "f.csv:1: unknown column \"2026-07-29T12:00:00Z\": the columns are "
		 "from,until,satellite,core,station,via\n"
		 "f.csv:1: unknown column \"2026-07-29T12:05:00Z\": the columns are "
		 "from,until,satellite,core,station,via\n"
		 "f.csv:1: unknown column \"s1\": the columns are "
		 "from,until,satellite,core,station,via\n"
		 "f.csv:1: unknown column \"a\": the columns are "
		 "from,until,satellite,core,station,via\n"
		 "f.csv:1: unknown column \"b\": the columns are "
		 "from,until,satellite,core,station,via\n"
		 "f.csv:1: column from is missing\nf.csv:1: column until is missing\n"
		 "f.csv:1: column satellite is missing\nf.csv:1: column core is missing\n"},
		{HEADING DAY "12:00:00Z," DAY "12:00:00Z,s1,a,\n",
		 "f.csv:2: until is not after from\n"},
		{HEADING DAY "12:00:00Z," DAY "12:05:00Z,s1,a\n",
		 "f.csv:2: 4 fields, but the heading has 5 columns\n"},
		{HEADING "soon," DAY "12:05:00Z,,\"a\",gs-a\n",
		 "f.csv:2: from \"soon\" is no time in UTC like 2026-07-29T12:03:20.5Z\n"
		 "f.csv:2: satellite is empty\n"
		 "f.csv:2: core \"\"a\"\" is no name (up to 255 printable characters, no quotes, "
		 "no blank at an end)\n"},
		{HEADING DAY "12:00:00Z," DAY "12:05:00Z,s1,a, gs\n",
		 "f.csv:2: station \" gs\" is no name (up to 255 printable characters, no quotes, "
		 "no blank at an end)\n"},
		{HEADING DAY "12:00:00Z," DAY "12:05:00Z,s\t1,a,gs\n",
		 "f.csv:2: satellite \"s?1\" is no name (up to 255 printable characters, no "
		 "quotes, no blank at an end)\n"},
		/* Overlaps: behind a row, inside an earlier one, equal; other satellites may. */
		{HEADING DAY "12:00:00Z," DAY "12:05:00Z,s1,a,\n" DAY "12:04:59.999999Z," DAY
			     "12:06:00Z,s1,b,\n",
		 "f.csv:3: overlaps line 2: satellite s1 can have one association at a time\n"},
		{HEADING DAY "12:06:00Z," DAY "12:07:00Z,s1,b,\n" DAY "12:00:00Z," DAY
			     "12:20:00Z,s1,a,\n" DAY "12:01:00Z," DAY "12:02:00Z,s1,a,\n" DAY
			     "12:00:00Z," DAY "12:20:00Z,s2,a,\n",
		 "f.csv:4: overlaps line 3: satellite s1 can have one association at a time\n"
		 "f.csv:3: overlaps line 2: satellite s1 can have one association at a time\n"},
		{HEADING DAY "12:00:00Z," DAY "12:05:00Z,s1,a,\n" DAY "12:00:00Z," DAY
			     "12:05:00Z,s1,a,\n",
		 "f.csv:3: overlaps line 2: satellite s1 can have one association at a time\n"},
	};
	struct associations a;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(load(&a, cases[i].text, NULL), -EINVAL);
		assert_string_equal(faults, cases[i].faults);
		assert_int_equal(a.count, 0);
		assert_null(a.rows);
		/* A row of another satellite is as wrong. */
		assert_int_equal(load(&a, cases[i].text, "s9"), -EINVAL);
		assert_string_equal(faults, cases[i].faults);
	}
}

/* Cores and terminals would take one for the other. */
static void names_differ_in_the_protocol(void **state)
{
	static const char text[] = "from,until,satellite,core\n"
				   "2026-07-29T12:00:00Z,2026-07-29T12:05:00Z,IRIDIUM 7 [-],a\n"
				   "2026-07-29T12:00:00Z,2026-07-29T12:05:00Z,iridium-7,a\n"
				   "2026-07-29T12:10:00Z,2026-07-29T12:15:00Z,IRIDIUM 7 [+],a\n"
				   "2026-07-29T12:20:00Z,2026-07-29T12:25:00Z,IRIDIUM 7 [-],a\n";
	struct associations a;

	(void)state;
	faults[0] = '\0';
	assert_int_equal(
		association_load_text(&a, "f.csv", text, sizeof(text) - 1, NULL, collect, NULL),
		-EINVAL);
	assert_string_equal(faults,
			    "f.csv:4: satellite IRIDIUM 7 [+] cannot be told from IRIDIUM 7 [-] "
			    "(line 2): both are iridium-7---- in the protocol\n");
}

static void a_zero_byte_is_no_text(void **state)
{
	static const char text[] = HEADING "2026\0 and so on";
	struct associations a;

	(void)state;
	faults[0] = '\0';
	assert_int_equal(
		association_load_text(&a, "f.csv", text, sizeof(text) - 1, NULL, collect, NULL),
		-EINVAL);
	assert_string_equal(faults, "f.csv:2: a zero byte: this is no text\n");
}

static void faults_are_bounded(void **state)
{
	size_t rows = 3 * ASSOCIATION_FAULTS_MAX, lines = 0;
	char *text = malloc(64 + rows * 8), *to = text;
	struct associations a;

	(void)state;
	assert_non_null(text);
	to = stpcpy(to, HEADING);
	for (size_t i = 0; i < rows; i++)
		to = stpcpy(to, "x\n");
	assert_int_equal(load(&a, text, NULL), -EINVAL);
	for (const char *p = faults; *p; p++)
		lines += *p == '\n';
	assert_int_equal(lines, ASSOCIATION_FAULTS_MAX + 1);
	assert_non_null(strstr(faults, "f.csv: 200 more faults\n"));
	free(text);
}

static void files_are_read(void **state)
{
	char path[] = "/tmp/sno-association-XXXXXX", wrong[300];
	int fd = mkstemp(path);
	struct associations a;
	FILE *out;

	(void)state;
	assert_true(fd >= 0);
	out = fdopen(fd, "w");
	fputs(HEADING DAY "12:00:00Z," DAY "12:05:00Z,s1,a,\n", out);
	fclose(out);
	faults[0] = '\0';
	assert_int_equal(association_load(&a, path, "s1", collect, NULL), 0);
	assert_int_equal(a.count, 1);
	association_free(&a);
	unlink(path);
	assert_int_equal(association_load(&a, path, NULL, collect, NULL), -ENOENT);
	snprintf(wrong, sizeof(wrong), "%s: cannot be read: No such file or directory\n", path);
	assert_string_equal(faults, wrong);
	faults[0] = '\0';
	assert_int_equal(association_load(&a, "/dev/zero", NULL, collect, NULL), -EINVAL);
	assert_string_equal(faults, "/dev/zero: is no regular file\n");
	assert_int_equal(association_load(&a, "/", NULL, collect, NULL), -EISDIR);
}

static void the_shipped_example_is_good(void **state)
{
	const char *top = getenv("SRCDIR");
	char path[4096];
	struct associations a;

	(void)state;
	snprintf(path, sizeof(path), "%s/conf/associations.csv", top ? top : ".");
	faults[0] = '\0';
	assert_int_equal(association_load(&a, path, NULL, collect, NULL), 0);
	assert_true(a.count > 0);
	association_free(&a);
}

/* ---- asking -----------------------------------------------------------------------------------
 */

static void instants_are_found(void **state)
{
	struct associations a;
	const struct association *rows;
	size_t n;

	(void)state;
	/* a 0-10, a 10-20 (the same), b 20-30 over g1, b 30-40 over g2, gap, a 50-60 */
	assert_int_equal(load(&a,
			      HEADING DAY "12:00:00Z," DAY "12:00:10Z,s1,a,\n" DAY "12:00:10Z," DAY
					  "12:00:20Z,s1,a,\n" DAY "12:00:20Z," DAY
					  "12:00:30Z,s1,b,g1\n" DAY "12:00:30Z," DAY
					  "12:00:40Z,s1,b,g2\n" DAY "12:00:50Z," DAY
					  "12:01:00Z,s1,a,\n",
			      NULL),
			 0);
	rows = association_of(&a, "s1", &n);
	assert_int_equal(n, 5);
	assert_null(association_at(rows, n, at(DAY "11:59:59.999999Z")));
	assert_int_equal(association_next(rows, n, 0), at(DAY "12:00:00Z"));
	assert_ptr_equal(association_at(rows, n, at(DAY "12:00:00Z")), &rows[0]);
	assert_int_equal(association_next(rows, n, at(DAY "12:00:00Z")), at(DAY "12:00:20Z"));
	assert_ptr_equal(association_at(rows, n, at(DAY "12:00:10Z")), &rows[1]);
	assert_int_equal(association_next(rows, n, at(DAY "12:00:19.999999Z")),
			 at(DAY "12:00:20Z"));
	assert_ptr_equal(association_at(rows, n, at(DAY "12:00:20Z")), &rows[2]);
	assert_int_equal(association_next(rows, n, at(DAY "12:00:20Z")), at(DAY "12:00:30Z"));
	assert_ptr_equal(association_at(rows, n, at(DAY "12:00:30Z")), &rows[3]);
	assert_null(association_at(rows, n, at(DAY "12:00:40Z")));
	assert_int_equal(association_next(rows, n, at(DAY "12:00:40Z")), at(DAY "12:00:50Z"));
	assert_ptr_equal(association_at(rows, n, at(DAY "12:00:59.999999Z")), &rows[4]);
	assert_null(association_at(rows, n, at(DAY "12:01:00Z")));
	assert_int_equal(association_next(rows, n, at(DAY "12:01:00Z")), USEC_NEVER);
	assert_int_equal(association_next(NULL, 0, 0), USEC_NEVER);
	assert_null(association_at(NULL, 0, 0));
	association_free(&a);
}

static void what_is_printed_reads_again(void **state)
{
	const char *text = HEADING DAY "12:00:00.25Z," DAY "12:05:00Z,s1,a.example,gs-a\n" DAY
				       "12:05:00Z," DAY "12:06:00.000001Z,s1,b.example,\n";
	struct associations a;
	char *printed;
	size_t length;
	FILE *out = open_memstream(&printed, &length);

	(void)state;
	assert_int_equal(load(&a, text, NULL), 0);
	association_print_heading(out, false);
	for (size_t i = 0; i < a.count; i++)
		association_print(out, &a.rows[i], false);
	fclose(out);
	assert_string_equal(printed, text);
	free(printed);
	association_free(&a);
}

#define RELAYS "from,until,satellite,core,station,via\n"

static void a_neighbour_may_be_in_between(void **state)
{
	const char *text = RELAYS DAY "12:00:00Z," DAY "12:05:00Z,s1,b.example,gs-b,s2\n" DAY
				      "12:05:00Z," DAY "12:06:00Z,s1,b.example,gs-b,\n" DAY
				      "12:00:00Z," DAY "12:05:00Z,s2,a.example,gs-a,\n" DAY
				      "12:05:00Z," DAY "12:06:00Z,s2,a.example,gs-a,s1\n";
	const struct association *rows;
	struct associations a;
	char *printed;
	size_t length, n;
	FILE *out = open_memstream(&printed, &length);

	(void)state;
	assert_int_equal(load(&a, text, NULL), 0);
	rows = association_of(&a, "s1", &n);
	assert_int_equal(n, 2);
	assert_string_equal(rows[0].via, "s2");
	assert_string_equal(rows[1].via, "");
	/* Another way to the same core is another association. */
	assert_int_equal(association_next(rows, n, rows[0].from), rows[0].until);
	association_print_heading(out, true);
	for (size_t i = 0; i < a.count; i++)
		association_print(out, &a.rows[i], true);
	fclose(out);
	assert_string_equal(printed, text);
	free(printed);
	association_free(&a);
	assert_int_equal(load(&a, text, "s2"), 0);
	assert_int_equal(a.count, 2);
	assert_string_equal(a.rows[1].via, "s1");
	association_free(&a);
}

static void refused(const char *text, const char *what)
{
	struct associations a;

	assert_int_equal(load(&a, text, NULL), -EINVAL);
	assert_string_equal(faults, what);
}

static void no_loop_can_be_planned(void **state)
{
	(void)state;
	refused(RELAYS DAY "12:00:00Z," DAY "12:05:00Z,s1,b.example,gs-b,s1\n",
		"f.csv:2: satellite s1 is relayed over itself\n");
	refused(RELAYS DAY "12:00:00Z," DAY "12:05:00Z,s1,b.example,gs-b,s2\n" DAY "12:00:00Z," DAY
			   "12:04:00Z,s2,a.example,gs-a,\n" DAY "12:04:00Z," DAY
			   "12:06:00Z,s2,a.example,gs-a,s3\n",
		"f.csv:2: satellite s1 is relayed over s2, which is relayed itself (line 4)\n");
	/* Each over the other. */
	refused(RELAYS DAY "12:00:00Z," DAY "12:05:00Z,s1,b.example,gs-b,s2\n" DAY "12:04:59Z," DAY
			   "12:06:00Z,s2,a.example,gs-a,s1\n",
		"f.csv:2: satellite s1 is relayed over s2, which is relayed itself (line 3)\n"
		"f.csv:3: satellite s2 is relayed over s1, which is relayed itself (line 2)\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_agree_with_libc),
		cmocka_unit_test(a_neighbour_may_be_in_between),
		cmocka_unit_test(no_loop_can_be_planned),
		cmocka_unit_test(times_have_fractions),
		cmocka_unit_test(wrong_times_are_refused),
		cmocka_unit_test(rows_are_sorted),
		cmocka_unit_test(columns_may_be_in_any_order),
		cmocka_unit_test(one_satellite_is_kept),
		cmocka_unit_test(faults_are_told_by_line),
		cmocka_unit_test(names_differ_in_the_protocol),
		cmocka_unit_test(a_zero_byte_is_no_text),
		cmocka_unit_test(faults_are_bounded),
		cmocka_unit_test(files_are_read),
		cmocka_unit_test(the_shipped_example_is_good),
		cmocka_unit_test(instants_are_found),
		cmocka_unit_test(what_is_printed_reads_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
