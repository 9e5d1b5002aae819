/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket with real clients: order, limits, events without holes, clients that vanish,
 * that do not read, or that are too many; and who may have the socket.
 *
 * Daemon and clients share this one thread: pump() lets the loop run as long as there is something
 * to do.
 */
#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"

/* --- the daemon --- */

static struct ev_loop *loop;
static struct control *control;
static char directory[64], path[100];
static unsigned int handled;
static size_t big_size;

static int do_status(void *arg, const json_t *request, struct control_reply *reply)
{
	(void)request;
	handled++;
	assert_string_equal(arg, "daemon");
	control_field(reply, "core", NULL, json_string("a.example"));
	control_field(reply, "uptime", "s", json_real(12.5));
	control_columns(reply, "terminal", "gap:ms", "peer", NULL);
	control_row(reply, "s f s?", "alice", 50.2, NULL);
	control_row(reply, "s i s?", "bob", 7, "b");
	return 0;
}

static int do_echo(void *arg, const json_t *request, struct control_reply *reply)
{
	const char *text = control_argument(request, "text");

	(void)arg;
	handled++;
	if (!text)
		return control_refuse(reply, -EINVAL, "say what: %s", "text");
	control_text(reply, "%s", text);
	return 0;
}

static int do_order(void *arg, const json_t *request, struct control_reply *reply)
{
	int err = control_only(reply, request, "link", "in", NULL);

	(void)arg;
	if (!err)
		control_text(reply, "done");
	return err;
}

static int do_stop(void *arg, const json_t *request, struct control_reply *reply)
{
	(void)arg;
	return control_only(reply, request, NULL);
}

static int do_fail(void *arg, const json_t *request, struct control_reply *reply)
{
	(void)arg;
	(void)request;
	control_text(reply, "half an answer");
	return -ENOENT;
}

static int do_broken(void *arg, const json_t *request, struct control_reply *reply)
{
	(void)arg;
	(void)request;
	control_columns(reply, "a", NULL);
	control_row(reply, "s", "\xff");
	return 0;
}

static int do_big(void *arg, const json_t *request, struct control_reply *reply)
{
	char *text = malloc(big_size + 1);

	(void)arg;
	(void)request;
	handled++;
	assert_non_null(text);
	memset(text, 'x', big_size);
	text[big_size] = '\0';
	control_set(reply, "text", json_string(text));
	free(text);
	return 0;
}

/* A command whose work is an event of its own. */
static int do_event(void *arg, const json_t *request, struct control_reply *reply)
{
	(void)arg;
	(void)request;
	control_event(control, "handover", json_pack("{s:s}", "to", "b"));
	control_text(reply, "done");
	return 0;
}

static const struct control_command commands[] = {{"status", do_status, "what it is"},
						  {"echo", do_echo, "gives back"},
						  {"fail", do_fail, "fails"},
						  {"broken", do_broken, NULL},
						  {"big", do_big, "much"},
						  {"event", do_event, "happens"},
						  {"order", do_order, "does"},
						  {"stop", do_stop, "ends"},
						  {0}};

/* --- clients --- */

static void pump(void)
{
	for (int i = 0; i < 20; i++)
		ev_run(loop, EVRUN_NOWAIT);
}

static int dial(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	pump();
	return fd;
}

static void say(int fd, const char *text)
{
	size_t length = strlen(text);

	while (length) {
		ssize_t n = send(fd, text, length, MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN) {
			pump();
			continue;
		}
		assert_true(n > 0);
		text += n;
		length -= (size_t)n;
	}
	pump();
}

/* The next line, without newline, from malloc; NULL when the connection has ended. */
static char *hear(int fd)
{
	size_t length = 0, room = 1 << 16;
	char *line = malloc(room);

	for (int idle = 0; idle < 1000;) {
		ssize_t n = recv(fd, line + length, room - length, MSG_PEEK);
		char *newline = n > 0 ? memchr(line + length, '\n', (size_t)n) : NULL;

		if (n == 0 || (n < 0 && errno != EAGAIN)) {
			free(line);
			return NULL;
		}
		if (n < 0) {
			pump();
			idle++;
			continue;
		}
		if (newline) /* what follows stays in the socket */
			n = newline + 1 - (line + length);
		assert_int_equal(recv(fd, line + length, (size_t)n, 0), n);
		if (newline) {
			*newline = '\0';
			return line;
		}
		length += (size_t)n;
		if (length == room)
			line = realloc(line, room *= 2);
	}
	free(line);
	fail_msg("no answer");
	return NULL;
}

static void heard(int fd, const char *expected)
{
	char *line = hear(fd);

	assert_non_null(line);
	assert_string_equal(line, expected);
	free(line);
}

static void heard_end(int fd)
{
	char *line = hear(fd);

	assert_null(line);
	close(fd);
	pump();
}

static bool silent(int fd)
{
	char c;

	pump();
	return recv(fd, &c, 1, MSG_PEEK) < 0 && errno == EAGAIN;
}

static int start(void **state)
{
	(void)state;
	handled = 0;
	snprintf(directory, sizeof(directory), "/tmp/test-control.XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/s", directory);
	loop = ev_loop_new(EVFLAG_AUTO);
	return control_open(&control, loop, path, commands, "daemon");
}

static int stop(void **state)
{
	(void)state;
	control_close(control);
	control = NULL;
	ev_loop_destroy(loop);
	return rmdir(directory); /* nothing is left in it */
}

/* --- requests --- */

#define STATUS                                                                                     \
	"{\"ok\":true,\"version\":1,\"fields\":{\"core\":\"a.example\",\"uptime\":{\"value\":12."  \
	"5,\"unit\":"                                                                              \
	"\"s\"}},\"table\":{\"columns\":[{\"name\":\"terminal\"},{\"name\":\"gap\",\"unit\":"      \
	"\"ms\"},{\"name\":\"peer\"}],\"rows\":[[\"alice\",50.2,null],[\"bob\",7,\"b\"]]}}"
#define ECHO(text)  "{\"command\":\"echo\",\"text\":\"" text "\"}\n"
#define GIVES(text) "{\"ok\":true,\"version\":1,\"text\":\"" text "\"}"

static void test_answers(void **state)
{
	static const char *const pairs[][2] = {
		{"{\"command\":\"status\"}\n", STATUS},
		{ECHO("x"), GIVES("x")},
		{"\n\n" ECHO("y"), GIVES("y")},
		{"{\"command\":\"echo\"}\n",
		 "{\"ok\":false,\"version\":1,\"error\":\"say what: text\"}"},
		{"{\"command\":\"order\",\"link\":\"s2\",\"in\":\"5\"}\n", GIVES("done")},
		{"{\"command\":\"order\"}\n", GIVES("done")},
		{"{\"command\":\"order\",\"link\":\"s2\",\"ni\":\"5\"}\n",
		 "{\"ok\":false,\"version\":1,\"error\":\"what is \\\"ni\\\"? this takes link, "
		 "in\"}"},
		{"{\"command\":\"order\",\"link\":\"s2\",\"in\":5}\n",
		 "{\"ok\":false,\"version\":1,\"error\":\"in is to be a string\"}"},
		{"{\"command\":\"stop\"}\n", "{\"ok\":true,\"version\":1}"},
		{"{\"command\":\"stop\",\"link\":\"s2\"}\n",
		 "{\"ok\":false,\"version\":1,\"error\":\"what is \\\"link\\\"? this takes no "
		 "arguments\"}"},
		{"{\"command\":\"fail\"}\n",
		 "{\"ok\":false,\"version\":1,\"error\":\"No such file or directory\"}"},
		{"{\"command\":\"broken\"}\n",
		 "{\"ok\":false,\"version\":1,\"error\":\"the answer could not be put together\"}"},
		{"{\"command\":\"nope\"}\n", "{\"ok\":false,\"version\":1,\"error\":\"this daemon "
					     "has no command \\\"nope\\\": try help\"}"},
		{"{\"command\":7}\n",
		 "{\"ok\":false,\"version\":1,\"error\":\"a request is an object with a "
		 "string \\\"command\\\"\"}"},
		{"[]\n",
		 "{\"ok\":false,\"version\":1,\"error\":\"a request is an object with a string "
		 "\\\"command\\\"\"}"},
	};
	int fd = dial();
	char *line;

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		say(fd, pairs[i][0]);
		heard(fd, pairs[i][1]);
	}
	say(fd, "garbage\n");
	line = hear(fd);
	assert_non_null(
		strstr(line, "\"ok\":false,\"version\":1,\"error\":\"the request is not JSON"));
	free(line);
	say(fd, "{\"command\":\"help\"}\n");
	line = hear(fd);
	assert_non_null(strstr(line, "[\"echo\",\"gives back\"],[\"fail\",\"fails\"],[\"broken\","
				     "null]"));
	assert_non_null(strstr(line, "[\"monitor\","));
	free(line);
	close(fd);
}

/* However the bytes arrive, requests are answered one by one and in order. */
static void test_stream(void **state)
{
	const char *text = ECHO("1") ECHO("2") ECHO("3");
	int fd = dial();

	(void)state;
	say(fd, text);
	heard(fd, GIVES("1"));
	heard(fd, GIVES("2"));
	heard(fd, GIVES("3"));
	for (const char *p = text; *p; p++) {
		char byte[2] = {*p, '\0'};

		say(fd, byte);
	}
	heard(fd, GIVES("1"));
	heard(fd, GIVES("2"));
	heard(fd, GIVES("3"));
	/* The end of what the client says, with its last newline missing. */
	say(fd, "{\"command\":\"echo\",\"text\":\"z\"}");
	assert_true(silent(fd));
	shutdown(fd, SHUT_WR);
	heard(fd, GIVES("z"));
	heard_end(fd);
}

static void test_request_too_long(void **state)
{
	static char text[CONTROL_REQUEST_MAX + 100];
	size_t head = strlen("{\"command\":\"echo\",\"text\":\"");
	int fd = dial();
	char *line;

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "{\"command\":\"echo\",\"text\":\"", head);
	memcpy(text + CONTROL_REQUEST_MAX - 2, "\"}\n", 4);
	say(fd, text); /* exactly as long as allowed */
	line = hear(fd);
	assert_non_null(line);
	assert_int_equal(strlen(line), CONTROL_REQUEST_MAX - head - 2 + strlen(GIVES("")));
	free(line);
	memcpy(text + CONTROL_REQUEST_MAX - 2, "x\"}\n", 5);
	say(fd, text);
	heard(fd, "{\"ok\":false,\"version\":1,\"error\":\"the request is too long\"}");
	heard_end(fd);
	assert_int_equal(handled, 1);
}

static void test_answer_too_large(void **state)
{
	int fd = dial();

	(void)state;
	big_size = CONTROL_OUTPUT_MAX;
	say(fd, "{\"command\":\"big\"}\n");
	heard(fd,
	      "{\"ok\":false,\"version\":1,\"error\":\"the answer is too large: ask for less\"}");
	close(fd);
}

/* Who asks and asks and reads nothing is not worked for. */
static void test_pipelining_is_bounded(void **state)
{
	int fd = dial();
	unsigned int done;

	(void)state;
	big_size = 100000;
	for (int i = 0; i < 100; i++)
		assert_true(send(fd, "{\"command\":\"big\"}\n", 18, MSG_NOSIGNAL) == 18);
	pump();
	done = handled;
	assert_in_range(done, 1, 10);
	shutdown(fd, SHUT_WR);
	for (int i = 0; i < 100; i++) { /* and nothing is lost, even when it asks no more */
		char *line = hear(fd);

		assert_non_null(line);
		free(line);
	}
	assert_int_equal(handled, 100);
	heard_end(fd);
}

/* --- clients --- */

static void test_clients_vanish(void **state)
{
	(void)state;
	big_size = 1 << 20;
	for (int i = 0; i < 200; i++) {
		int fd = dial();

		if (i % 4 == 1)
			say(fd, "{\"comm");
		if (i % 4 == 2) /* with an answer on its way */
			say(fd, "{\"command\":\"big\"}\n");
		if (i % 4 == 3)
			say(fd, "{\"command\":\"monitor\"}\n");
		close(fd);
		if (i % 3)
			control_event(control, "e", NULL);
		pump();
	}
	control_event(control, "e", NULL);
	pump();
	assert_false(control_subscribed(control));
}

static void test_too_many_clients(void **state)
{
	int fds[CONTROL_CLIENTS], late;

	(void)state;
	for (int i = 0; i < CONTROL_CLIENTS; i++)
		fds[i] = dial();
	late = dial();
	heard(late, "{\"ok\":false,\"version\":1,\"error\":\"too many clients: close some\"}");
	heard_end(late);
	say(fds[CONTROL_CLIENTS - 1], ECHO("in"));
	heard(fds[CONTROL_CLIENTS - 1], GIVES("in"));
	close(fds[0]);
	pump();
	late = dial();
	say(late, ECHO("late"));
	heard(late, GIVES("late"));
	for (int i = 1; i < CONTROL_CLIENTS; i++)
		close(fds[i]);
	close(late);
}

static void test_close_ends_clients(void **state)
{
	int fd = dial(), other = dial();

	say(other, "{\"command\":\"monitor\"}\n");
	free(hear(other));
	stop(state);
	assert_int_equal(start(state), 0);
	heard_end(fd);
	heard_end(other);
}

/* --- events --- */

static int snapshot(void *arg, const json_t *request, struct control_reply *reply)
{
	(void)arg;
	if (control_argument(request, "secret"))
		return control_refuse(reply, -EPERM, "not that");
	control_field(reply, "bindings", NULL, json_integer(3));
	return 0;
}

/* The number of an event, and its line forgotten. */
static json_int_t sequence_of(char *line, const char *event)
{
	json_t *object = json_loads(line, 0, NULL);
	json_int_t sequence = json_integer_value(json_object_get(object, "sequence"));

	assert_string_equal(control_argument(object, "event"), event);
	json_decref(object);
	free(line);
	return sequence;
}

static void test_monitor(void **state)
{
	int fd = dial(), late, idle = dial();

	(void)state;
	control_event(control, "nobody listens", NULL);
	control_snapshot(control, snapshot);
	say(fd, "{\"command\":\"monitor\",\"secret\":\"x\"}\n");
	heard(fd, "{\"ok\":false,\"version\":1,\"error\":\"not that\"}");
	assert_false(control_subscribed(control));
	say(fd, "{\"command\":\"monitor\"}\n");
	heard(fd, "{\"ok\":true,\"version\":1,\"sequence\":1,\"snapshot\":{\"fields\":{"
		  "\"bindings\":3}}}");
	assert_true(control_subscribed(control));
	control_event(control, "one", json_pack("{s:i}", "x", 1));
	late = dial();
	say(late, "{\"command\":\"monitor\"}\n");
	heard(late, "{\"ok\":true,\"version\":1,\"sequence\":2,\"snapshot\":{\"fields\":{"
		    "\"bindings\":3}}}");
	control_event(control, "two", NULL);
	assert_int_equal(sequence_of(hear(fd), "one"), 2);
	assert_int_equal(sequence_of(hear(fd), "two"), 3);
	assert_int_equal(sequence_of(hear(late), "two"), 3);
	/* A subscriber may still ask; what its own request causes comes before the answer. */
	say(fd, "{\"command\":\"event\"}\n");
	assert_int_equal(sequence_of(hear(fd), "handover"), 4);
	heard(fd, GIVES("done"));
	assert_int_equal(sequence_of(hear(late), "handover"), 4);
	assert_true(silent(idle));
	/* Asking twice gives no event twice. */
	say(fd, "{\"command\":\"monitor\"}\n");
	free(hear(fd));
	control_event(control, "once", NULL);
	assert_int_equal(sequence_of(hear(fd), "once"), 5);
	assert_true(silent(fd));
	/* Half closed is still listening; closed is not. */
	shutdown(fd, SHUT_WR);
	pump();
	control_event(control, "half", NULL);
	assert_int_equal(sequence_of(hear(fd), "half"), 6);
	close(fd);
	close(late);
	close(idle);
	pump();
	control_event(control, "gone", NULL);
	pump();
	assert_false(control_subscribed(control));
}

/* A subscriber that does not read is told how much it lost; another one loses nothing. */
static void test_overrun(void **state)
{
	enum { EVENTS = 30000 };
	int slow = dial(), fast = dial();
	json_int_t next = 1, got = 0, lost = 0;
	char *line;

	(void)state;
	say(slow, "{\"command\":\"monitor\"}\n");
	say(fast, "{\"command\":\"monitor\"}\n");
	heard(fast, "{\"ok\":true,\"version\":1,\"sequence\":0,\"snapshot\":{}}");
	for (int i = 0; i < EVENTS; i++) {
		control_event(control, "e",
			      json_pack("{s:s}", "x", "0123456789012345678901234567"));
		assert_int_equal(sequence_of(hear(fast), "e"), i + 1);
	}
	heard(slow, "{\"ok\":true,\"version\":1,\"sequence\":0,\"snapshot\":{}}");
	while ((line = hear(slow))) {
		json_t *object = json_loads(line, 0, NULL);

		free(line);
		assert_int_equal(lost, 0); /* the overrun is the last line */
		if (strcmp(control_argument(object, "event"), "e") == 0) {
			assert_int_equal(json_integer_value(json_object_get(object, "sequence")),
					 next++);
			got++;
		} else {
			assert_string_equal(control_argument(object, "event"), "overrun");
			lost = json_integer_value(
				json_object_get(json_object_get(object, "data"), "lost"));
			/* All up to the one it could not take. */
			assert_int_equal(json_integer_value(json_object_get(object, "sequence")),
					 got + lost);
		}
		json_decref(object);
	}
	assert_true(lost > 1000);
	assert_true(got > 100);
	close(slow);
	close(fast);
	pump();
}

/* A snapshot larger than what events may wait does not count against them. */
static int big_snapshot(void *arg, const json_t *request, struct control_reply *reply)
{
	big_size = 4 * CONTROL_EVENTS_MAX;
	return do_big(arg, request, reply);
}

static void test_big_snapshot(void **state)
{
	int fd = dial();
	char *line;

	(void)state;
	control_snapshot(control, big_snapshot);
	say(fd, "{\"command\":\"monitor\"}\n");
	for (int i = 0; i < 1000; i++)
		control_event(control, "e", NULL);
	line = hear(fd);
	assert_true(strlen(line) > 4 * CONTROL_EVENTS_MAX);
	free(line);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(sequence_of(hear(fd), "e"), i + 1);
	close(fd);
}

/* What was answered before stays whole when the events behind it are taken back. */
static void test_overrun_behind_answers(void **state)
{
	int fd = dial();
	char *line;
	json_int_t last = 0;

	(void)state;
	big_size = 100000;
	say(fd, "{\"command\":\"big\"}\n{\"command\":\"big\"}\n{\"command\":\"big\"}\n");
	say(fd, "{\"command\":\"monitor\"}\n");
	assert_true(control_subscribed(control));
	while (control_subscribed(control))
		control_event(control, "e", NULL);
	for (int i = 0; i < 3; i++) {
		line = hear(fd);
		assert_int_equal(strlen(line), big_size + strlen(GIVES("")));
		free(line);
	}
	heard(fd, "{\"ok\":true,\"version\":1,\"sequence\":0,\"snapshot\":{}}");
	last = sequence_of(hear(fd), "overrun"); /* none of them had been begun */
	assert_true(last > 1000);
	heard_end(fd);
}

/* --- the socket --- */

static void test_mode(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0660);
}

static void test_live_is_refused(void **state)
{
	struct control *second = NULL;
	int fd;

	(void)state;
	log_init("t", LOG_LEVEL_ERROR - 1, LOG_TO_STDERR);
	assert_int_equal(control_open(&second, loop, path, commands, "daemon"), -EADDRINUSE);
	/* Also when somebody took the lock file away. */
	snprintf(path, sizeof(path), "%s/s.lock", directory);
	assert_int_equal(unlink(path), 0);
	snprintf(path, sizeof(path), "%s/s", directory);
	assert_int_equal(control_open(&second, loop, path, commands, "daemon"), -EADDRINUSE);
	fd = dial(); /* and the first one lives */
	say(fd, ECHO("x"));
	heard(fd, GIVES("x"));
	close(fd);
	pump();
}

static void test_stale_is_replaced(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	control_close(control);
	strcpy(address.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd); /* as after SIGKILL: the file stays, nobody listens */
	assert_int_equal(control_open(&control, loop, path, commands, "daemon"), 0);
	fd = dial();
	say(fd, ECHO("x"));
	heard(fd, GIVES("x"));
	close(fd);
	(void)state;
}

static void test_wrong_paths(void **state)
{
	struct control *second = NULL;
	char other[200];
	int fd;

	(void)state;
	log_init("t", LOG_LEVEL_ERROR - 1, LOG_TO_STDERR);
	snprintf(other, sizeof(other), "%s/file", directory);
	fd = open(other, O_CREAT | O_RDWR, 0600);
	close(fd);
	assert_int_equal(control_open(&second, loop, other, commands, NULL), -EEXIST);
	unlink(other);
	snprintf(other, sizeof(other), "%s/none/s", directory);
	assert_int_equal(control_open(&second, loop, other, commands, NULL), -ENOENT);
	memset(other, 'x', 150);
	other[0] = '/';
	other[150] = '\0';
	assert_int_equal(control_open(&second, loop, other, commands, NULL), -EINVAL);
	assert_null(second);
}

int main(void)
{
#define CONTROL_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
		CONTROL_TEST(test_answers),
		CONTROL_TEST(test_stream),
		CONTROL_TEST(test_request_too_long),
		CONTROL_TEST(test_answer_too_large),
		CONTROL_TEST(test_pipelining_is_bounded),
		CONTROL_TEST(test_clients_vanish),
		CONTROL_TEST(test_too_many_clients),
		CONTROL_TEST(test_close_ends_clients),
		CONTROL_TEST(test_monitor),
		CONTROL_TEST(test_overrun),
		CONTROL_TEST(test_overrun_behind_answers),
		CONTROL_TEST(test_big_snapshot),
		CONTROL_TEST(test_mode),
		CONTROL_TEST(test_live_is_refused),
		CONTROL_TEST(test_stale_is_replaced),
		CONTROL_TEST(test_wrong_paths),
	};

	log_init("control", LOG_LEVEL_WARNING - 1, LOG_TO_STDERR);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
