/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Traffic control of the kernel, as satellites use it (kernel_tc.c).
 *
 * Re-association of a satellite is one atomic replacement: filters on the ingress of devices refer
 * to a shared action by its index, and the action says where frames leave. What holds for all of
 * kernel.h holds here.
 */
#ifndef SNO_KERNEL_TC_H
#define SNO_KERNEL_TC_H

#include "kernel.h"

/* Gives the device the clsact queueing discipline, on which ingress filters hang. */
int kernel_tc_clsact_ensure(struct kernel *k, unsigned int ifindex);
/* Removes it, and all filters of the device with it. */
int kernel_tc_clsact_delete(struct kernel *k, unsigned int ifindex);

/* A redirect action: what is handed to action `index` leaves by `ifindex`. */
struct kernel_redirect {
	uint32_t index; /* 1 or more; one numbering per namespace */
	unsigned int ifindex;
};

typedef int (*kernel_redirect_fn)(const struct kernel_redirect *redirect, void *arg);

/* Makes the action or, atomically, points it elsewhere. */
int kernel_tc_redirect_replace(struct kernel *k, const struct kernel_redirect *redirect);
/*
 * -EPERM while a filter refers to it. Only index matters. The kernel releases the action of a
 * deleted filter a few milliseconds late, so this waits for it, up to 200 ms.
 */
int kernel_tc_redirect_delete(struct kernel *k, const struct kernel_redirect *redirect);
/* Ours, by the cookie. */
int kernel_tc_redirect_each(struct kernel *k, kernel_redirect_fn each, void *arg);

/* A filter on the ingress of a device that hands every frame to a redirect action. */
struct kernel_filter {
	unsigned int ifindex;
	uint16_t priority; /* 1 or more; identifies the filter on its device */
	uint32_t action;   /* index of the redirect action, which must exist */
};

typedef int (*kernel_filter_fn)(const struct kernel_filter *filter, void *arg);

/* The device needs its clsact first. Replaces the filter of that priority. */
int kernel_tc_filter_replace(struct kernel *k, const struct kernel_filter *filter);
/* Only ifindex and priority matter. */
int kernel_tc_filter_delete(struct kernel *k, const struct kernel_filter *filter);
/* The filters on the ingress of one device that refer to a redirect action. */
int kernel_tc_filter_each(struct kernel *k, unsigned int ifindex, kernel_filter_fn each, void *arg);

#endif
