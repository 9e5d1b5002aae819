/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The switching command, with real programs and a real loop: what it is given, how its end is told,
 * and that one that hangs is ended with all that it has started.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"
#include "terminal-agent/switching.h"

static struct {
	struct switching switching;
	struct ev_loop *loop;
	char folder[64], script[96], output[96];
	unsigned int ends;
	int error;
} bench;

static void ended(void *arg, int error)
{
	(void)arg;
	bench.ends++;
	bench.error = error;
	ev_break(bench.loop, EVBREAK_ALL);
}

static int setup(void **state)
{
	(void)state;
	memset(&bench, 0, sizeof(bench));
	strcpy(bench.folder, "/tmp/sno-switching.XXXXXX");
	assert_non_null(mkdtemp(bench.folder));
	snprintf(bench.script, sizeof(bench.script), "%s/modem", bench.folder);
	snprintf(bench.output, sizeof(bench.output), "%s/output", bench.folder);
	bench.loop = ev_default_loop(0);
	switching_init(&bench.switching, bench.loop, ended, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(bench.script);
	unlink(bench.output);
	return rmdir(bench.folder);
}

static void write_script(const char *text)
{
	FILE *file = fopen(bench.script, "w");

	assert_non_null(file);
	fprintf(file, "#!/bin/sh\ncd %s || exit 9\n%s\n", bench.folder, text);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(bench.script, 0700), 0);
}

static int start(usec_t timeout)
{
	char two[] = "two words; $HOME";
	char *command[] = {bench.script, two};

	return switching_start(&bench.switching, command, 2, "-", "s2", timeout);
}

static const char *output(void)
{
	static char text[256];
	FILE *file = fopen(bench.output, "r");

	assert_non_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	return text;
}

static void test_arguments(void **state)
{
	(void)state;
	write_script("for a; do echo \"[$a]\"; done >output; read x <&0 || echo nothing >>output");
	assert_int_equal(start(10 * USEC_PER_SEC), 0);
	assert_int_equal(start(10 * USEC_PER_SEC), -EBUSY);
	ev_run(bench.loop, 0);
	assert_int_equal(bench.ends, 1);
	assert_int_equal(bench.error, 0);
	assert_string_equal(output(), "[two words; $HOME]\n[-]\n[s2]\nnothing\n");
	/* It can be called again. */
	assert_int_equal(start(10 * USEC_PER_SEC), 0);
	ev_run(bench.loop, 0);
	assert_int_equal(bench.ends, 2);
}

static void test_failure(void **state)
{
	(void)state;
	write_script("exit 3");
	assert_int_equal(start(10 * USEC_PER_SEC), 0);
	ev_run(bench.loop, 0);
	assert_int_equal(bench.error, -EIO);
	write_script("kill -TERM $$");
	assert_int_equal(start(10 * USEC_PER_SEC), 0);
	ev_run(bench.loop, 0);
	assert_int_equal(bench.error, -EIO);
	assert_int_equal(bench.ends, 2);
}

static void test_missing(void **state)
{
	(void)state;
	assert_int_equal(start(10 * USEC_PER_SEC), -ENOENT);
	assert_int_equal(bench.ends, 0);
	assert_int_equal(bench.switching.pid, 0);
	write_script("exit 0");
	assert_int_equal(start(10 * USEC_PER_SEC), 0);
	ev_run(bench.loop, 0);
	assert_int_equal(bench.error, 0);
}

/* Not gone, and not a zombie that nobody has waited for. */
static bool alive(pid_t pid)
{
	char path[64], state = 'Z';
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "r");
	if (!file)
		return false;
	if (fscanf(file, "%*d %*s %c", &state) != 1)
		state = 'Z';
	fclose(file);
	return state != 'Z' && state != 'X';
}

static void test_hangs(void **state)
{
	pid_t child = 0;

	(void)state;
	write_script("sleep 100 & echo $! >output; wait");
	fclose(fopen(bench.output, "w"));
	/* It is given more time until it has got as far as that in it. */
	for (usec_t wait = 300 * USEC_PER_MSEC; child == 0 && wait < 60 * USEC_PER_SEC; wait *= 4) {
		bench.ends = 0;
		assert_int_equal(start(wait), 0);
		ev_run(bench.loop, 0);
		assert_int_equal(bench.ends, 1);
		assert_int_equal(bench.error, -ETIMEDOUT);
		child = (pid_t)atoi(output());
	}
	assert_true(child > 1);
	for (int i = 0; i < 1000 && alive(child); i++)
		usleep(10000);
	assert_false(alive(child));
}

static void test_stopped(void **state)
{
	pid_t pid;

	(void)state;
	write_script("sleep 100");
	assert_int_equal(start(10 * USEC_PER_SEC), 0);
	pid = bench.switching.pid;
	switching_stop(&bench.switching);
	assert_int_equal(bench.ends, 0);
	assert_false(alive(pid));
	switching_stop(&bench.switching);
}

/* Signals that the agent blocks or ignores are as usual in the command. */
static void test_signals(void **state)
{
	sigset_t set, before;

	(void)state;
	signal(SIGTERM, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, &before);
	write_script("kill -TERM $$; echo survived >output");
	assert_int_equal(start(10 * USEC_PER_SEC), 0);
	ev_run(bench.loop, 0);
	sigprocmask(SIG_SETMASK, &before, NULL);
	signal(SIGTERM, SIG_DFL);
	assert_int_equal(bench.error, -EIO);
	assert_int_not_equal(access(bench.output, F_OK), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(arguments), TEST(failure), TEST(missing),
		TEST(hangs),	 TEST(stopped), TEST(signals),
	};

	log_set_level(0);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
