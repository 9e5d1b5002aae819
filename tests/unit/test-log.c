/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log messages as they arrive on stderr: levels, errno, the journal's form, one line whatever was
 * in the message, and the token bucket against remote noise.
 */
#include "log_event.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

/* --- stderr into a file and back --- */

static int real_stderr = -1;
static FILE *captured;

static void capture(void)
{
	fflush(stderr);
	captured = tmpfile();
	assert_non_null(captured);
	real_stderr = dup(STDERR_FILENO);
	dup2(fileno(captured), STDERR_FILENO);
}

static const char *captured_text(void)
{
	static char text[20000];
	size_t n;

	dup2(real_stderr, STDERR_FILENO);
	close(real_stderr);
	rewind(captured);
	n = fread(text, 1, sizeof(text) - 1, captured);
	text[n] = '\0';
	fclose(captured);
	return text;
}

static void test_before_init(void **state)
{
	(void)state;
	capture();
	log_info("hello %d", 1);
	log_debug("not this");
	log_warnx("careful");
	assert_string_equal(captured_text(), "hello 1\nwarning: careful\n");
}

static void test_levels(void **state)
{
	static const char *const expected[] = {
		"t: error: e\n",
		"t: error: e\nt: warning: w\n",
		"t: error: e\nt: warning: w\nt: n\n",
		"t: error: e\nt: warning: w\nt: n\nt: i\n",
	};

	(void)state;
	for (int level = LOG_LEVEL_ERROR; level <= LOG_LEVEL_INFO; level++) {
		capture();
		log_init("t", (enum log_level)level, LOG_TO_STDERR);
		log_error("e");
		log_warnx("w");
		log_notice("n");
		log_info("i");
		log_debug("d");
		assert_string_equal(captured_text(), expected[level - LOG_LEVEL_ERROR]);
		assert_int_equal(log_get_level(), level);
	}
}

/* With debugging every line has its time. */
static void test_debug_has_time(void **state)
{
	int year, month, day, hour, minute, second, micro, end = 0;
	const char *text;

	(void)state;
	capture();
	log_init("t", LOG_LEVEL_DEBUG, LOG_TO_STDERR);
	log_debug("d");
	text = captured_text();
	assert_int_equal(sscanf(text, "%4d-%2d-%2d %2d:%2d:%2d.%6d t: debug: d\n%n", &year, &month,
				&day, &hour, &minute, &second, &micro, &end),
			 7);
	assert_int_equal(end, strlen(text));
}

static void test_errno(void **state)
{
	(void)state;
	capture();
	log_init("t", LOG_LEVEL_INFO, LOG_TO_STDERR);
	errno = ENOENT;
	log_warn("cannot open %s", "x");
	assert_int_equal(errno, ENOENT);
	log_warn_errno(-EPERM, "a");
	log_warn_errno(EPERM, "b");
	assert_int_equal(errno, ENOENT);
	errno = 0;
	log_info("nothing");
	assert_int_equal(errno, 0);
	assert_string_equal(captured_text(),
			    "t: warning: cannot open x: No such file or directory\n"
			    "t: warning: a: Operation not permitted\n"
			    "t: warning: b: Operation not permitted\nt: nothing\n");
}

/* Nobody listens, and that changes nothing for the caller. */
static void test_write_fails(void **state)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC), saved = dup(STDERR_FILENO);

	(void)state;
	log_init("t", LOG_LEVEL_INFO, LOG_TO_STDERR);
	dup2(full, STDERR_FILENO);
	errno = ENOENT;
	log_info("lost");
	log_warn("lost");
	log_warn_errno(EPERM, "lost");
	assert_int_equal(errno, ENOENT);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(full);
}

static void test_one_line(void **state)
{
	char big[10000];
	const char *text;

	(void)state;
	capture();
	log_init("t", LOG_LEVEL_INFO, LOG_TO_STDERR);
	log_info("a\nt: error: forged\x1b[0m\x7f \xc3\xa9 %s", "100%s");
	assert_string_equal(captured_text(),
			    "t: a\\x0at: error: forged\\x1b[0m\\x7f \xc3\xa9 100%s\n");
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	capture();
	log_info("%s", big);
	text = captured_text();
	assert_true(strlen(text) <= 4096);
	assert_string_equal(text + strlen(text) - 5, "x...\n");
	memset(big, '\n', sizeof(big) - 1);
	capture();
	log_info("%s", big);
	text = captured_text();
	assert_true(strlen(text) <= 4096);
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}

/* The journal is recognised by the device and inode of stderr. */
static void test_journal(void **state)
{
	char stream[64];
	struct stat st;

	(void)state;
	capture();
	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_journal_at("/nonexistent/socket"); /* an old journal, or a container without it */
	log_init("t", LOG_LEVEL_DEBUG, LOG_TO_AUTO);
	log_error("e");
	log_debug("d");
	log_steady();
	log_info("s");
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino + 1);
	setenv("JOURNAL_STREAM", stream, 1);
	log_init("t", LOG_LEVEL_INFO, LOG_TO_AUTO);
	log_error("elsewhere");
	unsetenv("JOURNAL_STREAM");
	assert_string_equal(captured_text(), "<3>e\n<7>d\n<6>s\nt: error: elsewhere\n");
}

/* --- the journal's own protocol --- */

/* A journal: a socket that is read here. */
static int journal_open(char *directory, struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	strcpy(directory, "/tmp/test-log.XXXXXX");
	assert_non_null(mkdtemp(directory));
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	snprintf(address->sun_path, sizeof(address->sun_path), "%.80s/journal", directory);
	assert_int_equal(bind(fd, (struct sockaddr *)address, sizeof(*address)), 0);
	log_journal_at(address->sun_path);
	return fd;
}

static void journal_close(int fd, const char *directory, const struct sockaddr_un *address)
{
	close(fd);
	unlink(address->sun_path);
	rmdir(directory);
	log_journal_at(NULL);
}

static const char *received(int fd)
{
	static char text[9000];
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

/* What a process says before it has started must not depend on whether it goes on. */
static void test_before_start(void **state)
{
	char directory[32];
	struct sockaddr_un address;
	int fd = journal_open(directory, &address);

	(void)state;
	capture();
	log_init("t", LOG_LEVEL_INFO, LOG_TO_JOURNAL);
	log_warnx("no key");
	assert_string_equal(captured_text(), "<4>no key\n");
	assert_string_equal(received(fd), "");
	journal_close(fd, directory, &address);
}

static void test_native(void **state)
{
	const struct log_about about = {.event = LOG_EVENT_HANDOVER,
					.terminal = "alice@a.example",
					.peer = "b.example"},
			       forged = {.event = LOG_EVENT_REFUSED, .terminal = "a\nPRIORITY=0"};
	char directory[32], expected[300];
	struct sockaddr_un address;
	int fd = journal_open(directory, &address);

	(void)state;
	capture();
	log_init("t", LOG_LEVEL_INFO, LOG_TO_JOURNAL);
	log_steady();
	log_event(LOG_LEVEL_NOTICE, &about, "it %s", "moved");
	snprintf(expected, sizeof(expected),
		 "PRIORITY=5\nMESSAGE=it moved\nSYSLOG_IDENTIFIER=t\nMESSAGE_ID=%s\n"
		 "TERMINAL=alice@a.example\nPEER=b.example\n",
		 log_event_id(LOG_EVENT_HANDOVER));
	assert_string_equal(received(fd), expected);
	log_warnx("two\nlines");
	assert_string_equal(received(fd),
			    "PRIORITY=4\nMESSAGE=two\\x0alines\nSYSLOG_IDENTIFIER=t\n");
	log_event(LOG_LEVEL_INFO, &forged, "who");
	assert_non_null(strstr(received(fd), "\nTERMINAL=a?PRIORITY=0\n"));
	log_event(LOG_LEVEL_DEBUG, &about, "not at this level");
	assert_string_equal(received(fd), "");
	/* About a terminal, whoever says it; but not when it is about another one. */
	log_of_terminal("otto@b.example");
	log_info("mine");
	assert_string_equal(
		received(fd),
		"PRIORITY=6\nMESSAGE=mine\nSYSLOG_IDENTIFIER=t\nTERMINAL=otto@b.example\n");
	log_event(LOG_LEVEL_INFO, &(struct log_about){.peer = "b.example"}, "here");
	assert_non_null(strstr(received(fd), "\nTERMINAL=otto@b.example\nPEER=b.example\n"));
	log_event(LOG_LEVEL_INFO, &about, "hers");
	assert_non_null(strstr(received(fd), "\nTERMINAL=alice@a.example\n"));
	log_of_terminal(NULL);
	/* Held, in order, one datagram each. */
	log_hold(true);
	log_info("one");
	log_event(LOG_LEVEL_INFO, NULL, "two");
	assert_string_equal(received(fd), "");
	log_flush();
	assert_string_equal(received(fd), "PRIORITY=6\nMESSAGE=one\nSYSLOG_IDENTIFIER=t\n");
	assert_string_equal(received(fd), "PRIORITY=6\nMESSAGE=two\nSYSLOG_IDENTIFIER=t\n");
	log_hold(false);
	/* The journal goes: nothing is lost. */
	journal_close(fd, directory, &address);
	log_event(LOG_LEVEL_NOTICE, &about, "still %s", "here");
	assert_string_equal(captured_text(), "<5>still here\n");
	log_init("t", LOG_LEVEL_INFO, LOG_TO_STDERR);
}

/* The longest message leaves room for what it is about. */
static void test_native_long(void **state)
{
	const struct log_about about = {.event = LOG_EVENT_STATE,
					.terminal = "alice@a.example",
					.peer = "b.example",
					.satellite = "s1"};
	char directory[32], text[6000];
	struct sockaddr_un address;
	int fd = journal_open(directory, &address);
	const char *record;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_init("t", LOG_LEVEL_INFO, LOG_TO_JOURNAL);
	log_event(LOG_LEVEL_INFO, &about, "%s", text);
	record = received(fd);
	assert_non_null(strstr(record, "x...\nSYSLOG_IDENTIFIER=t\nMESSAGE_ID="));
	assert_non_null(strstr(record, "\nSATELLITE=s1\n"));
	log_init("t", LOG_LEVEL_INFO, LOG_TO_STDERR);
	journal_close(fd, directory, &address);
}

/* Kinds that look alike to a journal would be one kind. */
static void test_event_ids(void **state)
{
	(void)state;
	assert_null(log_event_id(LOG_EVENT_NONE));
	for (int i = 1; i < LOG_EVENTS; i++) {
		const char *id = log_event_id((enum log_event)i);

		assert_non_null(id);
		assert_int_equal(strlen(id), 32);
		assert_int_equal(strspn(id, "0123456789abcdef"), 32);
		for (int j = 1; j < i; j++)
			assert_string_not_equal(id, log_event_id((enum log_event)j));
	}
}

/* Noise from outside is limited whatever it is about, and what was left out is told. */
static void test_remote_event(void **state)
{
	const struct log_about about = {.event = LOG_EVENT_REFUSED, .peer = "b"};
	struct log_limit limit = {0};
	size_t lines = 0;
	const char *text;

	(void)state;
	capture();
	log_init("t", LOG_LEVEL_INFO, LOG_TO_STDERR);
	for (int i = 0; i < 100; i++)
		log_remote_event(&limit, 0, &about, "no");
	log_remote_event(&limit, 60 * USEC_PER_SEC, &about, "again");
	text = captured_text();
	for (const char *p = text; *p; p++)
		lines += *p == '\n';
	assert_int_equal(lines, LOG_LIMIT_BURST + 2);
	assert_non_null(strstr(text, "t: warning: 90 similar messages suppressed\n"
				     "t: warning: again\n"));
}

static void test_limit(void **state)
{
	struct log_limit limit = {0};
	usec_t now = 0;
	int allowed = 0;

	(void)state;
	for (int i = 0; i < 1000; i++)
		allowed += log_allow(&limit, now);
	assert_int_equal(allowed, LOG_LIMIT_BURST);
	assert_int_equal(limit.suppressed, 1000 - LOG_LIMIT_BURST);
	/* One token comes back every sixth second. */
	now = 60 * USEC_PER_SEC / LOG_LIMIT_PER_MINUTE - 1;
	assert_false(log_allow(&limit, now));
	assert_true(log_allow(&limit, now + 1));
	assert_false(log_allow(&limit, now + 1));
	/* An hour of a message each second: the burst and ten a minute. */
	for (allowed = 0; now < 3600 * USEC_PER_SEC; now += USEC_PER_SEC)
		allowed += log_allow(&limit, now);
	assert_in_range(allowed, 595, 605);
	/* A long silence fills the bucket, and no further than that. */
	now += 100000 * USEC_PER_SEC;
	for (allowed = 0; log_allow(&limit, now); allowed++)
		;
	assert_int_equal(allowed, LOG_LIMIT_BURST);
}

static void test_remote(void **state)
{
	struct log_limit limit = {0};
	const char *text;

	(void)state;
	capture();
	log_init("t", LOG_LEVEL_INFO, LOG_TO_STDERR);
	for (int i = 0; i < 50; i++)
		log_remote(&limit, 0, "bad %d", i);
	log_remote(&limit, 60 * USEC_PER_SEC, "later");
	text = captured_text();
	assert_non_null(strstr(text, "bad 9\n"));
	assert_null(strstr(text, "bad 10\n"));
	assert_non_null(strstr(text, "bad 9\nt: warning: 40 similar messages suppressed\n"
				     "t: warning: later\n"));
	assert_int_equal(limit.suppressed, 0);
}

static void test_transition(void **state)
{
	(void)state;
	capture();
	log_init("t", LOG_LEVEL_INFO, LOG_TO_STDERR);
	log_transition("session a@b", "home", "home", "nothing happened");
	log_transition("session a@b", "home", "visiting", "core discovery");
	log_transition("session a@b", "visiting", "home", NULL);
	assert_string_equal(captured_text(), "t: session a@b: home -> visiting, core discovery\n"
					     "t: session a@b: visiting -> home\n");
}

static void test_names(void **state)
{
	enum log_level level;

	(void)state;
	for (int i = LOG_LEVEL_ERROR; i <= LOG_LEVEL_DEBUG; i++) {
		assert_int_equal(log_level_parse(log_level_name((enum log_level)i), &level), 0);
		assert_int_equal(level, i);
	}
	assert_int_equal(log_level_parse("loud", &level), -EINVAL);
}

/* Held lines come in order: with what is grave, when flushed, when there are too many. */
static void test_hold(void **state)
{
	struct stat st;

	(void)state;
	capture();
	log_init("t", LOG_LEVEL_INFO, LOG_TO_STDERR);
	log_hold(true);
	log_info("1");
	log_notice("2");
	fstat(fileno(captured), &st);
	assert_int_equal(st.st_size, 0);
	log_warnx("3");
	log_info("4");
	log_flush();
	log_info("5");
	log_hold(false);
	assert_string_equal(captured_text(), "t: 1\nt: 2\nt: warning: 3\nt: 4\nt: 5\n");
}

static void test_hold_many(void **state)
{
	struct stat st;

	(void)state;
	capture();
	log_hold(true);
	for (int i = 0; i < 20000; i++)
		log_info("%05d", i);
	fstat(fileno(captured), &st);
	assert_true(st.st_size > 0 && st.st_size < 20000 * 9);
	log_hold(false);
	fstat(fileno(captured), &st);
	captured_text();
	assert_int_equal(st.st_size, 20000 * 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_before_init),    cmocka_unit_test(test_levels),
		cmocka_unit_test(test_debug_has_time), cmocka_unit_test(test_errno),
		cmocka_unit_test(test_one_line),       cmocka_unit_test(test_before_start),
		cmocka_unit_test(test_journal),	       cmocka_unit_test(test_limit),
		cmocka_unit_test(test_remote),	       cmocka_unit_test(test_transition),
		cmocka_unit_test(test_names),	       cmocka_unit_test(test_write_fails),
		cmocka_unit_test(test_hold),	       cmocka_unit_test(test_hold_many),
		cmocka_unit_test(test_native),	       cmocka_unit_test(test_native_long),
		cmocka_unit_test(test_event_ids),      cmocka_unit_test(test_remote_event),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
