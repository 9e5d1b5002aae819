/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any text as a table of each kind of value: it is refused with at least one fault, or every row
 * had its fields, and fields that were good once are good again; from a file as from memory. At the
 * start, what is no such file.
 */
#define _GNU_SOURCE /* memfd_create */
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "csv.h"
#include "file.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NAME, NUMBER, COUNT, WHEN };
static const struct csv_format format = {
	.columns = {"name", "number", "count", "when"}, .count = 4, .required = 1};

static void count_fault(void *arg, const char *message)
{
	if (*message)
		++*(size_t *)arg;
}

static void must(int holds)
{
	if (!holds)
		abort();
}

static void read_row(struct csv *csv)
{
	double number = NAN;
	unsigned int whole = UINT32_MAX;
	size_t before = csv->faults;
	usec_t when = -1;

	must(csv->line > 0);
	for (int c = 0; c < format.count; c++) {
		must(csv->fields[c] && !strpbrk(csv->fields[c], ",\n"));
		must(csv_has(csv, c) || !*csv->fields[c]);
	}
	if (csv_name(csv, NAME))
		must(csv_name_valid(csv->fields[NAME]) && csv->faults == before);
	if (csv_has(csv, NUMBER) && csv_number(csv, NUMBER, -180, 360, &number))
		must(number >= -180 && number <= 360);
	if (csv_has(csv, COUNT) && csv_count(csv, COUNT, 7, &whole))
		must(whole <= 7);
	if (csv_has(csv, WHEN) && csv_time(csv, WHEN, &when))
		must(when >= 0);
}

static void refuse_file(const char *path, int wanted)
{
	size_t told = 0;
	struct csv csv;
	char *text;

	csv_open(&csv, &format, path, count_fault, &told);
	must(csv_load(&csv, path) == wanted && !csv_next(&csv));
	must(csv_close(&csv, &text) == wanted && told == 1 && !text);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char path[FILE_PATH];
	size_t told = 0;
	struct csv csv;
	int fd = file_of("", 0, path);

	(void)argc;
	(void)argv;
	refuse_file("/", -EISDIR);
	refuse_file("/dev/null", -EINVAL);
	refuse_file("/nowhere", -ENOENT);
	must(ftruncate(fd, (off_t)CSV_FILE_MAX + 1) == 0);
	refuse_file(path, -EFBIG);
	close(fd);
	csv_open(&csv, &format, "fail", count_fault, &told);
	csv_fail(&csv, -ENOMEM);
	csv_fail(&csv, -ENOMEM);
	must(told == 1 && csv_close(&csv, NULL) == -ENOMEM);
	return 0;
}

/* Reads all; its faults. */
static size_t read_all(const uint8_t *data, size_t size, const char *path)
{
	size_t told = 0;
	struct csv csv;
	char *text;
	int err;

	csv_open(&csv, &format, "fuzz", count_fault, &told);
	if (path)
		csv_load(&csv, path);
	else
		csv_load_text(&csv, (const char *)data, size);
	while (csv_next(&csv))
		read_row(&csv);
	must(!csv_next(&csv));
	err = csv_close(&csv, &text);
	must((err == 0) == (told == 0) && (err == 0) == (text != NULL));
	must(told <= CSV_FAULTS_MAX + 1);
	free(text);
	return told;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[FILE_PATH];
	int fd = file_of(data, size, path);

	must(read_all(data, size, NULL) == read_all(NULL, 0, path));
	close(fd);
	return 0;
}
