/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The switching program that stays, with real programs and a real loop: what it is told, what its
 * answers mean, that one that hangs or ends is replaced, and that it goes with the agent.
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
#include "terminal-agent/modem.h"

#define LONG_ENOUGH (10 * USEC_PER_SEC)

static struct {
	struct modem modem;
	struct ev_loop *loop;
	char folder[64], script[96];
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
	signal(SIGPIPE, SIG_IGN); /* as daemon.c does */
	strcpy(bench.folder, "/tmp/sno-modem.XXXXXX");
	assert_non_null(mkdtemp(bench.folder));
	snprintf(bench.script, sizeof(bench.script), "%s/modem", bench.folder);
	bench.loop = ev_default_loop(0);
	modem_init(&bench.modem, bench.loop, ended, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	modem_stop(&bench.modem);
	unlink(bench.script);
	return rmdir(bench.folder);
}

static void write_script(const char *text)
{
	FILE *file = fopen(bench.script, "w");

	assert_non_null(file);
	fprintf(file, "#!/bin/sh\n%s\n", text);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(bench.script, 0700), 0);
}

static int configure(const char *argument)
{
	char *command[] = {bench.script, (char *)(uintptr_t)argument};

	return modem_configure(&bench.modem, command, argument ? 2 : 1);
}

static int order(const char *from, const char *to)
{
	int error = modem_switch(&bench.modem, from, to, LONG_ENOUGH);

	if (error == 0)
		ev_run(bench.loop, 0);
	return error;
}

static void test_orders(void **state)
{
	pid_t pid;

	(void)state;
	write_script("while read from to; do\n"
		     "[ \"$1 $from $to\" = \"$1 - s1\" ] || [ \"$from $to\" = 's1 s2' ] && "
		     "echo ok || echo \"no way from $from to $to\"\ndone");
	assert_int_equal(configure("an argument"), 0);
	pid = bench.modem.pid;
	assert_int_equal(order("-", "s1"), 0);
	assert_int_equal(bench.error, 0);
	assert_int_equal(order("s1", "s2"), 0);
	assert_int_equal(bench.error, 0);
	assert_int_equal(order("s2", "s9"), 0);
	assert_int_equal(bench.error, -EIO);
	assert_int_equal(bench.ends, 3);
	assert_int_equal(bench.modem.pid, pid);
	/* The same command again changes nothing, another one does. */
	assert_int_equal(configure("an argument"), 0);
	assert_int_equal(bench.modem.pid, pid);
	assert_int_equal(configure(NULL), 0);
	assert_int_not_equal(bench.modem.pid, pid);
	assert_int_equal(order("-", "s1"), 0);
	assert_int_equal(bench.error, 0);
}

static void test_busy(void **state)
{
	(void)state;
	write_script("read a; read b; echo ok");
	assert_int_equal(configure(NULL), 0);
	assert_int_equal(modem_switch(&bench.modem, "-", "s1", LONG_ENOUGH), 0);
	assert_int_equal(modem_switch(&bench.modem, "-", "s2", LONG_ENOUGH), -EBUSY);
	/* Stopped, it owes no answer. */
	modem_stop(&bench.modem);
	ev_run(bench.loop, EVRUN_NOWAIT);
	assert_int_equal(bench.ends, 0);
	assert_int_equal(modem_switch(&bench.modem, "-", "s1", LONG_ENOUGH), -EINVAL);
}

static void test_replaced(void **state)
{
	pid_t pid;

	(void)state;
	write_script("read a; exit 3");
	assert_int_equal(configure(NULL), 0);
	pid = bench.modem.pid;
	assert_int_equal(order("-", "s1"), 0);
	assert_int_equal(bench.error, -EIO);
	assert_int_equal(bench.modem.pid, 0);
	write_script("read a; echo ok; sleep 60");
	assert_int_equal(order("-", "s1"), 0);
	assert_int_equal(bench.error, 0);
	assert_int_not_equal(bench.modem.pid, pid);
}

static void test_hanging(void **state)
{
	pid_t pid;

	(void)state;
	write_script("trap '' TERM; read a; sleep 60");
	assert_int_equal(configure(NULL), 0);
	pid = bench.modem.pid;
	assert_int_equal(modem_switch(&bench.modem, "-", "s1", USEC_PER_SEC / 10), 0);
	ev_run(bench.loop, 0);
	assert_int_equal(bench.error, -ETIMEDOUT);
	while (kill(pid, 0) == 0) /* the loop reaps it */
		ev_run(bench.loop, EVRUN_NOWAIT);
}

static void test_missing(void **state)
{
	char command[] = "/nonexistent/modem", *list[] = {command};

	(void)state;
	assert_int_equal(modem_configure(&bench.modem, list, 1), -ENOENT);
	assert_int_equal(modem_switch(&bench.modem, "-", "s1", LONG_ENOUGH), -ENOENT);
	assert_int_equal(bench.ends, 0);
}

static void test_end(void **state)
{
	pid_t pid;

	(void)state;
	write_script("while read a; do :; done");
	assert_int_equal(configure(NULL), 0);
	pid = bench.modem.pid;
	modem_stop(&bench.modem);
	while (kill(pid, 0) == 0)
		ev_run(bench.loop, EVRUN_NOWAIT);
	assert_int_equal(bench.ends, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(orders), TEST(busy), TEST(replaced), TEST(hanging), TEST(missing), TEST(end),
	};

	log_set_level(0);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
