/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands of sno-plan(1): one file command_NAME.c each, one line in the table of main.c.
 *
 * A command gets the words after its name (argv[0] is the name itself), says what is wrong on
 * standard error as "sno-plan NAME: ...", and returns the exit status of the program.
 */
#ifndef SNO_PLAN_COMMAND_H
#define SNO_PLAN_COMMAND_H

enum plan_status {
	PLAN_GOOD = 0,
	PLAN_FAILED = 1, /* bad input, or it could not be done */
	PLAN_USAGE = 2,
};

int command_associate(int argc, char **argv);
int command_propagate(int argc, char **argv);
int command_show(int argc, char **argv);
int command_terminal(int argc, char **argv);
int command_verify(int argc, char **argv);
int command_visible(int argc, char **argv);
int command_walker(int argc, char **argv);

#endif
