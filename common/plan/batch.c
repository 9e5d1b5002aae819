/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Batches are put together with a bit for each place (and station) and slot that is taken. */
#include "plan/batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* How many of those that are left are looked at for a batch. */
#define LOOK 256

int batches_open(struct batches *batches, const struct stretch *stretch, bool stations)
{
	const struct scenario *scenario = stretch->scenario;
	size_t rows = scenario->place_count + (stations ? scenario->station_count : 0);

	*batches = (struct batches){
		.stretch = stretch, .stations = stations, .words = stretch->slots / 64 + 1};
	batches->satellites = calloc(BATCH_MOST, sizeof(*batches->satellites));
	batches->left = calloc(scenario->satellite_count + 1, sizeof(*batches->left));
	batches->taken = calloc(rows * batches->words + 1, sizeof(*batches->taken));
	if (batches->satellites && batches->left && batches->taken)
		return 0;
	batches_close(batches);
	return -ENOMEM;
}

void batches_close(struct batches *batches)
{
	free(batches->satellites);
	free(batches->left);
	free(batches->taken);
	*batches = (struct batches){0};
}

void batches_add(struct batches *batches, size_t satellite)
{
	batches->left[batches->left_count++] = (uint32_t)satellite;
}

/* Of slots from to until - 1 those in a word of a row. */
static uint64_t bits_of(size_t word, unsigned int from, unsigned int until)
{
	unsigned int first = (unsigned int)word * 64;
	unsigned int low = from > first ? from - first : 0, end = until - first;

	return (end < 64 ? (UINT64_C(1) << end) - 1 : UINT64_MAX) & UINT64_MAX << low;
}

/* Takes slots from to until - 1 of a row; with `only_look` only tells whether they are free. */
static bool take(struct batches *batches, size_t row, unsigned int from, unsigned int until,
		 bool only_look)
{
	uint64_t *taken = batches->taken + row * batches->words;

	for (size_t word = from / 64; word <= (until - 1) / 64; word++) {
		uint64_t bits = bits_of(word, from, until);

		if (!only_look)
			taken[word] |= bits;
		else if (taken[word] & bits)
			return false;
	}
	return true;
}

/* The same with all that a satellite needs. */
static bool take_all(struct batches *batches, size_t satellite, bool only_look)
{
	const struct stretch *stretch = batches->stretch;

	for (size_t i = stretch->view_of[satellite]; i < stretch->view_of[satellite + 1]; i++) {
		const struct view *view = &stretch->views[i];

		if (!take(batches, view->place, view->from, view->until, only_look))
			return false;
	}
	if (!batches->stations)
		return true;
	for (size_t i = stretch->pass_of[satellite]; i < stretch->pass_of[satellite + 1]; i++) {
		const struct pass *pass = &stretch->passes[i];

		size_t row = stretch->scenario->place_count +
			     attachment_station(stretch->scenario, pass->attached);

		if (!take(batches, row, pass->from, pass->until, only_look))
			return false;
	}
	return true;
}

bool batches_next(struct batches *batches)
{
	const struct scenario *scenario = batches->stretch->scenario;
	size_t rows = scenario->place_count + (batches->stations ? scenario->station_count : 0);
	uint32_t later[LOOK], *left = batches->left + batches->begun;
	size_t count = batches->left_count - batches->begun, looked, skipped = 0;

	memset(batches->taken, 0, rows * batches->words * sizeof(*batches->taken));
	batches->count = 0;
	for (looked = 0; looked < count && looked < LOOK && batches->count < BATCH_MOST; looked++) {
		bool fits = take_all(batches, left[looked], true);

		if (fits)
			batches->satellites[batches->count++] = left[looked];
		else
			later[skipped++] = left[looked];
		if (fits || batches->stations)
			take_all(batches, left[looked], false);
	}
	/* cppcheck-suppress uninitvar; the first `skipped` of them are set */
	memcpy(left + batches->count, later, skipped * sizeof(*later));
	batches->begun += batches->count;
	return batches->count > 0;
}
