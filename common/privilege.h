/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Least privilege: a daemon opens what it needs as whoever started it, and before it reads the
 * first datagram gives up all that it will not need again. Started as root, or as a user of its own
 * with ambient capabilities (capabilities(7)): either way it keeps the same few.
 */
#ifndef SNO_PRIVILEGE_H
#define SNO_PRIVILEGE_H

#include <stdbool.h>

/* Sets of capabilities: bit n stands for capability n of <linux/capability.h>. */
#define PRIVILEGE(capability) (1ULL << (capability))

/*
 * First thing, before any key is read: no core dump, and nobody of the same user looks into this
 * process (ptrace(2), /proc). Cannot fail.
 */
void privilege_hide(void);

/*
 * Keeps of the capabilities that this process has those in `keep`, for good: the bounding set and
 * what programs inherit go with them, and new ones are not to be had. Locked memory, which needs
 * rights or a limit, is put under the limit first. With `programs` those that this process starts
 * keep what its administrator has left to it: then only the process itself is bound. 0, or -errno.
 */
int privilege_drop(unsigned long long keep, bool programs);

#endif
