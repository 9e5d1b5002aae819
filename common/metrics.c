/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text format of metrics.h. */
#include "metrics.h"

#include <stdarg.h>

/* In microseconds: three to a decade, as fine as a handover's parts have to be told apart. */
static const usec_t bounds[HISTOGRAM_BUCKETS] = {
	100,   200,    500,    1000,   2000,	5000,	 10000,	  20000,
	50000, 100000, 200000, 500000, 1000000, 2000000, 5000000, 10000000,
};

void histogram_add(struct histogram *h, usec_t duration)
{
	int i = 0;

	if (duration < 0)
		return;
	while (i < HISTOGRAM_BUCKETS && duration > bounds[i])
		i++;
	h->counts[i]++;
	h->sum += duration;
}

void metrics_family(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void print_escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\n')
			fputs("\\n", out);
		else if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else
			fputc(*text, out);
	}
}

/* The labels, and `le` behind them when it is not NULL. */
static void print_labels(FILE *out, va_list labels, const char *le)
{
	const char *label, *before = "{";

	while ((label = va_arg(labels, const char *))) {
		fprintf(out, "%s%s=\"", before, label);
		print_escaped(out, va_arg(labels, const char *));
		fputc('"', out);
		before = ",";
	}
	if (le) {
		fprintf(out, "%sle=\"%s\"", before, le);
		before = ",";
	}
	if (*before == ',')
		fputc('}', out);
}

void metrics_number(FILE *out, double value, const char *name, ...)
{
	va_list labels;

	va_start(labels, name);
	fputs(name, out);
	print_labels(out, labels, NULL);
	fprintf(out, " %.17g\n", value);
	va_end(labels);
}

void metrics_histogram(FILE *out, const struct histogram *h, const char *name, ...)
{
	uint64_t count = 0;
	va_list labels;
	char le[32];

	for (int i = 0; i <= HISTOGRAM_BUCKETS; i++) {
		count += h->counts[i];
		if (i < HISTOGRAM_BUCKETS)
			snprintf(le, sizeof(le), "%g", (double)bounds[i] / (double)USEC_PER_SEC);
		else
			snprintf(le, sizeof(le), "+Inf");
		va_start(labels, name);
		fprintf(out, "%s_bucket", name);
		print_labels(out, labels, le);
		fprintf(out, " %llu\n", (unsigned long long)count);
		va_end(labels);
	}
	va_start(labels, name);
	fprintf(out, "%s_sum", name);
	print_labels(out, labels, NULL);
	fprintf(out, " %.6f\n", (double)h->sum / (double)USEC_PER_SEC);
	va_end(labels);
	va_start(labels, name);
	fprintf(out, "%s_count", name);
	print_labels(out, labels, NULL);
	fprintf(out, " %llu\n", (unsigned long long)count);
	va_end(labels);
}
