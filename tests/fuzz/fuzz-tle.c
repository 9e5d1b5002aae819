/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any text as two-line elements: refused with at least one fault, or read; and what was read moves
 * without ending up nowhere, and where it can be written reads again to the same. The text is
 * tried as it is and with its checksums put right, which chance would hardly find.
 */
#define _GNU_SOURCE /* memfd_create */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "orbit/sgp4.h"

#define LINE_LENGTH 69

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

static void move(const struct element_set *set)
{
	static const double minutes[] = {0, 1, -1440, 1440, 1e6, -1e8};
	struct sgp4_bounds bounds;
	struct sgp4 orbit;
	double r[3], v[3];

	must(sgp4_init(&orbit, set) == SGP4_GOOD);
	must(sgp4_period(&orbit) < 225);
	for (size_t i = 0; i < sizeof(minutes) / sizeof(minutes[0]); i++) {
		if (sgp4_propagate(&orbit, minutes[i], r, v) != SGP4_GOOD)
			continue;
		for (int k = 0; k < 3; k++)
			must(isfinite(r[k]) && isfinite(v[k]));
	}
	sgp4_bound(&orbit, set->epoch, set->epoch + 86400 * USEC_PER_SEC, &bounds);
	must(bounds.farthest > 6378 && isfinite(bounds.farthest) && bounds.speed > 0);
}

static void write_again(const struct constellation *c)
{
	struct constellation again = {.unchecked = true};
	size_t length, faults = 0, written = 0;
	char *text;
	FILE *out = open_memstream(&text, &length);

	must(out != NULL);
	for (size_t i = 0; i < c->count; i++)
		written += tle_print(out, &c->sets[i]) == 0;
	fclose(out);
	must(written == c->count); /* what can be read can be written */
	must(tle_load_text(&again, "again", text, length, 3, count, &faults) == 0);
	must(again.count == c->count);
	for (size_t i = 0; i < c->count; i++) {
		const struct element_set *a = &c->sets[i], *b = &again.sets[i];

		must(strcmp(a->name, b->name) == 0 && a->number == b->number && b->owner == 3);
		must(a->epoch == b->epoch && a->eccentricity == b->eccentricity);
		must(fabs(a->inclination - b->inclination) <= 5.1e-5);
		must(fabs(a->motion - b->motion) <= 5.1e-9);
	}
	tle_free(&again);
	free(text);
}

static void try(const char *text, size_t size)
{
	struct constellation c = {0};
	size_t faults = 0;

	if (tle_load_text(&c, "fuzz", text, size, 0, count, &faults) < 0) {
		must(faults > 0 && c.count == 0);
	} else {
		must(faults == 0 && c.count > 0);
		for (size_t i = 0; i < c.count; i++) {
			must(tle_find(&c, c.sets[i].name) == &c.sets[i]);
			move(&c.sets[i]);
		}
		write_again(&c);
	}
	tle_free(&c);
}

/* Puts the checksums of all lines right. */
static void repair(char *text, size_t size)
{
	char *line = text, *end;
	int sum;

	for (; line < text + size; line = end + 1) {
		end = memchr(line, '\n', size - (size_t)(line - text));
		if (!end)
			end = text + size;
		if (end - line < LINE_LENGTH)
			continue;
		sum = 0;
		for (const char *p = line; p < line + LINE_LENGTH - 1; p++)
			sum += *p >= '0' && *p <= '9' ? *p - '0' : *p == '-';
		line[LINE_LENGTH - 1] = (char)('0' + sum % 10);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + 1), path[FILE_PATH];
	struct constellation c = {0};
	int fd = file_of(data, size, path);
	size_t faults = 0;

	must(copy != NULL);
	must((tle_load(&c, path, 0, count, &faults) < 0) == (faults > 0));
	tle_free(&c);
	close(fd);
	try((const char *)data, size);
	if (size)
		memcpy(copy, data, size);
	copy[size] = '\0';
	repair(copy, size);
	try(copy, size);
	free(copy);
	return 0;
}
