/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the gate's program in the kernel and the terminal agent share: the contents of its map,
 * which both have in their memory.
 *
 * Included by the program too: no headers but the kernel's own.
 */
#ifndef SNO_GATE_LAYOUT_H
#define SNO_GATE_LAYOUT_H

#include <linux/types.h>

struct gate {
	__u64 until;	 /* CLOCK_MONOTONIC in nanoseconds: it is shut until then; 0: it is open */
	__u64 held;	 /* packets that the hold's device was given ... */
	__u64 passed;	 /* ... and that have left the hold, this way or that */
	__u32 hold;	 /* interface index of the hold's device */
	__u32 link;	 /* ... of the link over which packets may have to wait */
	__u8 gateway[6]; /* their next Ethernet address there */
	__u8 unused[2];
};

#endif
