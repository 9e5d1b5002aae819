/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Drawing progress. Who counts draws, if it is time to and nobody else is drawing. */
#include "plan/progress.h"

#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#define BAR_WIDTH  30
#define BAR_EVERY  (100 * USEC_PER_MSEC)
#define LINE_EVERY (10 * USEC_PER_SEC)
#define NAME_WIDTH 12

void progress_open(struct progress *progress, FILE *out, bool quiet)
{
	memset(progress, 0, sizeof(*progress));
	progress->out = quiet ? NULL : out;
	progress->bar = progress->out && isatty(fileno(out));
}

void progress_begin(struct progress *progress, const char *what, size_t all)
{
	progress->what = what;
	progress->all = all ? all : 1;
	progress->done = 0;
	progress->begun = progress->drawn = clock_now();
}

/* "0:41", "1:02:03" */
static const char *duration(usec_t time, char text[24])
{
	unsigned int seconds = (unsigned int)(time / USEC_PER_SEC) % 1000000;

	if (seconds >= 3600)
		snprintf(text, 24, "%u:%02u:%02u", seconds / 3600, seconds / 60 % 60, seconds % 60);
	else
		snprintf(text, 24, "%u:%02u", seconds / 60, seconds % 60);
	return text;
}

static void draw(const struct progress *progress, usec_t now)
{
	size_t done = progress->done < progress->all ? progress->done : progress->all;
	double share = (double)done / (double)progress->all;
	int filled = (int)(share * BAR_WIDTH), percent = (int)(share * 100);
	char left[24], bar[BAR_WIDTH + 1];
	usec_t spent = now - progress->begun;
	/* Guessed only once there is something to guess from. */
	bool known = share > 0.02 || (share > 0 && spent > 5 * USEC_PER_SEC);

	memset(bar, '.', BAR_WIDTH);
	memset(bar, '#', (size_t)filled);
	bar[BAR_WIDTH] = '\0';
	duration(known ? (usec_t)((double)spent * (1 - share) / share) : 0, left);
	if (progress->bar)
		fprintf(progress->out, "\r%-*s [%s] %3d%%  %s%s\033[K", NAME_WIDTH, progress->what,
			bar, percent, known ? left : "", known ? " to go" : "");
	else
		fprintf(progress->out, "%s: %d%%%s%s%s\n", progress->what, percent,
			known ? ", " : "", known ? left : "", known ? " to go" : "");
	(void)fflush(progress->out); /* nobody waits for it */
}

/* Draws when it is time to. */
static void show(struct progress *progress)
{
	usec_t now;

	if (!progress->out || atomic_exchange(&progress->drawing, true))
		return;
	now = clock_now();
	if (now - progress->drawn >= (progress->bar ? BAR_EVERY : LINE_EVERY)) {
		progress->drawn = now;
		draw(progress, now);
	}
	atomic_store(&progress->drawing, false);
}

void progress_at(void *arg, size_t done, size_t all)
{
	struct progress *progress = arg;

	progress->all = all ? all : 1;
	progress->done = done;
	show(progress);
}

void progress_add(struct progress *progress, size_t more)
{
	progress->done += more;
	show(progress);
}

double progress_end(struct progress *progress)
{
	usec_t spent = clock_now() - progress->begun;

	if (progress->out) {
		fprintf(progress->out, "%s%s: %.1f s%s\n", progress->bar ? "\r" : "",
			progress->what, (double)spent / USEC_PER_SEC,
			progress->bar ? "\033[K" : "");
		(void)fflush(progress->out); /* nobody waits for it */
	}
	return (double)spent / USEC_PER_SEC;
}
