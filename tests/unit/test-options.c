/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options of sno-plan's commands: what a table takes, what it refuses, and what is said then. */
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "plan/command.h"
#include "plan/options.h"

static struct {
	bool flag;
	double number;
	unsigned int count, choice;
	usec_t time;
	const char *text;
	struct option_list list;
} values;

static const char *const colours[] = {"red", "green", NULL};

static const struct option_usage usage = {"test", "Does nothing.", NULL};
static const struct option_usage with_words = {"test", "Does nothing.", "FILE ..."};
static const struct option_spec specs[] = {
	{"flag", 'f', OPTION_FLAG, &values.flag, .help = "a flag"},
	{"number", 'n', OPTION_NUMBER, &values.number, .least = -1.5, .most = 10, .argument = "X",
	 .help = "a number (7)"},
	{"count", 0, OPTION_COUNT, &values.count, .least = 1, .most = 4000000000.0, .argument = "N",
	 .help = "a count (3)"},
	{"colour", 0, OPTION_CHOICE, &values.choice, .choices = colours, .argument = "COLOUR",
	 .help = "red or green (green)"},
	{"time", 0, OPTION_TIME, &values.time, .argument = "TIME", .help = "a time"},
	{"text", 't', OPTION_TEXT, &values.text, .required = true, .argument = "TEXT",
	 .help = "a text"},
	{"list", 'l', OPTION_LIST, &values.list, .argument = "TEXT", .help = "texts"},
};

static char said[8192];

/* Parses a line of words with what is printed going to `said`. */
static int parse(const struct option_usage *how, const char *line, int *first)
{
	char words[1024], *argv[64], *save = NULL;
	int argc = 0, status, out = dup(1), err = dup(2), file;
	char path[] = "/tmp/test-options.XXXXXX";
	ssize_t n;

	snprintf(words, sizeof(words), "test %s", line);
	for (char *word = strtok_r(words, " ", &save); word; word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	argv[argc] = NULL;
	free(values.list.texts);
	memset(&values, 0, sizeof(values));
	values.number = 7;
	values.count = 3;
	values.choice = 1;
	file = mkstemp(path);
	unlink(path);
	fflush(stdout);
	dup2(file, 1);
	dup2(file, 2);
	status = options_parse(how, specs, OPTION_SPECS(specs), argc, argv, first);
	fflush(stdout);
	dup2(out, 1);
	dup2(err, 2);
	close(out);
	close(err);
	n = pread(file, said, sizeof(said) - 1, 0);
	said[n > 0 ? n : 0] = '\0';
	close(file);
	return status;
}

static void values_are_taken(void **state)
{
	int first = 0;

	(void)state;
	assert_int_equal(parse(&usage,
			       "-f --number=-1.5 --count 4000000000 --colour red --list a -l b "
			       "--list=c --time 1970-01-01T00:00:01.5Z -t hello",
			       NULL),
			 OPTIONS_GO);
	assert_true(values.flag);
	assert_true(values.number == -1.5);
	assert_int_equal(values.count, 4000000000u);
	assert_int_equal(values.choice, 0);
	assert_int_equal(values.time, 1500000);
	assert_string_equal(values.list.texts[0], "a");
	assert_string_equal(values.list.texts[2], "c");
	assert_int_equal(values.list.count, 3);
	assert_string_equal(said, "");
	assert_int_equal(parse(&with_words, "-ft hello one two", &first), OPTIONS_GO);
	assert_true(values.flag);
	assert_int_equal(first, 3);
}

static void defaults_stay(void **state)
{
	(void)state;
	assert_int_equal(parse(&usage, "--text x", NULL), OPTIONS_GO);
	assert_false(values.flag);
	assert_true(values.number == 7);
	assert_int_equal(values.count, 3);
	assert_int_equal(values.choice, 1);
	assert_int_equal(values.list.count, 0);
}

static void nonsense_is_refused(void **state)
{
	static const struct {
		const char *line, *told;
	} cases[] = {
		{"", "sno-plan test: --text TEXT is missing\n"},
		{"-t x --number 10.1", "--number: \"10.1\" is no number from -1.5 to 10\n"},
		{"-t x --number nan", "is no number"},
		{"-t x --number 0x1", "is no number"},
		{"-t x --number 1,5", "is no number"},
		{"-t x --count 0", "--count: \"0\" is no whole number from 1 to 4000000000\n"},
		{"-t x --count 1.5", "is no whole number"},
		{"-t x --count -1", "is no whole number"},
		{"-t x --count 4000000001", "is no whole number"},
		{"-t x --colour blue", "--colour: \"blue\" is none of red, green\n"},
		{"-t x --time 2026-01-01", "is no time in UTC"},
		{"-t x --text=", "--text: its argument is empty\n"},
		{"-t x --flag=1", "no option --flag=1"},
		{"-t x --nothing", "no option --nothing"},
		{"-t x -z", "no option -z\n"},
		{"-t x --list", "--list needs an argument\n"},
		{"-t x -l", "-l needs an argument\n"},
		{"-t x word", "what is \"word\"?\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(parse(&usage, cases[i].line, NULL), PLAN_USAGE);
		if (!strstr(said, cases[i].told) || !strstr(said, "see sno-plan test --help\n"))
			fail_msg("\"%s\": %s", cases[i].line, said);
	}
}

static void help_has_every_option(void **state)
{
	(void)state;
	assert_int_equal(parse(&with_words, "--number 99999 -h", NULL), PLAN_USAGE);
	assert_int_equal(parse(&with_words, "-h --number 99999", NULL), PLAN_GOOD);
	assert_non_null(strstr(said, "usage: sno-plan test [OPTION ...] FILE ...\n"));
	for (size_t i = 0; i < OPTION_SPECS(specs); i++) {
		assert_non_null(strstr(said, specs[i].name));
		assert_non_null(strstr(said, specs[i].help));
	}
	assert_int_equal(parse(&usage, "--version", NULL), PLAN_GOOD);
	assert_string_equal(said, "sno-plan " SNO_VERSION "\n");
}

static int forget(void **state)
{
	(void)state;
	free(values.list.texts);
	values.list.texts = NULL;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(values_are_taken, forget),
		cmocka_unit_test_teardown(defaults_stay, forget),
		cmocka_unit_test_teardown(nonsense_is_refused, forget),
		cmocka_unit_test_teardown(help_has_every_option, forget),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
