/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One process for each switch; a timer ends one that hangs. */
#include "terminal-agent/switching.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "terminal-agent/spawn.h"

static void ended(struct ev_loop *loop, ev_child *child, int events)
{
	struct switching *s = child->data;
	int error = 0;

	(void)events;
	ev_child_stop(loop, child);
	ev_timer_stop(loop, &s->timeout);
	s->pid = 0;
	if (s->killed) {
		error = -ETIMEDOUT;
	} else if (WIFSIGNALED(child->rstatus)) {
		log_warnx("the switching command was ended by signal %d", WTERMSIG(child->rstatus));
		error = -EIO;
	} else if (WEXITSTATUS(child->rstatus) != 0) {
		log_warnx("the switching command has failed with exit status %d",
			  WEXITSTATUS(child->rstatus));
		error = -EIO;
	}
	s->fn(s->arg, error);
}

static void timed_out(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct switching *s = timer->data;

	(void)loop;
	(void)events;
	log_warnx("the switching command takes too long and is ended");
	s->killed = true;
	kill(-s->pid, SIGKILL);
}

void switching_init(struct switching *s, struct ev_loop *loop, switching_fn *fn, void *arg)
{
	memset(s, 0, sizeof(*s));
	s->loop = loop;
	s->fn = fn;
	s->arg = arg;
	ev_child_init(&s->child, ended, 0, 0);
	ev_timer_init(&s->timeout, timed_out, 0, 0);
	s->child.data = s->timeout.data = s;
}

int switching_start(struct switching *s, char *const *command, size_t count, const char *from,
		    const char *to, usec_t timeout)
{
	char **argv;
	pid_t pid;

	if (s->pid) {
		log_warnx("a switching command is still running");
		return -EBUSY;
	}
	argv = calloc(count + 3, sizeof(*argv));
	if (!argv)
		return -ENOMEM;
	memcpy(argv, command, count * sizeof(*argv));
	argv[count] = (char *)(uintptr_t)from;
	argv[count + 1] = (char *)(uintptr_t)to;
	pid = spawn_program(argv, -1, -1);
	free(argv);
	if (pid < 0) {
		log_warn_errno(pid, "cannot start the switching command %s", command[0]);
		return pid;
	}
	s->pid = pid;
	log_debug("switching from %s to %s: %s is process %d", from, to, command[0], (int)s->pid);
	s->killed = false;
	ev_child_set(&s->child, s->pid, 0);
	ev_child_start(s->loop, &s->child);
	ev_timer_set(&s->timeout, (double)timeout / (double)USEC_PER_SEC, 0);
	ev_timer_start(s->loop, &s->timeout);
	return 0;
}

void switching_stop(struct switching *s)
{
	if (!s->pid)
		return;
	ev_child_stop(s->loop, &s->child);
	ev_timer_stop(s->loop, &s->timeout);
	kill(-s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	s->pid = 0;
}
