/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The conversation with a daemon: finding its socket, one request, one answer, or a stream of
 * events.
 */
#define _GNU_SOURCE /* asprintf */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "snoctl.h"

#define ANSWER_TIMEOUT 60 /* seconds */

static const struct daemon_name {
	const char *word;    /* -d */
	const char *file;    /* name of the socket */
	const char *program; /* for advice */
} daemons[] = {
	{"core", "core-agent", "sno-core-agent"},
	{"terminal", "terminal-agent", "sno-terminal-agent"},
	{"satellite", "sat-forwarder", "sno-sat-forwarder"},
};

#define DAEMONS (sizeof(daemons) / sizeof(daemons[0]))

static const struct daemon_name *daemon_find(const char *word)
{
	for (size_t i = 0; i < DAEMONS; i++) {
		if (strcmp(daemons[i].word, word) == 0)
			return &daemons[i];
	}
	return NULL;
}

bool snoctl_daemon_known(const char *word)
{
	return daemon_find(word) != NULL;
}

/* --- which socket --- */

static char *socket_path(const struct snoctl_target *target, const struct daemon_name *daemon)
{
	const char *directory = getenv("SNO_RUNDIR");
	char *path;

	if (asprintf(&path, "%s/%s%s%s.sock", directory ? directory : SNO_RUNDIR, daemon->file,
		     target->instance ? "-" : "", target->instance ? target->instance : "") < 0)
		return NULL;
	return path;
}

const char *snoctl_daemon_word(int i)
{
	return i >= 0 && (size_t)i < DAEMONS ? daemons[i].word : NULL;
}

bool snoctl_daemon_wanted(const struct snoctl_target *target, const char *word)
{
	char *path;
	bool there;

	if (target->socket && !target->daemon)
		return true;
	if (target->daemon)
		return strcmp(target->daemon, word) == 0;
	path = socket_path(target, daemon_find(word));
	there = path && access(path, F_OK) == 0;
	free(path);
	return there;
}

/* The one daemon that has a socket here. NULL, and said why, when there is none or more than one.
 */
static const struct daemon_name *only_daemon(const struct snoctl_target *target)
{
	const struct daemon_name *only = NULL;
	size_t found = 0;
	char *path = NULL;

	for (size_t i = 0; i < DAEMONS; i++) {
		free(path);
		path = socket_path(target, &daemons[i]);
		if (path && access(path, F_OK) == 0) {
			only = &daemons[i];
			found++;
		}
	}
	if (found != 1) {
		char *slash = path ? strrchr(path, '/') : NULL;

		if (slash)
			*slash = '\0';
		if (found)
			fprintf(stderr, "snoctl: more than one daemon runs here: choose with "
					"-d core, -d terminal or -d satellite\n");
		else
			fprintf(stderr,
				"snoctl: no daemon%s%s has a socket in %s: is one running? "
				"(-N and -s choose another)\n",
				target->instance ? " of instance " : "",
				target->instance ? target->instance : "", path ? path : "");
		only = NULL;
	}
	free(path);
	return only;
}

static void connect_failed(const char *path, const char *program, int error)
{
	if (error == ENOENT || error == ECONNREFUSED)
		fprintf(stderr, "snoctl: cannot connect to %s: is %s running?\n", path, program);
	else if (error == EACCES || error == EPERM)
		fprintf(stderr,
			"snoctl: cannot connect to %s: it takes root or a member of group sno\n",
			path);
	else
		fprintf(stderr, "snoctl: cannot connect to %s: %s\n", path, strerror(error));
}

static int connect_path(const char *path, const char *program)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval timeout = {.tv_sec = ANSWER_TIMEOUT};
	int fd;

	if (strlen(path) >= sizeof(address.sun_path)) {
		connect_failed(path, program, ENAMETOOLONG);
		return -1;
	}
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		connect_failed(path, program, errno);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	return fd;
}

/* A connected stream, or NULL and the reason on stderr. */
static FILE *open_daemon(const struct snoctl_target *target, const char *likely)
{
	const struct daemon_name *daemon = NULL;
	char *path = NULL;
	FILE *stream = NULL;
	int fd = -1;

	if (target->daemon || likely)
		daemon = daemon_find(target->daemon ? target->daemon : likely);
	if (target->socket) {
		fd = connect_path(target->socket, daemon ? daemon->program : "the daemon");
	} else {
		if (!daemon)
			daemon = only_daemon(target);
		if (!daemon)
			return NULL;
		path = socket_path(target, daemon);
		fd = path ? connect_path(path, daemon->program) : -1;
	}
	free(path);
	if (fd >= 0)
		stream = fdopen(fd, "r+");
	if (fd >= 0 && !stream)
		close(fd);
	return stream;
}

/* --- talking --- */

static bool send_request(FILE *stream, json_t *request)
{
	bool good = json_dumpf(request, stream, JSON_COMPACT) == 0 && putc('\n', stream) != EOF &&
		    fflush(stream) == 0;

	json_decref(request);
	if (!good)
		fprintf(stderr, "snoctl: the daemon takes no request: %s\n", strerror(errno));
	return good;
}

/* One line and what it says; NULL and the reason on stderr. *line is reused. */
static json_t *receive(FILE *stream, char **line, size_t *room)
{
	json_error_t error;
	json_t *answer;

	errno = 0;
	if (getline(line, room, stream) < 0) {
		fprintf(stderr, "snoctl: %s\n",
			errno == EAGAIN || errno == EWOULDBLOCK
				? "the daemon does not answer"
				: "the daemon closed the connection");
		return NULL;
	}
	answer = json_loads(*line, 0, &error);
	if (!json_is_object(answer)) {
		fprintf(stderr, "snoctl: the daemon's answer makes no sense\n");
		json_decref(answer);
		return NULL;
	}
	return answer;
}

static bool accepted(const json_t *answer)
{
	return json_is_true(json_object_get(answer, "ok"));
}

static void show_error(const json_t *answer)
{
	const char *error = json_string_value(json_object_get(answer, "error"));

	fputs("snoctl: ", stderr);
	snoctl_print(stderr, error ? error : "refused without a reason");
	putc('\n', stderr);
}

/* An answer, or a part of it, as it was asked for. False when it was a refusal. */
static bool show(const struct snoctl_target *target, const json_t *answer, const char *line,
		 const char *member, struct snoctl_table *table)
{
	bool good = accepted(answer);

	if (target->json)
		fputs(line, stdout);
	else if (good)
		snoctl_show(stdout, member ? json_object_get(answer, member) : answer, table);
	else
		show_error(answer);
	return good;
}

/*
 * Receives an answer in all its parts and shows them; `member` is what is shown of it (NULL: all).
 * False when it was refused or has no end, which then has been said.
 */
static bool hear_out(FILE *stream, const struct snoctl_target *target, const char *member,
		     char **line, size_t *room)
{
	struct snoctl_table table = {0};
	bool good = true, more = true;
	json_t *answer;

	while (more && good) {
		answer = receive(stream, line, room);
		if (!answer)
			return false;
		more = json_is_true(json_object_get(answer, "more"));
		if (json_object_get(answer, "event")) { /* in the midst of a long snapshot */
			more = true;
			if (target->json)
				fputs(*line, stdout);
			else
				snoctl_show_event(stdout, answer);
		} else {
			good = show(target, answer, *line, member, &table);
		}
		json_decref(answer);
		if (ferror(stdout))
			return false;
	}
	return good;
}

json_t *snoctl_fetch(const struct snoctl_target *target, const char *daemon, json_t *request)
{
	FILE *stream = open_daemon(target, daemon);
	char *line = NULL;
	size_t room = 0;
	json_t *answer = NULL;

	if (!stream)
		json_decref(request);
	else if (send_request(stream, request))
		answer = receive(stream, &line, &room);
	if (answer && !accepted(answer)) {
		show_error(answer);
		json_decref(answer);
		answer = NULL;
	}
	free(line);
	if (stream)
		(void)fclose(stream); /* all has been read */
	return answer;
}

int snoctl_ask(const struct snoctl_target *target, const char *likely, json_t *request)
{
	FILE *stream = open_daemon(target, likely);
	char *line = NULL;
	size_t room = 0;
	int status = SNOCTL_FAILED;

	if (!stream)
		json_decref(request);
	else if (send_request(stream, request) && hear_out(stream, target, NULL, &line, &room))
		status = SNOCTL_GOOD;
	free(line);
	if (stream)
		(void)fclose(stream); /* all has been read */
	return status;
}

/* Prints lines until the daemon ends the stream, which is never a success. */
static void follow(FILE *stream, bool json, char **line, size_t *room)
{
	json_t *event;

	while (!ferror(stdout) && (event = receive(stream, line, room))) {
		const char *name = json_string_value(json_object_get(event, "event"));

		if (json)
			fputs(*line, stdout);
		else
			snoctl_show_event(stdout, event);
		(void)fflush(stdout); /* ferror() says what came of it */
		if (name && strcmp(name, "overrun") == 0)
			fprintf(stderr, "snoctl: events came faster than they were read\n");
		json_decref(event);
	}
}

int snoctl_monitor(const struct snoctl_target *target, json_t *request)
{
	FILE *stream = open_daemon(target, NULL);
	struct timeval forever = {0};
	char *line = NULL;
	size_t room = 0;

	if (!stream) {
		json_decref(request);
	} else if (send_request(stream, request) &&
		   hear_out(stream, target, "snapshot", &line, &room)) {
		(void)fflush(stdout); /* ferror() says what came of it */
		setsockopt(fileno(stream), SOL_SOCKET, SO_RCVTIMEO, &forever, sizeof(forever));
		follow(stream, target->json, &line, &room);
	}
	free(line);
	if (stream)
		(void)fclose(stream); /* all has been read */
	return SNOCTL_FAILED;
}
