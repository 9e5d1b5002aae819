/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The satellite's figures for a monitoring system (metrics.h); sno-sat-forwarder(8) lists them. */
#ifndef SNO_SAT_FIGURES_H
#define SNO_SAT_FIGURES_H

#include <stdio.h>

/* metrics_write_fn; arg is the satellite. */
void figures_write(void *arg, FILE *out);

#endif
