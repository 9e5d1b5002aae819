/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is wrong with a configuration: collected as it is found, told in the order of the text, and
 * with the key that an unknown one was probably meant to be.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "conf_private.h"

void conf_faults_vadd(struct conf_faults *faults, unsigned int line, const char *format, va_list ap)
{
	struct conf_fault *bigger;
	char text[600];

	vsnprintf(text, sizeof(text), format, ap);
	if (faults->count >= CONF_FAULTS_MAX) {
		faults->count++;
		return;
	}
	bigger = realloc(faults->faults, (faults->count + 1) * sizeof(*bigger));
	if (!bigger)
		return;
	faults->faults = bigger;
	bigger[faults->count] = (struct conf_fault){line, faults->count, strdup(text)};
	faults->count++;
}

void conf_faults_add(struct conf_faults *faults, unsigned int line, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	conf_faults_vadd(faults, line, format, ap);
	va_end(ap);
}

static int fault_order(const void *a, const void *b)
{
	const struct conf_fault *f = a, *g = b;

	if (f->line != g->line)
		return f->line < g->line ? -1 : 1;
	return f->order < g->order ? -1 : f->order > g->order;
}

void conf_faults_report(struct conf_faults *faults, const struct conf_source *source,
			conf_report_fn *report, void *arg)
{
	size_t kept = faults->count < CONF_FAULTS_MAX ? faults->count : CONF_FAULTS_MAX;
	char message[1000];

	if (!report)
		return;
	if (kept)
		qsort(faults->faults, kept, sizeof(*faults->faults), fault_order);
	for (size_t i = 0; i < kept; i++) {
		const struct conf_fault *fault = &faults->faults[i];
		const char *text = fault->text ? fault->text : strerror(ENOMEM);
		unsigned int line = 0;
		const char *file = conf_source_place(source, fault->line, &line);

		if (fault->line)
			snprintf(message, sizeof(message), "%s:%u: %s", file, line, text);
		else
			snprintf(message, sizeof(message), "%s: %s", file, text);
		report(arg, message);
	}
	if (faults->count > kept) {
		snprintf(message, sizeof(message), "%s: and %zu more faults",
			 conf_source_place(source, 0, &(unsigned int){0}), faults->count - kept);
		report(arg, message);
	}
}

void conf_faults_free(struct conf_faults *faults)
{
	size_t kept = faults->count < CONF_FAULTS_MAX ? faults->count : CONF_FAULTS_MAX;

	for (size_t i = 0; i < kept; i++)
		free(faults->faults[i].text);
	free(faults->faults);
	memset(faults, 0, sizeof(*faults));
}

void conf_report_file(void *arg, const char *message)
{
	fprintf(arg, "%s\n", message);
}

#define NAME_MAX_HINT 40

/* Levenshtein's distance of two names; large when one is too long to be a slip of the other. */
static size_t name_distance(const char *a, const char *b)
{
	size_t row[NAME_MAX_HINT + 1], m = strlen(a), n = strlen(b);

	if (m > NAME_MAX_HINT || n > NAME_MAX_HINT)
		return NAME_MAX_HINT;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 1; i <= m; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			size_t above = row[j];
			size_t best = diagonal + (a[i - 1] != b[j - 1]);

			if (above + 1 < best)
				best = above + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
			diagonal = above;
		}
	}
	return row[n];
}

const char *conf_nearest(const struct conf_key *keys, const char *name)
{
	size_t best = (strlen(name) + 2) / 3 + 1; /* a slip in every third letter */
	const char *near = NULL;

	for (const struct conf_key *key = keys; key->name; key++) {
		size_t distance = name_distance(name, key->name);

		if (distance < best) {
			best = distance;
			near = key->name;
		}
	}
	return near;
}
