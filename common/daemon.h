/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the three daemons have in common: options, paths, detaching, readiness, signals, reload.
 *
 *	int main(int argc, char **argv)
 *	{
 *		struct daemon daemon;
 *		struct config config;
 *		int status = daemon_begin(&daemon, &program, &config, argc, argv);
 *
 *		if (status != DAEMON_RUN)
 *			return status;             // -h, -V, -t, usage, bad configuration, or the
 *parent
 *		... open kernel, sockets ...
 *		if (daemon_serve(&daemon, loop, commands, &core) < 0) goto out;  // control socket,
 *signals if (daemon_ready(&daemon, "serving 3 satellites") < 0) goto out;        // READY=1, detach
 *from the terminal ev_run(loop, 0); daemon_stopping(&daemon); out:
 *		... close ...
 *		daemon_end(&daemon);                                  // closes control, frees
 *config return status;
 *	}
 *
 * Nothing here ends the process. A daemon without -f forks at once; the parent waits until the
 *child is ready (or has failed) and returns from daemon_begin() with the exit status, so that
 *`start && use` works in scripts, and faults of the start appear on the terminal.
 */
#ifndef SNO_DAEMON_H
#define SNO_DAEMON_H

#include <ev.h>
#include <limits.h>
#include <stdbool.h>

#include "conf.h"
#include "control.h"
#include "log.h"
#include "metrics_server.h"
#include "privilege.h"

#define DAEMON_RUN  (-1) /* daemon_begin(): go on */
#define DAEMON_GOOD 0	 /* exit statuses */
#define DAEMON_BAD  1
#define DAEMON_USE  2

struct daemon;

/* What a program is. Constant. */
struct daemon_program {
	const char *name;    /* "sno-core-agent" */
	const char *file;    /* "core-agent": /etc/sno/core-agent.conf, /run/sno/core-agent.sock */
	const char *summary; /* one line for -h */
	const struct conf_schema *schema;
	/* The same for a reload, with a check that does not read what the configuration names;
	 * NULL: there is nothing large to read. */
	const struct conf_schema *schema_running;
	/* The `log` group inside a configuration structure; NULL for a fixed level of info. */
	const struct daemon_log_config *(*log)(const void *config);
	/* The capabilities that it goes on needing when all is open (privilege.h), and whether it
	 * starts programs of the administrator's, which keep theirs; NULL: never. */
	unsigned long long capabilities;
	bool (*programs)(const void *config);
	/* The `metrics` group, and what writes the figures; NULL both: there are none. */
	const struct metrics_config *(*metrics)(const void *config);
	metrics_write_fn *write_metrics;
	/*
	 * Makes a new configuration take effect; only reloadable keys differ. 0, and the running
	 * structure is then exchanged by daemon_reload(); or -errno with everything as before.
	 * `reply` is where to say why, by control_refuse() (NULL on SIGHUP: then log). NULL hook:
	 * reload is refused. Do not keep pointers into the old configuration, it
	 * is freed next. Strings and lists of the new one stay where they are until the next
	 * reload that changes something; the structure around them is moved.
	 * -EINPROGRESS: a large file is read first (reading.h), and everything is as before; when
	 * it has been read, the program calls daemon_reload() again.
	 */
	int (*apply)(void *arg, const void *old_config, const void *new_config,
		     struct control_reply *reply);
	/*
	 * Reads files again that the configuration names, when a reload finds that the
	 * configuration itself has not changed. As apply. NULL: there are none.
	 */
	int (*reread)(void *arg, struct control_reply *reply);
	/* SIGTERM, SIGINT; NULL breaks the loop. */
	void (*stop)(void *arg);
};

/* The configuration's `log` group, the same in every daemon:
 *	{"log", CONF_GROUP, CONF_MEMBER(struct config, log, daemon_log_keys), .reloadable = true,
 *	 .help = "what is logged"}
 */
struct daemon_log_config {
	int level; /* enum log_level */
};
extern const struct conf_key daemon_log_keys[];

/* Filled by daemon_begin(); read only. */
struct daemon {
	const struct daemon_program *program;
	void *config; /* the daemon's structure, as given to daemon_begin() */
	char config_path[PATH_MAX];
	char socket_path[PATH_MAX];
	char state_dir[PATH_MAX]; /* /var/lib/sno, or /var/lib/sno/INSTANCE */
	char instance[64];	  /* "" without -N */
	bool foreground;	  /* -f */
	bool debug;		  /* -d */
	bool verbose;		  /* -v */

	struct ev_loop *loop;
	struct control *control;
	struct metrics_server *metrics; /* NULL: not served */
	void *arg;
	ev_signal term, interrupt, hangup;
	ev_timer watchdog;
	ev_prepare log_writer; /* writes the log before the loop sleeps */
	struct control_command *commands;
	int ready_fd; /* tells the waiting parent; -1 in the foreground */
	bool loaded, serving, ready;
};

/*
 * Reads the options, the configuration (into *config), starts the log and forks where it has to.
 * DAEMON_RUN to go on; otherwise the exit status to return from main(), with nothing to free. -t
 * checks the configuration and, with -v, prints it.
 */
int daemon_begin(struct daemon *daemon, const struct daemon_program *program, void *config,
		 int argc, char **argv);

/*
 * Where the state of this daemon is: *directory is the configured one, or with NULL /var/lib/sno of
 * this instance, and in journal the path of what is beside the control socket, in a directory
 * that it makes where it is the usual one and missing. 0 or -ENAMETOOLONG, logged.
 */
int daemon_state(struct daemon *daemon, const char *configured, const char **directory,
		 char journal[PATH_MAX]);

/*
 * Opens the control socket with the daemon's commands and the built-in `reload`, in a directory
 * that it makes where it is the usual one and missing, watches the signals and feeds systemd's
 * watchdog where it asks for that. `arg` goes to the commands and hooks. 0 or -errno, already
 * logged.
 */
int daemon_serve(struct daemon *daemon, struct ev_loop *loop,
		 const struct control_command *commands, void *arg);

/*
 * All is open: gives up all privileges but the program's, tells systemd (READY=1, STATUS=) and the
 * waiting parent, and leaves the terminal. 0; or -errno, logged: then end.
 */
int daemon_ready(struct daemon *daemon, const char *status);

/* Sets the level of the log to what the options and the configuration ask for. */
void daemon_log_level(const struct daemon *daemon);

/* Changes the line that `systemctl status` shows. */
void daemon_status(const char *format, ...) LOG_PRINTF(1, 2);

/*
 * Loads the file again, compares and applies. 0, also where that goes on later; or -errno,
 * everything as before, every fault logged and, where reply is not NULL, in it. Changes of keys
 * that are not reloadable are refused by name.
 */
int daemon_reload(struct daemon *daemon, struct control_reply *reply);

/* The loop has ended: tells systemd STOPPING=1. */
void daemon_stopping(struct daemon *daemon);

/*
 * Closes the control socket, unhooks the signals, frees the configuration. Of one that has not been
 * ready it is said that it has not started: many a message that goes before is a warning only.
 */
void daemon_end(struct daemon *daemon);

/*
 * One message to the service manager (sd_notify(3) without libsystemd): "READY=1", "STATUS=...".
 * 0 also where no manager listens; -errno when it could not be sent.
 */
int daemon_notify(const char *message);

#endif
