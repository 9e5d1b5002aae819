/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * posix_spawn(3) starts the command and says at once when it cannot. The child is its own process
 * group, so that a command that hangs is ended with whatever it has started.
 */
#define _GNU_SOURCE /* environ */
#include "terminal-agent/switching.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"

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

/* A group of its own, no input, and signals as a program expects them. 0 or an errno. */
static int spawn(pid_t *pid, char *const *argv)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int error = posix_spawn_file_actions_init(&files);

	if (error)
		return error;
	error = posix_spawnattr_init(&attributes);
	if (error) {
		posix_spawn_file_actions_destroy(&files);
		return error;
	}
	sigemptyset(&none);
	sigfillset(&all);
	error = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
						      POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	if (!error)
		error = posix_spawn(pid, argv[0], &files, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&files);
	return error;
}

int switching_start(struct switching *s, char *const *command, size_t count, const char *from,
		    const char *to, usec_t timeout)
{
	char **argv;
	int error;

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
	error = -spawn(&s->pid, argv);
	free(argv);
	if (error < 0) {
		log_warn_errno(error, "cannot start the switching command %s", command[0]);
		s->pid = 0;
		return error;
	}
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
