/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The terminal's figures for a monitoring system (metrics.h); sno-terminal-agent(8) lists them. */
#ifndef SNO_TERMINAL_FIGURES_H
#define SNO_TERMINAL_FIGURES_H

#include <stdio.h>

/* metrics_write_fn; arg is the agent. */
void figures_write(void *arg, FILE *out);

#endif
