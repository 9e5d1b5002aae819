/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Figures for a monitoring system, in Prometheus' text format (version 0.0.4): the writing of it.
 *
 * A daemon writes one family after the other, each with its samples:
 *
 *	metrics_family(out, "sno_handovers_total", "counter", "Handovers made, by mode.");
 *	metrics_number(out, 17, "sno_handovers_total", "mode", "soft", NULL);
 *
 * Nothing is labelled with the name of a terminal: there may be a million of them.
 */
#ifndef SNO_METRICS_H
#define SNO_METRICS_H

#include "clock.h"

#include <stdint.h>
#include <stdio.h>

/* Durations, sorted into buckets from 100 microseconds to 10 seconds, and above. */
#define HISTOGRAM_BUCKETS 16
struct histogram {
	uint64_t counts[HISTOGRAM_BUCKETS + 1]; /* the last one: above all bounds */
	usec_t sum;
};

void histogram_add(struct histogram *h, usec_t duration);

/* Begins a family: "counter", "gauge" or "histogram". */
void metrics_family(FILE *out, const char *name, const char *type, const char *help);
/* A sample of the family. Pairs of label and value follow, ended by NULL. */
void metrics_number(FILE *out, double value, const char *name, ...) __attribute__((sentinel));
/* All samples of a histogram, in seconds. */
void metrics_histogram(FILE *out, const struct histogram *h, const char *name, ...)
	__attribute__((sentinel));

#endif
