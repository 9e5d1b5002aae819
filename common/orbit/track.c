/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tracks: nodes made on demand, and the cubic between two of them. */
#include "orbit/track.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What track.made says of a node. */
enum { BLANK, MADE, GONE };

int track_open(struct track *track, const struct sgp4 *orbit, usec_t start, double seconds)
{
	memset(track, 0, sizeof(*track));
	track->start = start;
	track->seconds = seconds;
	track->orbit = orbit;
	track->count = (size_t)ceil(seconds / TRACK_STEP) + 1;
	track->nodes = calloc(track->count, sizeof(*track->nodes));
	track->made = calloc(track->count, 1);
	if (track->nodes && track->made)
		return 0;
	track_close(track);
	return -ENOMEM;
}

void track_reuse(struct track *track, const struct sgp4 *orbit)
{
	track->orbit = orbit;
	memset(track->made, BLANK, track->count);
}

void track_close(struct track *track)
{
	free(track->nodes);
	free(track->made);
	memset(track, 0, sizeof(*track));
}

const struct track_node *track_node(struct track *track, size_t i)
{
	struct track_node *node = &track->nodes[i];
	usec_t instant;

	if (track->made[i] == BLANK) {
		instant = track->start + (usec_t)i * (usec_t)TRACK_STEP * USEC_PER_SEC;
		track->made[i] = GONE;
		if (sgp4_at(track->orbit, instant, node->r, node->v) == SGP4_GOOD) {
			geodesy_earth_fixed(instant, node->r, node->v);
			track->made[i] = MADE;
		}
	}
	return track->made[i] == MADE ? node : NULL;
}

void track_fill(struct track *track)
{
	for (size_t i = 0; i < track->count; i++)
		track_node(track, i);
}

void track_between(const struct track_node *a, const struct track_node *b, double s, double r[3],
		   double v[3])
{
	double x = s / TRACK_STEP, x2 = x * x, x3 = x2 * x;
	double ra = 2 * x3 - 3 * x2 + 1, rb = 1 - ra;
	double va = (x3 - 2 * x2 + x) * TRACK_STEP, vb = (x3 - x2) * TRACK_STEP;

	for (int k = 0; k < 3; k++)
		r[k] = ra * a->r[k] + rb * b->r[k] + va * a->v[k] + vb * b->v[k];
	if (!v)
		return;
	ra = 6 * (x2 - x) / TRACK_STEP;
	va = 3 * x2 - 4 * x + 1;
	vb = 3 * x2 - 2 * x;
	for (int k = 0; k < 3; k++)
		v[k] = ra * (a->r[k] - b->r[k]) + va * a->v[k] + vb * b->v[k];
}

bool track_state(struct track *track, double t, double r[3], double v[3])
{
	size_t i = t > 0 ? (size_t)(t / TRACK_STEP) : 0;
	const struct track_node *a, *b;

	if (i + 2 > track->count)
		i = track->count - 2;
	a = track_node(track, i);
	b = track_node(track, i + 1);
	if (!a || !b)
		return false;
	track_between(a, b, t - TRACK_STEP * (double)i, r, v);
	return true;
}
