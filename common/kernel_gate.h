/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The gate in the kernel: a program of ours which has packets wait behind those in a terminal's
 * hold, with its memory (gate_layout.h).
 *
 * A filter on a device outlives the daemon, but each daemon begins with a gate of its own, and a
 * gate that was left shut opens by itself. Opening it needs CAP_BPF beside CAP_NET_ADMIN, nothing
 * else does. What holds for all of kernel.h holds here.
 */
#ifndef SNO_KERNEL_GATE_H
#define SNO_KERNEL_GATE_H

#include "kernel.h"

struct kernel_gate;
struct gate;

enum kernel_gate_place {
	KERNEL_GATE_HOLD, /* the hold's device */
	KERNEL_GATE_LINK, /* an Ethernet device over which packets leave behind those in the hold */
};

/* Loads the program, an ELF object of the bpf machine. -EOPNOTSUPP when this kernel has no such. */
int kernel_gate_open(struct kernel *k, const void *program, size_t size, struct kernel_gate **gate);
/* The filters stay. NULL is allowed. */
void kernel_gate_close(struct kernel_gate *gate);

/* Gives the device the filter of its place, or exchanges it atomically for that of this gate. */
int kernel_gate_attach(struct kernel_gate *gate, unsigned int ifindex,
		       enum kernel_gate_place place);
/* Removes our filter from a device, if there is one. */
int kernel_gate_detach(struct kernel *k, unsigned int ifindex);

/* The kernel's own memory, shared. */
struct gate *kernel_gate_memory(const struct kernel_gate *gate);

#endif
