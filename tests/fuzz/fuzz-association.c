/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any text as an association file: refused with at least one fault, or read; and what was read is
 * in order, is found by its own instants, and prints so that it reads again to the same.
 */
#define _GNU_SOURCE /* memfd_create */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "association.h"
#include "file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void count(void *arg, const char *message)
{
	if (*message)
		++*(size_t *)arg;
}

static void must(int holds)
{
	if (!holds)
		abort();
}

/* Over another satellite, which reaches a station itself for all that time. */
static bool one_hop(const struct associations *a, const struct association *row)
{
	size_t n;
	const struct association *over = association_of(a, row->via, &n);

	for (size_t i = 0; i < n; i++)
		if (*over[i].via && over[i].from < row->until && over[i].until > row->from)
			return false;
	return strcmp(row->via, row->satellite) != 0;
}

static void ask(const struct associations *a)
{
	const struct association *rows, *row;
	size_t n, i;

	for (i = 0; i < a->count; i += n) {
		rows = association_of(a, a->rows[i].satellite, &n);
		must(n > 0 && rows == &a->rows[i]);
		for (row = rows; row < rows + n; row++) {
			must(row->from < row->until);
			must(row == rows || row->from >= row[-1].until);
			must(association_at(rows, n, row->from) == row);
			must(association_at(rows, n, row->until - 1) == row);
			must(association_next(rows, n, row->from) >= row->until);
			must(association_next(rows, n, row->from - 1) >= row->from);
			must(association_name_valid(row->core));
			must(!*row->via || one_hop(a, row));
		}
		must(association_next(rows, n, rows[n - 1].until) == USEC_NEVER);
	}
}

/* By the names of the protocol: those are found, in the order of the list. */
static void fold(struct associations *a)
{
	char folded[ASSOCIATION_FOLDED_MAX + 1], text[ASSOCIATION_TIME_TEXT];
	size_t n;

	association_fold(a);
	for (size_t i = 0; i < a->count; i++) {
		association_fold_name(a->rows[i].satellite, folded);
		must(strcmp(a->rows[i].satellite, folded) == 0);
		must(i == 0 || strcmp(a->rows[i - 1].satellite, folded) <= 0);
		must(association_of(a, folded, &n) && n > 0);
	}
	must(strcmp(association_time_format(USEC_NEVER, text), "never") == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct associations a, again, one;
	size_t faults = 0, length;
	char *text, path[FILE_PATH];
	FILE *out;
	int fd = file_of(data, size, path);

	if (association_load(&a, path, NULL, count, &faults) == 0) {
		must(faults == 0);
		association_free(&a);
	}
	close(fd);
	faults = 0;
	if (association_load_text(&a, "fuzz", (const char *)data, size, NULL, count, &faults) < 0) {
		must(faults > 0 && !a.rows && !a.text);
		return 0;
	}
	must(faults == 0);
	ask(&a);
	out = open_memstream(&text, &length);
	must(out != NULL);
	association_print_heading(out, true);
	for (size_t i = 0; i < a.count; i++)
		association_print(out, &a.rows[i], true);
	fclose(out);
	must(association_load_text(&again, "again", text, length, NULL, count, &faults) == 0);
	must(again.count == a.count);
	for (size_t i = 0; i < a.count; i++)
		must(again.rows[i].from == a.rows[i].from &&
		     again.rows[i].until == a.rows[i].until &&
		     association_same(&again.rows[i], &a.rows[i]) &&
		     strcmp(again.rows[i].satellite, a.rows[i].satellite) == 0);
	if (a.count) {
		must(association_load_text(&one, "one", text, length, a.rows[0].satellite, count,
					   &faults) == 0);
		must(one.count > 0 && strcmp(one.rows[0].satellite, a.rows[0].satellite) == 0);
		ask(&one);
		association_free(&one);
	}
	free(text);
	fold(&again);
	association_free(&again);
	association_free(&a);
	return 0;
}
