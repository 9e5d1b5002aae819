/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The core's figures for a monitoring system (metrics.h); sno-core-agent(8) lists them. */
#ifndef SNO_CORE_FIGURES_H
#define SNO_CORE_FIGURES_H

#include <stdio.h>

/* metrics_write_fn; arg is the core. */
void figures_write(void *arg, FILE *out);

#endif
