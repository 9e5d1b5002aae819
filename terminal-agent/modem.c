/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two pipes and a process. Whatever is wrong with the program ends it, so that the next order
 * finds a new one.
 */
#define _GNU_SOURCE /* pipe2 */
#include "terminal-agent/modem.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "terminal-agent/spawn.h"

static void command_free(char **command)
{
	for (char **word = command; word && *word; word++)
		free(*word);
	free(command);
}

static char **command_copy(char *const *command, size_t count)
{
	char **copy = calloc(count + 1, sizeof(*copy));

	for (size_t i = 0; copy && i < count; i++) {
		copy[i] = strdup(command[i]);
		if (!copy[i]) {
			command_free(copy);
			return NULL;
		}
	}
	return copy;
}

static bool command_is(char *const *own, char *const *command, size_t count)
{
	size_t i = 0;

	for (; own && own[i] && i < count; i++)
		if (strcmp(own[i], command[i]) != 0)
			return false;
	return own && !own[i] && i == count;
}

/* The order has been carried out, or will never be. */
static void order_ended(struct modem *m, int error)
{
	if (!m->ordered)
		return;
	m->ordered = false;
	ev_timer_stop(m->loop, &m->timeout);
	m->fn(m->arg, error);
}

/* Ends the process, if it runs, and forgets it; the loop reaps it. */
static void process_end(struct modem *m, int how)
{
	if (!m->pid)
		return;
	ev_io_stop(m->loop, &m->reader);
	ev_child_stop(m->loop, &m->child);
	close(m->orders);
	close(m->answers);
	kill(-m->pid, how);
	m->pid = 0;
	m->length = 0;
}

static void process_failed(struct modem *m, int error)
{
	process_end(m, SIGKILL);
	order_ended(m, error);
}

static void line_arrived(struct modem *m)
{
	m->line[m->length] = '\0';
	m->length = 0;
	if (!m->ordered) {
		log_warnx("the switching program says without an order: %s", m->line);
		return;
	}
	if (strcmp(m->line, "ok") != 0)
		log_warnx("the switching program says: %s", m->line);
	order_ended(m, strcmp(m->line, "ok") == 0 ? 0 : -EIO);
}

static void answers_readable(struct ev_loop *loop, ev_io *reader, int events)
{
	struct modem *m = reader->data;
	char octets[256];
	ssize_t n = read(m->answers, octets, sizeof(octets));

	(void)loop;
	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		log_warnx("the switching program has closed its output and is ended");
		process_failed(m, -EIO);
		return;
	}
	/* What an answer leads to may end the program, and with it this loop. */
	for (ssize_t i = 0; i < n && m->pid; i++) {
		if (octets[i] == '\n')
			line_arrived(m);
		else if (m->length < sizeof(m->line) - 1)
			m->line[m->length++] = octets[i];
	}
}

static void process_exited(struct ev_loop *loop, ev_child *child, int events)
{
	struct modem *m = child->data;

	(void)loop;
	(void)events;
	log_warnx("the switching program has ended (status 0x%x)", (unsigned int)child->rstatus);
	process_failed(m, -EIO);
}

static void timed_out(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	log_warnx("the switching program takes too long and is ended");
	process_failed(timer->data, -ETIMEDOUT);
}

static int process_start(struct modem *m)
{
	int in[2], out[2];
	pid_t pid;

	if (pipe2(in, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(out, O_CLOEXEC) < 0) {
		int error = -errno;

		close(in[0]);
		close(in[1]);
		return error;
	}
	fcntl(in[1], F_SETFL, O_NONBLOCK);
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	pid = spawn_program(m->command, in[0], out[1]);
	close(in[0]);
	close(out[1]);
	if (pid < 0) {
		close(in[1]);
		close(out[0]);
		log_warn_errno(pid, "cannot start the switching program %s", m->command[0]);
		return pid;
	}
	m->pid = pid;
	m->orders = in[1];
	m->answers = out[0];
	ev_io_set(&m->reader, m->answers, EV_READ);
	ev_io_start(m->loop, &m->reader);
	ev_child_set(&m->child, pid, 0);
	ev_child_start(m->loop, &m->child);
	log_debug("the switching program %s is process %d", m->command[0], (int)pid);
	return 0;
}

void modem_init(struct modem *m, struct ev_loop *loop, switching_fn *fn, void *arg)
{
	memset(m, 0, sizeof(*m));
	m->loop = loop;
	m->fn = fn;
	m->arg = arg;
	ev_init(&m->reader, answers_readable);
	ev_child_init(&m->child, process_exited, 0, 0);
	ev_timer_init(&m->timeout, timed_out, 0, 0);
	m->reader.data = m->child.data = m->timeout.data = m;
}

int modem_configure(struct modem *m, char *const *command, size_t count)
{
	if (count > 0 && command_is(m->command, command, count))
		return 0;
	modem_stop(m);
	if (count == 0)
		return 0;
	m->command = command_copy(command, count);
	return m->command ? process_start(m) : -ENOMEM;
}

int modem_switch(struct modem *m, const char *from, const char *to, usec_t timeout)
{
	char order[MODEM_LINE_MAX];
	int length = snprintf(order, sizeof(order), "%s %s\n", from, to), error = 0;

	if (m->ordered) {
		log_warnx("the switching program is still at work");
		return -EBUSY;
	}
	if (!m->command || length >= (int)sizeof(order))
		return -EINVAL;
	if (!m->pid)
		error = process_start(m);
	if (error < 0)
		return error;
	if (write(m->orders, order, (size_t)length) != length) {
		error = errno ? -errno : -EIO;
		log_warn_errno(error, "the switching program takes no order and is ended");
		process_end(m, SIGKILL);
		return error;
	}
	m->ordered = true;
	ev_timer_set(&m->timeout, (double)timeout / (double)USEC_PER_SEC, 0);
	ev_timer_start(m->loop, &m->timeout);
	return 0;
}

void modem_stop(struct modem *m)
{
	m->ordered = false;
	ev_timer_stop(m->loop, &m->timeout);
	process_end(m, SIGTERM);
	command_free(m->command);
	m->command = NULL;
}
