/* SPDX-License-Identifier: GPL-2.0-or-later */
/* posix_spawn(3) starts the program and says at once when it cannot. */
#define _GNU_SOURCE /* environ */
#include "terminal-agent/spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

static int set_files(posix_spawn_file_actions_t *files, int input, int output)
{
	int error = input < 0 ? posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null",
								 O_RDONLY, 0)
			      : posix_spawn_file_actions_adddup2(files, input, STDIN_FILENO);

	if (error == 0 && output >= 0)
		error = posix_spawn_file_actions_adddup2(files, output, STDOUT_FILENO);
	return error;
}

pid_t spawn_program(char *const *argv, int input, int output)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	pid_t pid = 0;
	int error = posix_spawn_file_actions_init(&files);

	if (error)
		return -error;
	error = posix_spawnattr_init(&attributes);
	if (error) {
		posix_spawn_file_actions_destroy(&files);
		return -error;
	}
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
						      POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	error = set_files(&files, input, output);
	if (!error)
		error = posix_spawn(&pid, argv[0], &files, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&files);
	return error ? -error : pid;
}
