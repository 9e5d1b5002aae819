/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A pool of threads; the calling one is worker 0. Parts are taken in handfuls from a counter. */
#define _GNU_SOURCE /* sched_getaffinity(2) */
#include "plan/parallel.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#define WORKERS_MAX 256

struct worker {
	struct parallel *parallel;
	pthread_t thread;
	unsigned int number;
};

struct parallel {
	struct worker *workers; /* without the calling thread */
	unsigned int count;	/* with it */
	pthread_mutex_t lock;
	pthread_cond_t begin, end;
	unsigned long round; /* of parallel_run() */
	unsigned int busy;   /* workers that have not finished it */
	bool closing;
	parallel_fn *fn;
	void *arg;
	size_t parts, handful;
	atomic_size_t next;
};

static void take_parts(struct parallel *parallel, unsigned int worker)
{
	for (;;) {
		size_t from = atomic_fetch_add(&parallel->next, parallel->handful);
		size_t until = from + parallel->handful;

		if (from >= parallel->parts)
			return;
		for (size_t i = from; i < until && i < parallel->parts; i++)
			parallel->fn(parallel->arg, i, worker);
	}
}

static void *work(void *arg)
{
	struct worker *worker = arg;
	struct parallel *parallel = worker->parallel;
	unsigned long seen = 0;

	pthread_mutex_lock(&parallel->lock);
	for (;;) {
		while (parallel->round == seen && !parallel->closing)
			pthread_cond_wait(&parallel->begin, &parallel->lock);
		if (parallel->closing)
			break;
		seen = parallel->round;
		pthread_mutex_unlock(&parallel->lock);
		take_parts(parallel, worker->number);
		pthread_mutex_lock(&parallel->lock);
		if (--parallel->busy == 0)
			pthread_cond_signal(&parallel->end);
	}
	pthread_mutex_unlock(&parallel->lock);
	return NULL;
}

static unsigned int usable_cpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	return (unsigned int)CPU_COUNT(&set);
}

struct parallel *parallel_open(unsigned int threads)
{
	struct parallel *parallel = calloc(1, sizeof(*parallel));

	if (!parallel)
		return NULL;
	if (threads == 0)
		threads = usable_cpus();
	if (threads > WORKERS_MAX)
		threads = WORKERS_MAX;
	parallel->workers = calloc(threads, sizeof(*parallel->workers));
	if (!parallel->workers) {
		free(parallel);
		return NULL;
	}
	pthread_mutex_init(&parallel->lock, NULL);
	pthread_cond_init(&parallel->begin, NULL);
	pthread_cond_init(&parallel->end, NULL);
	parallel->count = 1;
	while (parallel->count < threads) {
		struct worker *worker = &parallel->workers[parallel->count - 1];

		*worker = (struct worker){.parallel = parallel, .number = parallel->count};
		if (pthread_create(&worker->thread, NULL, work, worker) != 0) {
			parallel_close(parallel);
			return NULL;
		}
		parallel->count++;
	}
	return parallel;
}

void parallel_close(struct parallel *parallel)
{
	if (!parallel)
		return;
	pthread_mutex_lock(&parallel->lock);
	parallel->closing = true;
	pthread_cond_broadcast(&parallel->begin);
	pthread_mutex_unlock(&parallel->lock);
	for (unsigned int i = 0; i + 1 < parallel->count; i++)
		pthread_join(parallel->workers[i].thread, NULL);
	pthread_cond_destroy(&parallel->end);
	pthread_cond_destroy(&parallel->begin);
	pthread_mutex_destroy(&parallel->lock);
	free(parallel->workers);
	free(parallel);
}

unsigned int parallel_workers(const struct parallel *parallel)
{
	return parallel->count;
}

void parallel_run(struct parallel *parallel, size_t count, parallel_fn *fn, void *arg)
{
	parallel->fn = fn;
	parallel->arg = arg;
	parallel->parts = count;
	parallel->handful = count / 8 / parallel->count + 1;
	atomic_store(&parallel->next, 0);
	if (parallel->count > 1) {
		pthread_mutex_lock(&parallel->lock);
		parallel->busy = parallel->count - 1;
		parallel->round++;
		pthread_cond_broadcast(&parallel->begin);
		pthread_mutex_unlock(&parallel->lock);
	}
	take_parts(parallel, 0);
	if (parallel->count > 1) {
		pthread_mutex_lock(&parallel->lock);
		while (parallel->busy > 0)
			pthread_cond_wait(&parallel->end, &parallel->lock);
		pthread_mutex_unlock(&parallel->lock);
	}
}
