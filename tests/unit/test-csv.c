/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables: what is read, and what is said of what is not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "csv.h"

enum { NAME, LAT, COUNT, WHEN };
static const struct csv_format format = {
	.columns = {"name", "lat", "count", "when"}, .count = 4, .required = 2};

static char faults[1 << 15];

static void collect(void *arg, const char *message)
{
	size_t n = strlen(faults);

	(void)arg;
	snprintf(faults + n, sizeof(faults) - n, "%s\n", message);
}

/* Reads all; rows as "NAME LAT COUNT", one after the other. */
static const char *read_text(const char *text, int expected)
{
	static char out[4096];
	struct csv csv;
	double lat = 0;
	unsigned int count = 0;
	usec_t when = 0;
	size_t n = 0;
	char *kept;

	faults[0] = out[0] = '\0';
	csv_open(&csv, &format, "f.csv", collect, NULL);
	csv_load_text(&csv, text, strlen(text));
	while (csv_next(&csv)) {
		bool good = csv_name(&csv, NAME);

		good &= csv_number(&csv, LAT, -90, 90, &lat);
		if (*csv.fields[COUNT])
			good &= csv_count(&csv, COUNT, 1000, &count);
		if (*csv.fields[WHEN])
			good &= csv_time(&csv, WHEN, &when);
		if (good)
			n += (size_t)snprintf(out + n, sizeof(out) - n, "%s %g %u;",
					      csv.fields[NAME], lat, count);
		count = 0;
	}
	assert_int_equal(csv_close(&csv, &kept), expected);
	assert_true((expected == 0) == (kept != NULL));
	free(kept);
	return out;
}

static void rows_are_read(void **state)
{
	(void)state;
	assert_string_equal(read_text("name,lat\na,1\nb b,-2.5e1\n", 0), "a 1 0;b b -25 0;");
	assert_string_equal(faults, "");
}

static void columns_may_be_in_any_order(void **state)
{
	(void)state;
	assert_string_equal(read_text("count,lat,name\n7,1,a\n,2,b\n", 0), "a 1 7;b 2 0;");
}

static void comments_blank_lines_and_carriage_returns(void **state)
{
	(void)state;
	assert_string_equal(read_text("# c\r\n\r\n\nname,lat\r\n#a,9\r\na,1\r\n\r\nb,2", 0),
			    "a 1 0;b 2 0;");
}

static void headings_are_checked(void **state)
{
	(void)state;
	read_text("name,lat,size\n", -EINVAL);
	assert_string_equal(faults, "f.csv:1: unknown column \"size\": the columns are "
				    "name,lat,count,when\n");
	read_text("\nname,name,count\n", -EINVAL);
	assert_string_equal(faults, "f.csv:2: column name is there twice\n"
				    "f.csv:2: column lat is missing\n");
	read_text("# nothing\n", -EINVAL);
	assert_string_equal(faults,
			    "f.csv: no heading: the first line must be name,lat,count,when\n");
	read_text("name,lat,count,when,x\n", -EINVAL);
	assert_non_null(strstr(faults, "5 columns, but there are only 4"));
}

static void values_are_checked(void **state)
{
	static const struct {
		const char *row, *fault;
	} cases[] = {
		{"a,1", "2 fields, but the heading has 3 columns"},
		{"a,1,2,3", "4 fields, but the heading has 3 columns"},
		{",1,", "name is empty"},
		{" a,1,", "name \" a\" is no name"},
		{"a\"b,1,", "is no name"},
		{"\xc3\xa4,1,", "name \"??\" is no name"},
		{"a,,", "lat \"\" is no number from -90 to 90"},
		{"a,91,", "lat \"91\" is no number"},
		{"a,1x,", "is no number"},
		{"a,0x10,", "is no number"},
		{"a,inf,", "is no number"},
		{"a,nan,", "is no number"},
		{"a, 1,", "is no number"},
		{"a,1e,", "is no number"},
		{"a,1e999,", "is no number"},
		{"a,1,1001", "count \"1001\" is no whole number from 0 to 1000"},
		{"a,1,-1", "is no whole number"},
		{"a,1,1.5", "is no whole number"},
		{"a,1,99999999999", "is no whole number"},
	};
	char text[256], expected[32];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(text, sizeof(text), "name,lat,count\nb,2,\n%s\n", cases[i].row);
		read_text(text, -EINVAL);
		snprintf(expected, sizeof(expected), "f.csv:3: ");
		assert_memory_equal(faults, expected, strlen(expected));
		if (!strstr(faults, cases[i].fault))
			fail_msg("%s: %s", cases[i].row, faults);
		assert_ptr_equal(strchr(faults, '\n'), strrchr(faults, '\n')); /* one fault */
	}
	read_text("name,lat,when\na,1,noon\n", -EINVAL);
	assert_string_equal(faults, "f.csv:2: when \"noon\" is no time in UTC like "
				    "2026-07-29T12:03:20.5Z\n");
}

static void faults_are_bounded(void **state)
{
	char text[8192] = "name,lat\n";
	size_t lines = 0;

	(void)state;
	for (int i = 0; i < 3 * CSV_FAULTS_MAX; i++)
		strcat(text, "a,x\n");
	read_text(text, -EINVAL);
	for (const char *p = faults; *p; p++)
		lines += *p == '\n';
	assert_int_equal(lines, CSV_FAULTS_MAX + 1);
	assert_non_null(strstr(faults, "f.csv: 200 more faults\n"));
}

static void zero_bytes_are_no_text(void **state)
{
	struct csv csv;
	char *text;

	(void)state;
	faults[0] = '\0';
	csv_open(&csv, &format, "f.csv", collect, NULL);
	assert_int_equal(csv_load_text(&csv, "name,lat\na\0b", 12), -EINVAL);
	assert_false(csv_next(&csv));
	assert_int_equal(csv_close(&csv, &text), -EINVAL);
	assert_string_equal(faults, "f.csv:2: a zero byte: this is no text\n");
}

static void files_are_read(void **state)
{
	char path[] = "/tmp/test-csv.XXXXXX";
	int fd = mkstemp(path);
	struct csv csv;

	(void)state;
	faults[0] = '\0';
	assert_true(fd >= 0 && write(fd, "name,lat\na,1\n", 13) == 13);
	csv_open(&csv, &format, path, collect, NULL);
	assert_int_equal(csv_load(&csv, path), 0);
	assert_true(csv_next(&csv));
	assert_string_equal(csv.fields[NAME], "a");
	assert_true(csv_has(&csv, LAT) && !csv_has(&csv, WHEN));
	assert_string_equal(csv.fields[WHEN], "");
	assert_int_equal(csv.line, 2);
	assert_false(csv_next(&csv));
	assert_int_equal(csv_close(&csv, NULL), 0);
	close(fd);
	unlink(path);
	csv_open(&csv, &format, path, collect, NULL);
	assert_int_equal(csv_load(&csv, path), -ENOENT);
	assert_false(csv_next(&csv));
	assert_int_equal(csv_close(&csv, NULL), -ENOENT);
	csv_open(&csv, &format, "/dev/null", collect, NULL);
	assert_int_equal(csv_load(&csv, "/dev/null"), -EINVAL);
	assert_int_equal(csv_close(&csv, NULL), -EINVAL);
	assert_non_null(strstr(faults, "/dev/null: is no regular file"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_read),
		cmocka_unit_test(columns_may_be_in_any_order),
		cmocka_unit_test(comments_blank_lines_and_carriage_returns),
		cmocka_unit_test(headings_are_checked),
		cmocka_unit_test(values_are_checked),
		cmocka_unit_test(faults_are_bounded),
		cmocka_unit_test(zero_bytes_are_no_text),
		cmocka_unit_test(files_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
