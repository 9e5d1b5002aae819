/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See aside.h. */
#include "aside.h"

#include <sched.h>
#include <signal.h>
#include <stdbool.h>

static bool real_time(void)
{
	int policy = sched_getscheduler(0);

	return policy == SCHED_FIFO || policy == SCHED_RR;
}

int aside_start(pthread_t *thread, void *(*fn)(void *), void *arg)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	int error = pthread_attr_init(&attributes);

	if (error)
		return -error;
	/* Those of a new thread are SCHED_OTHER unless it inherits, which is the default. */
	if (real_time())
		pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(thread, &attributes, fn, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return -error;
}
