/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Long tables on the control socket: rows are made as the reader takes them, others are answered
 * meanwhile, only what is asked for is sent, and a reader that goes leaves nothing behind.
 *
 * As in test-control.c daemon and clients share this thread.
 */
#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"

#define MILLION	     1000000
#define READ_AT_ONCE 65536

/* --- the daemon --- */

static struct ev_loop *loop;
static struct control *control;
static char directory[64], path[100];

/* A table of `length` rows, and how far it was looked at. */
static struct {
	int length, made, open;
} table;

static bool next_row(void *cursor, struct control_reply *reply)
{
	int *at = cursor;

	if (*at == table.length)
		return false;
	control_row(reply, "s i b f [s,s] s?", *at % 2 ? "odd@a" : "even@b", *at, *at % 4 == 0,
		    *at / 2., "x", "y", *at % 3 ? "c" : NULL);
	++*at;
	table.made++;
	return true;
}

static void close_rows(void *cursor)
{
	free(cursor);
	table.open--;
}

static int do_unfiltered(void *arg, const json_t *request, struct control_reply *reply)
{
	static const struct control_source source = {next_row, close_rows};

	(void)arg;
	(void)request;
	control_columns(reply, "terminal", "number", "fourth", "half way:s", "list", "core", NULL);
	table.open++;
	control_stream(reply, &source, calloc(1, sizeof(int)));
	return 0;
}

static int do_rows(void *arg, const json_t *request, struct control_reply *reply)
{
	control_filter(reply, request);
	return do_unfiltered(arg, request, reply);
}

static int do_refused(void *arg, const json_t *request, struct control_reply *reply)
{
	do_rows(arg, request, reply);
	return control_refuse(reply, -EINVAL, "no");
}

static int do_ping(void *arg, const json_t *request, struct control_reply *reply)
{
	(void)arg;
	(void)request;
	control_text(reply, "pong");
	return 0;
}

static const struct control_command commands[] = {{"rows", do_rows, NULL},
						  {"unfiltered", do_unfiltered, NULL},
						  {"refused", do_refused, NULL},
						  {"ping", do_ping, NULL},
						  {0}};

static int start(void **state)
{
	(void)state;
	table.length = table.made = table.open = 0;
	snprintf(directory, sizeof(directory), "/tmp/test-control.XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/s", directory);
	loop = ev_loop_new(EVFLAG_AUTO);
	return control_open(&control, loop, path, commands, NULL);
}

static int stop(void **state)
{
	(void)state;
	control_close(control);
	ev_loop_destroy(loop);
	assert_int_equal(table.open, 0);
	return rmdir(directory);
}

/* --- clients --- */

struct client {
	int fd;
	char *text;
	size_t length, room;
	bool ended;
};

static void turn(int times)
{
	while (times--)
		ev_run(loop, EVRUN_NOWAIT);
}

static void say(struct client *client, const char *line)
{
	assert_int_equal(send(client->fd, line, strlen(line), MSG_NOSIGNAL), strlen(line));
}

static struct client dial(const char *line)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct client client = {.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};

	strcpy(address.sun_path, path);
	assert_int_equal(connect(client.fd, (struct sockaddr *)&address, sizeof(address)), 0);
	fcntl(client.fd, F_SETFL, O_NONBLOCK);
	say(&client, line);
	return client;
}

static void hang_up(struct client *client)
{
	close(client->fd);
	free(client->text);
	turn(5);
}

/* Reads what has come. */
static void take(struct client *client)
{
	ssize_t n;

	if (client->room - client->length < READ_AT_ONCE)
		client->text = realloc(client->text, client->room += 4 * (size_t)READ_AT_ONCE);
	n = recv(client->fd, client->text + client->length, READ_AT_ONCE, 0);
	if (n > 0)
		client->length += (size_t)n;
	client->ended = n == 0;
}

/* The next line as an object; NULL when the daemon has hung up. */
static json_t *hear(struct client *client)
{
	char *newline;
	json_t *object;

	for (int idle = 0; idle < 40000; idle++) {
		newline = client->length ? memchr(client->text, '\n', client->length) : NULL;
		if (newline || client->ended)
			break;
		turn(1);
		take(client);
	}
	if (!newline && client->ended)
		return NULL;
	assert_non_null(newline);
	object = json_loadb(client->text, (size_t)(newline - client->text), 0, NULL);
	client->length -= (size_t)(newline + 1 - client->text);
	memmove(client->text, newline + 1, client->length);
	assert_non_null(object);
	return object;
}

static json_t *rows_of(const json_t *answer)
{
	return json_object_get(json_object_get(answer, "table"), "rows");
}

static bool more(const json_t *answer)
{
	return json_is_true(json_object_get(answer, "more"));
}

static bool pong(struct client *client)
{
	json_t *answer = hear(client);
	bool good = strcmp(json_string_value(json_object_get(answer, "text")), "pong") == 0;

	json_decref(answer);
	return good;
}

#define ROWS "{\"command\":\"rows\"}\n"
#define PING "{\"command\":\"ping\"}\n"

/* --- tests --- */

/* Every row once and in order, in lines that are whole answers. */
static void test_lines(void **state)
{
	struct client client;
	json_int_t expected = 0;
	int lines = 0;
	bool goes_on = true;

	(void)state;
	table.length = 2 * CONTROL_LINE_ROWS + 100;
	client = dial(ROWS PING);
	for (; goes_on; lines++) {
		json_t *answer = hear(&client), *row;
		size_t i;

		assert_true(json_is_true(json_object_get(answer, "ok")));
		assert_int_equal(json_integer_value(json_object_get(answer, "version")),
				 CONTROL_VERSION);
		assert_int_equal(json_array_size(json_object_get(json_object_get(answer, "table"),
								 "columns")),
				 6);
		json_array_foreach(rows_of(answer), i, row)
			assert_int_equal(json_integer_value(json_array_get(row, 1)), expected++);
		goes_on = more(answer);
		json_decref(answer);
	}
	assert_int_equal(lines, 3);
	assert_int_equal(expected, table.length);
	assert_int_equal(table.open, 0);
	assert_true(pong(&client)); /* and the next request after that */
	hang_up(&client);
}

/* A short table is one line that does not speak of more, as it always was. */
static void test_short(void **state)
{
	struct client client;
	json_t *answer;

	(void)state;
	for (table.length = 0; table.length < 2 * CONTROL_TURN_ROWS; table.length++) {
		client = dial(ROWS);
		shutdown(client.fd, SHUT_WR); /* as nc -N does */
		answer = hear(&client);
		assert_int_equal(json_array_size(rows_of(answer)), table.length);
		assert_null(json_object_get(answer, "more"));
		json_decref(answer);
		assert_null(hear(&client));
		hang_up(&client);
	}
}

/* Nobody waits for the end of somebody's table: a turn looks at a few rows only. */
static void test_others_meanwhile(void **state)
{
	struct client reader, other;

	(void)state;
	table.length = MILLION;
	reader = dial(ROWS);
	turn(20);
	take(&reader);
	for (int i = 0; i < 100; i++) {
		int before = table.made;

		other = dial(PING);
		turn(2);
		assert_in_range(table.made - before, 0, 3 * CONTROL_TURN_ROWS);
		assert_true(pong(&other));
		hang_up(&other);
		take(&reader);
	}
	assert_int_equal(table.open, 1);
	hang_up(&reader);
}

/* What a reader does not take is not made: a million rows are never in memory. */
static void test_no_rows_ahead(void **state)
{
	struct client client;

	(void)state;
	table.length = MILLION;
	client = dial(ROWS);
	turn(5000);
	assert_in_range(table.made, CONTROL_LINE_ROWS, 20000);
	hang_up(&client);
	assert_int_equal(table.open, 0);
}

/* Of the sanitizer, whose allocator keeps books of its own; missing without it. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

/* What this process has allocated. */
static size_t allocated(void)
{
	return __sanitizer_get_current_allocated_bytes ? __sanitizer_get_current_allocated_bytes()
						       : mallinfo2().uordblks;
}

/* The memory that the daemon takes for a million rows, from the first to the last. */
static void test_memory(void **state)
{
	struct client client;
	size_t before = allocated(), most = 0;
	int count = 0;
	bool goes_on = true;

	(void)state;
	table.length = MILLION;
	client = dial(ROWS);
	while (goes_on) {
		json_t *answer;
		size_t now;

		turn(1);
		now = allocated() - client.room;
		most = now > before && now - before > most ? now - before : most;
		take(&client);
		if (!memchr(client.text, '\n', client.length))
			continue;
		answer = hear(&client);
		count += (int)json_array_size(rows_of(answer));
		goes_on = more(answer);
		json_decref(answer);
	}
	assert_int_equal(count, MILLION);
	assert_in_range(most, 0, 2 << 20); /* as text alone they are 50 times that */
	hang_up(&client);
}

static void filtered(const char *filter, int expected)
{
	char line[200];
	struct client client;
	json_t *answer;

	snprintf(line, sizeof(line), "{\"command\":\"rows\",%s}\n", filter);
	client = dial(line);
	answer = hear(&client);
	if (expected < 0)
		assert_true(json_is_false(json_object_get(answer, "ok")));
	else
		assert_int_equal(json_array_size(rows_of(answer)), expected);
	json_decref(answer);
	hang_up(&client);
	assert_int_equal(table.open, 0);
}

static void test_filter(void **state)
{
	(void)state;
	table.length = 120;
	filtered("\"terminal\":\"odd@a\"", 60);
	filtered("\"terminal\":\"*@b\"", 60);
	filtered("\"terminal\":\"odd\"", 0);
	filtered("\"nai\":\"odd@*\"", 60);
	filtered("\"number\":\"11?\"", 10);
	filtered("\"fourth\":\"yes\"", 30);
	filtered("\"fourth\":\"no\"", 90);
	filtered("\"half_way\":\"59.5\"", 1);
	filtered("\"list\":\"y\"", 120);
	filtered("\"list\":\"z\"", 0);
	filtered("\"peer\":\"c\"", 80);
	filtered("\"core\":\"-\"", 40);
	filtered("\"core\":\"-\",\"terminal\":\"odd*\"", 20);
	filtered("\"colour\":\"red\"", -1);
	filtered("\"half\":\"1\"", -1);
	filtered("\"number\":7", -1);
}

/* Looking for what is not there is done in turns as well. */
static void test_filter_finds_nothing(void **state)
{
	struct client client, other;
	json_t *answer;

	(void)state;
	table.length = MILLION / 10;
	client = dial("{\"command\":\"rows\",\"terminal\":\"nobody\"}\n");
	turn(3);
	other = dial(PING);
	assert_true(pong(&other));
	assert_in_range(table.made, 1, MILLION / 100);
	hang_up(&other);
	answer = hear(&client);
	assert_int_equal(json_array_size(rows_of(answer)), 0);
	assert_false(more(answer));
	assert_int_equal(table.made, table.length);
	json_decref(answer);
	hang_up(&client);
}

/* Other commands have arguments of their own; and a refusal leaves nothing open. */
static void test_not_filtered(void **state)
{
	struct client client;
	json_t *answer;

	(void)state;
	table.length = 10;
	client = dial("{\"command\":\"unfiltered\",\"terminal\":\"x\"}\n");
	answer = hear(&client);
	assert_int_equal(json_array_size(rows_of(answer)), 10);
	json_decref(answer);
	say(&client, "{\"command\":\"refused\"}\n");
	answer = hear(&client);
	assert_string_equal(json_string_value(json_object_get(answer, "error")), "no");
	json_decref(answer);
	assert_int_equal(table.open, 0);
	hang_up(&client);
}

/* Without a socket it is one object. */
static void test_served(void **state)
{
	json_t *answer;

	(void)state;
	table.length = 3000;
	answer = control_serve(control, ROWS, strlen(ROWS) - 1);
	assert_int_equal(json_array_size(rows_of(answer)), 3000);
	json_decref(answer);
}

/* A snapshot in several lines: what happens meanwhile is told in between, and no number is left
 * out. */
static void test_snapshot(void **state)
{
	struct client client;
	json_int_t sequence = 0;
	size_t rows = 0;
	bool goes_on = true;

	(void)state;
	table.length = 5 * CONTROL_LINE_ROWS;
	control_snapshot(control, do_rows);
	client = dial("{\"command\":\"monitor\"}\n");
	turn(3);
	control_event(control, "one", NULL);
	while (goes_on || sequence < 2) {
		json_t *line = hear(&client), *snapshot = json_object_get(line, "snapshot");

		if (snapshot) {
			assert_int_equal(json_integer_value(json_object_get(line, "sequence")), 0);
			rows += json_array_size(rows_of(snapshot));
			goes_on = more(line);
			if (!goes_on)
				control_event(control, "two", NULL);
		} else {
			assert_int_equal(json_integer_value(json_object_get(line, "sequence")),
					 ++sequence);
		}
		json_decref(line);
	}
	assert_int_equal(rows, table.length);
	hang_up(&client);
}

/* Who does not even read the snapshot is told and dropped, like anybody. */
static void test_overrun_in_snapshot(void **state)
{
	struct client client;
	bool told = false;
	json_t *line;

	(void)state;
	table.length = MILLION;
	control_snapshot(control, do_rows);
	client = dial("{\"command\":\"monitor\"}\n");
	turn(100);
	for (size_t i = 0; i < CONTROL_EVENTS_MAX / 50; i++)
		control_event(control, "event", json_pack("{s:i}", "number", (int)i));
	assert_int_equal(table.open, 0);
	assert_false(control_subscribed(control));
	while ((line = hear(&client))) {
		const char *event = json_string_value(json_object_get(line, "event"));

		assert_false(told);
		told = event && strcmp(event, "overrun") == 0;
		json_decref(line);
	}
	assert_true(told);
	hang_up(&client);
}

/* Readers that go in the middle. */
static void test_readers_vanish(void **state)
{
	(void)state;
	table.length = MILLION;
	for (int i = 0; i < 50; i++) {
		struct client client = dial(ROWS);

		turn(i);
		hang_up(&client);
		turn(200);
		assert_int_equal(table.open, 0);
	}
	dial(ROWS);
	turn(20); /* and the daemon, in stop() */
}

int main(void)
{
#define STREAM_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
		STREAM_TEST(test_lines),
		STREAM_TEST(test_short),
		STREAM_TEST(test_others_meanwhile),
		STREAM_TEST(test_no_rows_ahead),
		STREAM_TEST(test_memory),
		STREAM_TEST(test_filter),
		STREAM_TEST(test_filter_finds_nothing),
		STREAM_TEST(test_not_filtered),
		STREAM_TEST(test_served),
		STREAM_TEST(test_snapshot),
		STREAM_TEST(test_overrun_in_snapshot),
		STREAM_TEST(test_readers_vanish),
	};

	log_init("control-stream", LOG_LEVEL_WARNING - 1, LOG_TO_STDERR);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("control-stream", tests, NULL, NULL);
}
