/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the two files of the guard share, and that of the gate (kernel_gate.c): programs are
 * libbpf's, filters are netlink's.
 */
#ifndef SNO_KERNEL_GUARD_INTERNAL_H
#define SNO_KERNEL_GUARD_INTERNAL_H

#include "kernel_guard.h"
#include "kernel_internal.h"

/* From now on what libbpf says is kept for kernel_guard_refuse(). */
void kernel_guard_listen(void);
/* What kernel_fail() does, with libbpf's words where it has said some: it has no other way to tell.
 */
int kernel_guard_refuse(struct kernel *k, int err, const char *what);

/* Puts our filter with this program there, or exchanges its program. The device has its clsact. */
int kernel_guard_filter_set(struct kernel *k, unsigned int ifindex, bool ingress, int program);
/* The id of the program of our filter; 0: there is none. */
uint32_t kernel_guard_filter_program(struct kernel *k, unsigned int ifindex, bool ingress);

#endif
