/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads that share out the parts of a loop.
 *
 * Which thread does which part is chance; a part may therefore write only what belongs to it, and
 * results are put together afterwards in the order of the parts. So nothing that is computed
 * depends on the number of threads.
 */
#ifndef SNO_PLAN_PARALLEL_H
#define SNO_PLAN_PARALLEL_H

#include <stddef.h>

struct parallel;

/* Does part `part`. `worker` is the thread's number, less than parallel_workers(): for scratch. */
typedef void parallel_fn(void *arg, size_t part, unsigned int worker);

/* 0 threads: one per CPU that this process may use. NULL: no memory, or no threads. */
struct parallel *parallel_open(unsigned int threads);
void parallel_close(struct parallel *parallel);
unsigned int parallel_workers(const struct parallel *parallel);

/* Does parts 0 to count - 1; returns when all are done. Not to be called from a part. */
void parallel_run(struct parallel *parallel, size_t count, parallel_fn *fn, void *arg);

#endif
