/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a daemon runs: the service manager, reload, signals, the control socket, the end.
 *
 * There is one daemon in a process, as there is one set of signals and one notify socket, so that
 * the built-in `reload` command may find it through one static pointer.
 */
#include "daemon.h"
#include "log_event.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static struct daemon *self;

/* --- the service manager --- */

int daemon_notify(const char *message)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t length;
	int fd, err = 0;

	if (!path || !*path)
		return 0;
	if (strlen(path) >= sizeof(address.sun_path) || (path[0] != '/' && path[0] != '@'))
		return -EINVAL;
	strcpy(address.sun_path, path);
	length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (path[0] == '@') /* the abstract namespace */
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (sendto(fd, message, strlen(message), MSG_NOSIGNAL | MSG_DONTWAIT,
		   (const struct sockaddr *)&address, length) < 0)
		err = -errno;
	close(fd);
	return err;
}

static void notify(const char *message)
{
	int err = daemon_notify(message);

	if (err)
		log_warn_errno(err, "cannot reach the service manager");
}

void daemon_status(const char *format, ...)
{
	char message[512] = "STATUS=";
	size_t n = strlen(message);
	va_list ap;

	va_start(ap, format);
	vsnprintf(message + n, sizeof(message) - n, format, ap);
	va_end(ap);
	message[n + strcspn(message + n, "\n")] = '\0';
	notify(message);
}

static void on_watchdog(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop;
	(void)w;
	(void)revents;
	notify("WATCHDOG=1");
}

/* sd_watchdog_enabled(3): the interval, and whose watchdog it is. */
static void start_watchdog(struct daemon *daemon)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	double interval = usec ? strtod(usec, NULL) / 1e6 : 0;

	if (interval <= 0 || (pid && strtol(pid, NULL, 10) != (long)getpid()))
		return;
	ev_timer_init(&daemon->watchdog, on_watchdog, 0., interval / 2);
	ev_timer_start(daemon->loop, &daemon->watchdog);
}

void daemon_stopping(struct daemon *daemon)
{
	log_event(LOG_LEVEL_NOTICE, &(struct log_about){.event = LOG_EVENT_STOPPED}, "%s stops",
		  daemon->program->name);
	notify("STOPPING=1");
}

/* --- reload --- */

/* Lines that go to the log and, joined, to whoever asked for the reload. */
struct findings {
	char *text;
	size_t length;
	const char *prefix;
	FILE *out;
	size_t refused;
};

static void findings_add(struct findings *findings, const char *message)
{
	log_error("%s", message);
	if (findings->out)
		fprintf(findings->out, "%s%s", ftell(findings->out) > 0 ? "\n" : "", message);
}

static void on_fault(void *arg, const char *message)
{
	findings_add(arg, message);
}

static void on_change(void *arg, const struct conf_change *change)
{
	static const char *const kinds[] = {"changed", "added", "removed"};
	struct findings *findings = arg;
	char message[400];

	log_info("configuration: %s %s", change->path, kinds[change->kind]);
	if (change->reloadable)
		return;
	snprintf(message, sizeof(message), "%s: %s %s, which takes a restart; nothing was changed",
		 findings->prefix, change->path, kinds[change->kind]);
	findings_add(findings, message);
	findings->refused++;
}

/* Everything up to the point of applying. 0, the number of changes in *changes; or -errno. */
static int prepare_reload(struct daemon *daemon, void *fresh, struct findings *findings,
			  size_t *changes)
{
	const struct conf_schema *schema = daemon->program->schema_running
						   ? daemon->program->schema_running
						   : daemon->program->schema;
	int err = conf_load(schema, daemon->config_path, fresh, on_fault, findings);

	if (err)
		return err;
	*changes = conf_compare(schema, daemon->config, fresh, on_change, findings);
	if (*changes && !findings->refused && !daemon->program->apply)
		findings_add(findings, "this daemon changes its configuration at a restart only");
	return findings->refused || (*changes && !daemon->program->apply) ? -EINVAL : 0;
}

/*
 * A server for what this configuration says, unless it is served already: before anything else
 * changes, since a port may be taken.
 */
static int open_metrics(struct daemon *daemon, const void *config, struct metrics_server **server)
{
	const struct daemon_program *program = daemon->program;

	*server = daemon->metrics;
	if (!program->metrics || metrics_server_serves(daemon->metrics, program->metrics(config)))
		return 0;
	return metrics_server_open(server, daemon->loop, program->metrics(config),
				   program->write_metrics, daemon->arg);
}

/* The other one of both is served no longer. */
static void keep_metrics(struct daemon *daemon, struct metrics_server *kept,
			 struct metrics_server *other)
{
	if (kept != other)
		metrics_server_close(other);
	daemon->metrics = kept;
}

static int try_apply(struct daemon *daemon, void *fresh, struct control_reply *reply)
{
	struct metrics_server *old = daemon->metrics, *server;
	int err = open_metrics(daemon, fresh, &server);

	if (err) {
		if (reply)
			control_refuse(reply, err, "metrics cannot be served there; see the log");
		return err;
	}
	err = daemon->program->apply(daemon->arg, daemon->config, fresh, reply);
	keep_metrics(daemon, err ? old : server, err ? server : old);
	return err;
}

static int try_reload(struct daemon *daemon, void *fresh, struct findings *findings,
		      struct control_reply *reply)
{
	const struct conf_schema *schema = daemon->program->schema;
	size_t changes = 0;
	int err = prepare_reload(daemon, fresh, findings, &changes);

	if (!err && changes)
		err = try_apply(daemon, fresh, reply);
	else if (!err && daemon->program->reread)
		err = daemon->program->reread(daemon->arg, reply);
	if (err) {
		conf_free(schema, fresh);
		return err;
	}
	if (changes) {
		conf_free(schema, daemon->config);
		memcpy(daemon->config, fresh, schema->size);
		daemon_log_level(daemon);
	} else { /* whoever points into the running one may go on */
		conf_free(schema, fresh);
	}
	log_event(LOG_LEVEL_NOTICE, &(struct log_about){.event = LOG_EVENT_RELOADED},
		  "configuration reloaded, %zu change%s", changes, changes == 1 ? "" : "s");
	if (reply)
		control_text(reply, "reloaded, %zu change%s", changes, changes == 1 ? "" : "s");
	return 0;
}

int daemon_reload(struct daemon *daemon, struct control_reply *reply)
{
	struct findings findings = {.prefix = daemon->config_path};
	void *fresh = calloc(1, daemon->program->schema->size);
	int err = -ENOMEM;

	notify("RELOADING=1");
	findings.out = open_memstream(&findings.text, &findings.length);
	if (fresh && findings.out)
		err = try_reload(daemon, fresh, &findings, reply);
	if (findings.out)
		(void)fclose(findings.out); /* what did not fit is not said */
	if (err == -EINPROGRESS) {
		err = 0;
		log_info("the reload goes on when the files that it needs have been read");
		if (reply)
			control_text(reply,
				     "a large file is read first; the log says when it is in "
				     "force");
	}
	if (err)
		log_event(LOG_LEVEL_WARNING, &(struct log_about){.event = LOG_EVENT_RELOAD_REFUSED},
			  "reload refused, the running configuration stays%s%s",
			  findings.length ? "" : ": ", findings.length ? "" : strerror(-err));
	if (err && reply && findings.length)
		control_refuse(reply, err, "%s", findings.text);
	free(findings.text);
	free(fresh);
	notify("READY=1");
	return err;
}

static int command_reload(void *arg, const json_t *request, struct control_reply *reply)
{
	int err = control_only(reply, request, NULL);

	(void)arg;
	return err ? err : daemon_reload(self, reply);
}

/* --- serving --- */

static void on_stop(struct ev_loop *loop, ev_signal *w, int revents)
{
	struct daemon *daemon = w->data;

	(void)revents;
	log_info("%s", strsignal(w->signum));
	if (daemon->program->stop)
		daemon->program->stop(daemon->arg);
	else
		ev_break(loop, EVBREAK_ALL);
}

static void on_hangup(struct ev_loop *loop, ev_signal *w, int revents)
{
	(void)loop;
	(void)revents;
	daemon_reload(w->data, NULL);
}

/* The daemon's commands and the one every daemon has. */
static struct control_command *with_reload(const struct control_command *commands)
{
	struct control_command *all;
	size_t count = 0;

	while (commands && commands[count].name)
		count++;
	all = calloc(count + 2, sizeof(*all));
	if (!all)
		return NULL;
	if (count)
		memcpy(all, commands, count * sizeof(*all));
	all[count] = (struct control_command){"reload", command_reload,
					      "read the configuration and its files again"};
	return all;
}

/*
 * The directory of the sockets is gone after a boot, and nobody but systemd or a tmpfiles.d makes
 * it again. Everybody may look into it, whatever the umask: each socket has its own mode. A failure
 * shows when the socket is opened.
 */
static void make_run_directory(const char *socket_path)
{
	static const char directory[] = SNO_RUNDIR "/";
	char path[sizeof(directory)] = "";

	if (strncmp(socket_path, directory, sizeof(directory) - 1) != 0)
		return;
	for (size_t i = 1; i < sizeof(directory) - 1; i++) {
		if (directory[i] != '/')
			continue;
		memcpy(path, directory, i);
		if (mkdir(path, 0755) == 0 && chmod(path, 0755) < 0)
			log_warn("cannot set the mode of %s", path);
	}
}

int daemon_state(struct daemon *daemon, const char *configured, const char **directory,
		 char journal[PATH_MAX])
{
	static const char suffix[] = ".sock";
	size_t length = strlen(daemon->socket_path);
	int n;

	make_run_directory(daemon->socket_path);
	*directory = configured ? configured : daemon->state_dir;
	if (length >= sizeof(suffix) - 1 &&
	    !strcmp(daemon->socket_path + length - (sizeof(suffix) - 1), suffix))
		length -= sizeof(suffix) - 1;
	n = snprintf(journal, PATH_MAX, "%.*s.journal", (int)length, daemon->socket_path);
	if (n < PATH_MAX)
		return 0;
	log_warnx("the path of the control socket is too long: %s", daemon->socket_path);
	return -ENAMETOOLONG;
}

static void watch_signal(struct daemon *daemon, ev_signal *w, int number,
			 void (*callback)(struct ev_loop *, ev_signal *, int))
{
	ev_signal_init(w, callback, number);
	w->data = daemon;
	ev_signal_start(daemon->loop, w);
}

static void write_log(struct ev_loop *loop, ev_prepare *w, int revents)
{
	(void)loop;
	(void)w;
	(void)revents;
	log_flush();
}

/* After everything else that is done before the loop sleeps. */
static void start_log_writer(struct daemon *daemon)
{
	ev_prepare_init(&daemon->log_writer, write_log);
	ev_set_priority(&daemon->log_writer, EV_MINPRI);
	ev_prepare_start(daemon->loop, &daemon->log_writer);
	log_hold(true);
}

int daemon_serve(struct daemon *daemon, struct ev_loop *loop,
		 const struct control_command *commands, void *arg)
{
	int err;

	self = daemon;
	daemon->loop = loop;
	daemon->arg = arg;
	daemon->commands = with_reload(commands);
	if (!daemon->commands)
		return -ENOMEM;
	make_run_directory(daemon->socket_path);
	err = control_open(&daemon->control, loop, daemon->socket_path, daemon->commands, arg);
	if (err)
		return err;
	err = open_metrics(daemon, daemon->config, &daemon->metrics);
	if (err)
		return err;
	watch_signal(daemon, &daemon->term, SIGTERM, on_stop);
	watch_signal(daemon, &daemon->interrupt, SIGINT, on_stop);
	watch_signal(daemon, &daemon->hangup, SIGHUP, on_hangup);
	start_watchdog(daemon);
	start_log_writer(daemon);
	daemon->serving = true;
	return 0;
}

void daemon_end(struct daemon *daemon)
{
	if (daemon->serving) {
		ev_signal_stop(daemon->loop, &daemon->term);
		ev_signal_stop(daemon->loop, &daemon->interrupt);
		ev_signal_stop(daemon->loop, &daemon->hangup);
		ev_timer_stop(daemon->loop, &daemon->watchdog);
		ev_prepare_stop(daemon->loop, &daemon->log_writer);
		log_hold(false);
	}
	if (!daemon->ready)
		log_error("not started: see the messages before this one");
	metrics_server_close(daemon->metrics);
	daemon->metrics = NULL;
	control_close(daemon->control);
	daemon->control = NULL;
	free(daemon->commands);
	daemon->commands = NULL;
	daemon->serving = false;
	if (daemon->loaded)
		conf_free(daemon->program->schema, daemon->config);
	daemon->loaded = false;
}
