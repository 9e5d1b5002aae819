/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frame of the daemons, each run in a process of its own: options and exit statuses, detaching,
 * readiness and watchdog as the service manager sees them, signals, and a reload that is all or
 * nothing.
 */
#define _GNU_SOURCE /* struct ucred */
#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* --- a daemon --- */

struct config {
	char *name;
	int size;
	struct daemon_log_config log;
};

static const struct conf_key keys[] = {
	{"name", CONF_NAME, CONF_FIELD(struct config, name), .required = true, .help = "its name"},
	{"size", CONF_INT, CONF_FIELD(struct config, size), .min = 1, .max = 100, .def = "5",
	 .reloadable = true, .help = "its size"},
	{"log", CONF_GROUP, CONF_MEMBER(struct config, log, daemon_log_keys), .reloadable = true,
	 .help = "what is logged"},
	{0}};

static const struct conf_schema schema = {keys, sizeof(struct config), NULL};

static const struct daemon_log_config *log_group(const void *config)
{
	return &((const struct config *)config)->log;
}

/* The size 66 is what this daemon fails to become, 77 what it becomes when it is asked again. */
static int apply(void *arg, const void *old_config, const void *new_config,
		 struct control_reply *reply)
{
	const struct config *old = old_config, *new = new_config;
	static bool read;

	(void)arg;
	if (new->size == 77 && !read) {
		read = true;
		return -EINPROGRESS;
	}
	if (new->size == 66)
		return reply ? control_refuse(reply, -EBUSY, "66 is taken") : -EBUSY;
	log_info("size %d -> %d", old->size, new->size);
	return 0;
}

static const struct daemon_program program = {
	.name = "sno-test-daemon",
	.file = "test-daemon",
	.summary = "tries the frame",
	.schema = &schema,
	.log = log_group,
	.apply = apply,
};

static int do_size(void *arg, const json_t *request, struct control_reply *reply)
{
	struct daemon *daemon = arg;

	(void)request;
	control_set(reply, "size", json_integer(((struct config *)daemon->config)->size));
	return 0;
}

static const struct control_command commands[] = {{"size", do_size, "its size"}, {0}};

static int run_daemon(int argc, char **argv)
{
	struct daemon daemon;
	struct config config;
	int status = daemon_begin(&daemon, &program, &config, argc, argv);
	struct ev_loop *loop;

	if (status != DAEMON_RUN)
		return status;
	status = DAEMON_BAD;
	loop = ev_loop_new(EVFLAG_AUTO);
	log_warnx("is opening what it needs");
	if (daemon_serve(&daemon, loop, commands, &daemon) == 0 &&
	    daemon_ready(&daemon, "at work") == 0) {
		log_warnx("is at work");
		ev_run(loop, 0);
		daemon_stopping(&daemon);
		status = DAEMON_GOOD;
	}
	daemon_end(&daemon);
	ev_loop_destroy(loop);
	return status;
}

/* --- running it --- */

#define ARGUMENTS 12

static char directory[64], config_path[100], socket_path[100], notify_path[100], output_path[100];
static int notify_fd;

static void write_config(const char *text)
{
	FILE *file = fopen(config_path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* Starts it with these arguments after -c and -s; output goes to a file. */
static pid_t start(const char *const *arguments)
{
	char *argv[ARGUMENTS + 6] = {"sno-test-daemon", "-c", config_path, "-s", socket_path};
	int argc = 5;
	pid_t child;

	while (*arguments)
		argv[argc++] = (char *)*arguments++;
	fflush(stdout);
	child = fork();
	if (child == 0) {
		int fd = open(output_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
		close(fd);
		exit(run_daemon(argc, argv)); /* with the leak check of a sanitizer */
	}
	return child;
}

static int wait_for(pid_t child)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static const char *output(void)
{
	static char text[20000];
	FILE *file = fopen(output_path, "r");
	size_t n = file ? fread(text, 1, sizeof(text) - 1, file) : 0;

	text[n] = '\0';
	if (file)
		fclose(file);
	return text;
}

#define RUN(...) wait_for(start((const char *const[]){__VA_ARGS__, NULL}))

/* What the service manager is told, without what was asked to be skipped before. */
static void notified(const char *expected)
{
	struct pollfd wait = {.fd = notify_fd, .events = POLLIN};
	char text[500];
	ssize_t n;

	assert_int_equal(poll(&wait, 1, 100000), 1);
	n = recv(notify_fd, text, sizeof(text) - 1, 0);
	assert_true(n > 0);
	text[n] = '\0';
	assert_string_equal(text, expected);
}

/* One request over its socket; the answer in a static buffer. */
static const char *ask(const char *request)
{
	static char answer[4000];
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	size_t length = 0;
	ssize_t n;

	strcpy(address.sun_path, socket_path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_true(send(fd, request, strlen(request), 0) > 0);
	shutdown(fd, SHUT_WR);
	while ((n = recv(fd, answer + length, sizeof(answer) - 1 - length, 0)) > 0)
		length += (size_t)n;
	answer[length] = '\0';
	close(fd);
	return answer;
}

#define GOOD "name = \"a\";\n"

static int set_up(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)state;
	snprintf(directory, sizeof(directory), "/tmp/test-daemon.XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	snprintf(config_path, sizeof(config_path), "%s/conf", directory);
	snprintf(socket_path, sizeof(socket_path), "%s/sock", directory);
	snprintf(notify_path, sizeof(notify_path), "%s/notify", directory);
	snprintf(output_path, sizeof(output_path), "%s/output", directory);
	write_config(GOOD);
	notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	strcpy(address.sun_path, notify_path);
	unsetenv("JOURNAL_STREAM");
	return bind(notify_fd, (struct sockaddr *)&address, sizeof(address));
}

static int tear_down(void **state)
{
	(void)state;
	close(notify_fd);
	unsetenv("NOTIFY_SOCKET");
	unlink(config_path);
	unlink(notify_path);
	unlink(output_path);
	return rmdir(directory); /* socket and lock are gone */
}

/* --- options --- */

static void test_options(void **state)
{
	(void)state;
	assert_int_equal(RUN("-h"), 0);
	assert_non_null(strstr(output(), "usage: sno-test-daemon [-dfhtVv]"));
	assert_null(strstr(output(), "its size"));
	assert_int_equal(RUN("-h", "-v"), 0);
	assert_non_null(strstr(output(), "size\ta whole number, 1 to 100\t5\treload\tits size\n"));
	assert_int_equal(RUN("-V"), 0);
	assert_string_equal(output(), "sno-test-daemon " SNO_VERSION "\n");
	assert_int_equal(RUN("-x"), 2);
	assert_int_equal(RUN("extra"), 2);
	assert_int_equal(RUN("-N", "../x"), 2);
	assert_int_equal(RUN("-N", ""), 2);
	assert_int_equal(RUN("-c"), 2);
}

static void test_check(void **state)
{
	char expected[800];

	(void)state;
	assert_int_equal(RUN("-t"), 0);
	snprintf(expected, sizeof(expected), "%s: configuration is good\n", config_path);
	assert_string_equal(output(), expected);
	assert_int_equal(RUN("-t", "-v"), 0);
	assert_string_equal(output(),
			    "name = \"a\";\nsize = 5;\nlog = {\n\tlevel = \"info\";\n};\n");
	write_config("size = 0;\nfoo = 1;\n");
	assert_int_equal(RUN("-t"), 1);
	snprintf(expected, sizeof(expected),
		 "%s:1: missing name (its name): it is required here\n"
		 "%s:1: size: 0 is out of range: 1 to 100\n%s:2: unknown key foo\n",
		 config_path, config_path, config_path);
	assert_string_equal(output(), expected);
	/* The same when it is not only checked. */
	assert_int_equal(RUN("-f"), 1);
	assert_non_null(strstr(output(), "error: "));
	assert_non_null(strstr(output(), "unknown key foo"));
}

static void test_paths(void **state)
{
	char *const plain[] = {"d", NULL}, *const instance[] = {"d", "-N", "x1", NULL};
	struct daemon daemon;
	struct config config;

	(void)state;
	log_init("t", LOG_LEVEL_ERROR - 1, LOG_TO_STDERR);
	assert_int_equal(daemon_begin(&daemon, &program, &config, 1, (char **)plain), DAEMON_BAD);
	assert_string_equal(daemon.config_path, SNO_SYSCONFDIR "/test-daemon.conf");
	assert_string_equal(daemon.socket_path, SNO_RUNDIR "/test-daemon.sock");
	assert_string_equal(daemon.state_dir, SNO_STATEDIR);
	assert_int_equal(daemon_begin(&daemon, &program, &config, 3, (char **)instance),
			 DAEMON_BAD);
	assert_string_equal(daemon.config_path, SNO_SYSCONFDIR "/test-daemon-x1.conf");
	assert_string_equal(daemon.socket_path, SNO_RUNDIR "/test-daemon-x1.sock");
	assert_string_equal(daemon.state_dir, SNO_STATEDIR "/x1");
}

/* --- life --- */

/* Why it does not start is known to whoever wants to see errors only, too. */
static void test_log_level(void **state)
{
	pid_t child;

	(void)state;
	setenv("NOTIFY_SOCKET", notify_path, 1);
	write_config(GOOD "log = { level = \"error\"; };\n");
	child = start((const char *const[]){"-f", NULL});
	notified("READY=1");
	kill(child, SIGTERM);
	assert_int_equal(wait_for(child), 0);
	assert_non_null(strstr(output(), "is opening what it needs"));
	assert_null(strstr(output(), "is at work"));
}

static void test_service_manager(void **state)
{
	pid_t child, second;

	(void)state;
	setenv("NOTIFY_SOCKET", notify_path, 1);
	setenv("WATCHDOG_USEC", "200000", 1);
	child = start((const char *const[]){"-f", NULL});
	notified("READY=1");
	notified("STATUS=at work");
	notified("WATCHDOG=1");
	notified("WATCHDOG=1");
	unsetenv("WATCHDOG_USEC");
	/* A second one is refused and the first lives on. */
	unsetenv("NOTIFY_SOCKET");
	second = start((const char *const[]){"-f", NULL});
	assert_int_equal(wait_for(second), 1);
	assert_non_null(strstr(output(), "already running"));
	assert_non_null(strstr(output(), "error: not started"));
	assert_string_equal(ask("{\"command\":\"size\"}\n"),
			    "{\"ok\":true,\"version\":1,\"size\":5}\n");
	kill(child, SIGTERM);
	assert_int_equal(wait_for(child), 0);
}

static void test_stop(void **state)
{
	static const int signals[] = {SIGTERM, SIGINT};

	(void)state;
	setenv("NOTIFY_SOCKET", notify_path, 1);
	for (size_t i = 0; i < 2; i++) {
		pid_t child = start((const char *const[]){"-f", NULL});

		notified("READY=1");
		notified("STATUS=at work");
		kill(child, signals[i]);
		notified("STOPPING=1");
		assert_int_equal(wait_for(child), 0);
		assert_null(strstr(output(), "not started"));
		assert_int_equal(access(socket_path, F_OK), -1);
	}
}

/* Without -f the starter returns when all is ready, and with the status of what went wrong. */
static void test_detach(void **state)
{
	char lock_path[120];
	const char *answer;

	(void)state;
	assert_int_equal(RUN("-d"), 0);
	answer = ask("{\"command\":\"size\"}\n"); /* at once, without waiting */
	assert_string_equal(answer, "{\"ok\":true,\"version\":1,\"size\":5}\n");
	assert_int_equal(RUN("-d"), 1);
	assert_non_null(strstr(output(), "already running"));
	/* Nobody's child any more, so it is stopped by the one who holds its socket. */
	{
		struct sockaddr_un address = {.sun_family = AF_UNIX};
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);
		struct ucred peer;
		socklen_t length = sizeof(peer);

		strcpy(address.sun_path, socket_path);
		assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
		assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length), 0);
		assert_true(peer.pid > 1 && peer.pid != getpid());
		kill(peer.pid, SIGTERM);
		assert_int_equal(recv(fd, &peer, 1, 0), 0);
		close(fd);
	}
	snprintf(lock_path, sizeof(lock_path), "%s.lock", socket_path);
	for (int i = 0; i < 1000 && access(lock_path, F_OK) == 0; i++)
		usleep(10000);
}

static void test_reload(void **state)
{
	char expected[800];
	pid_t child;

	(void)state;
	setenv("NOTIFY_SOCKET", notify_path, 1);
	child = start((const char *const[]){"-f", NULL});
	notified("READY=1");
	notified("STATUS=at work");
	assert_string_equal(ask("{\"command\":\"reload\"}\n"),
			    "{\"ok\":true,\"version\":1,\"text\":\"reloaded, 0 changes\"}\n");
	notified("RELOADING=1");
	notified("READY=1");

	write_config(GOOD "size = 7; log = { level = \"debug\"; };\n");
	assert_string_equal(ask("{\"command\":\"reload\"}\n"),
			    "{\"ok\":true,\"version\":1,\"text\":\"reloaded, 2 changes\"}\n");
	assert_string_equal(
		ask("{\"command\":\"reload\",\"file\":\"other.conf\"}\n"),
		"{\"ok\":false,\"version\":1,\"error\":\"what is \\\"file\\\"? this takes no "
		"arguments\"}\n");
	assert_string_equal(ask("{\"command\":\"size\"}\n"),
			    "{\"ok\":true,\"version\":1,\"size\":7}\n");

	/* Each of these leaves everything as it was. */
	write_config(GOOD "size = 0;\nfoo = 1;\n");
	snprintf(
		expected, sizeof(expected),
		"{\"ok\":false,\"version\":1,\"error\":\"%s:2: size: 0 is out of range: 1 to 100\\n"
		"%s:3: unknown key foo\"}\n",
		config_path, config_path);
	assert_string_equal(ask("{\"command\":\"reload\"}\n"), expected);
	write_config("name = \"b\";\nsize = 8;\n");
	snprintf(expected, sizeof(expected),
		 "{\"ok\":false,\"version\":1,\"error\":\"%s: name changed, which takes a restart; "
		 "nothing was "
		 "changed\"}\n",
		 config_path);
	assert_string_equal(ask("{\"command\":\"reload\"}\n"), expected);
	write_config(GOOD "size = 66;\n");
	assert_string_equal(ask("{\"command\":\"reload\"}\n"),
			    "{\"ok\":false,\"version\":1,\"error\":\"66 is taken\"}\n");
	/* This goes on later. */
	write_config(GOOD "size = 77;\n");
	assert_string_equal(
		ask("{\"command\":\"reload\"}\n"),
		"{\"ok\":true,\"version\":1,\"text\":\"a large file is read first; the log "
		"says when it is in force\"}\n");
	assert_string_equal(ask("{\"command\":\"size\"}\n"),
			    "{\"ok\":true,\"version\":1,\"size\":7}\n");
	unlink(config_path);
	snprintf(expected, sizeof(expected),
		 "{\"ok\":false,\"version\":1,\"error\":\"%s: No such file or directory\"}\n",
		 config_path);
	assert_string_equal(ask("{\"command\":\"reload\"}\n"), expected);
	assert_string_equal(ask("{\"command\":\"size\"}\n"),
			    "{\"ok\":true,\"version\":1,\"size\":7}\n");

	/* By signal. */
	write_config(GOOD "size = 77;\n");
	while (recv(notify_fd, expected, sizeof(expected), MSG_DONTWAIT) > 0)
		;
	kill(child, SIGHUP);
	notified("RELOADING=1");
	notified("READY=1");
	assert_string_equal(ask("{\"command\":\"size\"}\n"),
			    "{\"ok\":true,\"version\":1,\"size\":77}\n");
	kill(child, SIGTERM);
	assert_int_equal(wait_for(child), 0);
}

static void test_notify(void **state)
{
	(void)state;
	assert_int_equal(daemon_notify("X=1"), 0); /* nobody to tell is fine */
	setenv("NOTIFY_SOCKET", "relative", 1);
	assert_int_equal(daemon_notify("X=1"), -EINVAL);
	setenv("NOTIFY_SOCKET", "/nowhere/at/all", 1);
	assert_int_equal(daemon_notify("X=1"), -ENOENT);
	setenv("NOTIFY_SOCKET", notify_path, 1);
	assert_int_equal(daemon_notify("X=1"), 0);
	notified("X=1");
	daemon_status("%d terminals\nREADY=1", 3); /* a status stays a status */
	notified("STATUS=3 terminals");
}

static void test_notify_abstract(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char name[60], text[10];
	int n = snprintf(name, sizeof(name), "@test-daemon-%d", (int)getpid());

	(void)state;
	memcpy(address.sun_path + 1, name + 1, (size_t)n - 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n)),
			 0);
	setenv("NOTIFY_SOCKET", name, 1);
	assert_int_equal(daemon_notify("X=1"), 0);
	assert_int_equal(recv(fd, text, sizeof(text), MSG_DONTWAIT), 3);
	close(fd);
}

int main(void)
{
#define DAEMON_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		DAEMON_TEST(test_options),	   DAEMON_TEST(test_check),
		DAEMON_TEST(test_paths),	   DAEMON_TEST(test_log_level),
		DAEMON_TEST(test_service_manager), DAEMON_TEST(test_stop),
		DAEMON_TEST(test_detach),	   DAEMON_TEST(test_reload),
		DAEMON_TEST(test_notify),	   DAEMON_TEST(test_notify_abstract),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("daemon", tests, NULL, NULL);
}
