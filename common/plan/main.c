/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sno-plan(1): associations of satellites with cores, computed ahead, and what belongs to that.
 *
 * The first word says which command; its file command_NAME.c does the rest.
 */
#include <stdio.h>
#include <string.h>

#include "plan/command.h"

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{"associate", command_associate, "plan associations that avoid handovers"},
	{"terminal", command_terminal, "the satellites of one place, one after the other"},
	{"verify", command_verify, "check associations independently"},
	{"show", command_show, "a page with a map and timelines"},
	{"visible", command_visible, "when satellites stand above a place"},
	{"propagate", command_propagate, "where satellites are"},
	{"walker", command_walker, "elements of a Walker constellation"},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void usage(FILE *out)
{
	fputs("usage: sno-plan COMMAND [OPTION ...]\n", out);
}

static int help(void)
{
	usage(stdout);
	puts("\nCommands:");
	for (size_t i = 0; i < COMMANDS; i++)
		printf("  %-12s %s\n", commands[i].name, commands[i].help);
	puts("\nOptions:\n"
	     "  -V, --version  print the version\n"
	     "  -h, --help     print this; after a command, its options");
	return PLAN_GOOD;
}

static int run(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";

	if (!*word) {
		usage(stderr);
		return PLAN_USAGE;
	}
	if (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0)
		return help();
	if (strcmp(word, "-V") == 0 || strcmp(word, "--version") == 0) {
		puts("sno-plan " SNO_VERSION);
		return PLAN_GOOD;
	}
	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(word, commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	}
	fprintf(stderr, "sno-plan: no command \"%s\": see sno-plan --help\n", word);
	return PLAN_USAGE;
}

/* What was printed has to have arrived: a full disk is a failure. */
int main(int argc, char **argv)
{
	int status = run(argc, argv);

	if (fflush(stdout) == EOF || ferror(stdout)) {
		perror("sno-plan: standard output");
		return PLAN_FAILED;
	}
	return status;
}
