/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads beside the event loop: for what takes long and nobody waits for, such as a disk.
 *
 * They get no signals, which are the loop's; nor its priority, where an operator has given the
 * daemon a real-time one: on a single CPU packets would wait for the disk then.
 */
#ifndef SNO_ASIDE_H
#define SNO_ASIDE_H

#include <pthread.h>

/* Runs fn(arg) on a thread, which the caller joins or detaches. 0 or -errno. */
int aside_start(pthread_t *thread, void *(*fn)(void *), void *arg);

#endif
