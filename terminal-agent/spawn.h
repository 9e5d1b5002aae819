/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starting a program of the administrator's: without a shell, in a process group of its own, so
 * that one that hangs is ended with whatever it has started, and with signals as a program expects
 * them.
 */
#ifndef SNO_TERMINAL_SPAWN_H
#define SNO_TERMINAL_SPAWN_H

#include <sys/types.h>

/*
 * argv[0] is an absolute path, argv ends with NULL. input and output become its standard input and
 * output; -1: nothing to read, and the agent's own output. Both have to be close-on-exec here.
 * Returns its process id, or -errno, also when it cannot be executed.
 */
pid_t spawn_program(char *const *argv, int input, int output);

#endif
