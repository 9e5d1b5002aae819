/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The operator's order, kept beside the control socket so that it outlives the daemon as the
 * kernel's state does, and like that not the machine: one row in the form of the association file.
 */
#ifndef SNO_SAT_ORDER_H
#define SNO_SAT_ORDER_H

#include "sat-forwarder/schedule.h"

/* "/run/sno/sat-forwarder.sock" to "/run/sno/sat-forwarder.order"; 0 or -ENAMETOOLONG. */
int order_path(char *path, size_t size, const char *socket_path);

/* Writes it in one piece. 0 or -errno. */
int order_save(const char *path, const char *satellite, const struct order *order);

/*
 * Reads what an earlier run has left. 0, and order->given when there was one and it is not over;
 * otherwise -errno, reported.
 */
int order_load(const char *path, const char *satellite, usec_t wall, struct order *order,
	       association_report_fn *report, void *arg);

/* There is no order any more. 0 or -errno. */
int order_remove(const char *path);

#endif
