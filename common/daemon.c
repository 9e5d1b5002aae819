/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a daemon begins: options, paths, configuration, detaching. What follows is in daemon_serve.c.
 */
#define _GNU_SOURCE /* pipe2 */
#include "daemon.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keylog.h"
#include "keys.h"
#include "log_event.h"

#define RESIDENT_STACK (256 << 10)
#define RESIDENT_STEP  4096
#define RESIDENT_HEAP  (1 << 20)
#define MAPPED_FROM    (128 << 10) /* octets in one piece, as malloc(3) has it by itself */

#define DETACHED_FINE '+' /* what the child tells the waiting parent */

const struct conf_key daemon_log_keys[] = {
	{"level", CONF_ENUM, CONF_FIELD(struct daemon_log_config, level), .def = "info",
	 .names =
		 (const struct conf_name[]){
			 {"error", LOG_LEVEL_ERROR},
			 {"warning", LOG_LEVEL_WARNING},
			 {"notice", LOG_LEVEL_NOTICE},
			 {"info", LOG_LEVEL_INFO},
			 {"debug", LOG_LEVEL_DEBUG},
			 {NULL, 0},
		 },
	 .help = "least grave messages that are written"},
	{0}};

/* --- options --- */

static void usage(FILE *out, const struct daemon_program *program)
{
	fprintf(out, "usage: %s [-dfhtVv] [-c FILE] [-N INSTANCE] [-s SOCKET]\n", program->name);
}

static int help(const struct daemon_program *program, bool verbose)
{
	usage(stdout, program);
	printf("%s\n\n"
	       "  -c FILE      configuration (%s/%s.conf)\n"
	       "  -t           check the configuration and exit: 0 good, 1 bad\n"
	       "  -f           stay in the foreground, log to stderr\n"
	       "  -d           log debugging messages\n"
	       "  -v           with -t print the effective configuration, with -h list its keys\n"
	       "  -s SOCKET    control socket (%s/%s.sock)\n"
	       "  -N INSTANCE  one of several on this host: NAME-INSTANCE.conf and .sock\n"
	       "  -V           print the version\n"
	       "  -h           print this\n",
	       program->summary, SNO_SYSCONFDIR, program->file, SNO_RUNDIR, program->file);
	if (verbose) {
		printf("\nKeys (key, type, default, when a change takes effect, meaning):\n");
		conf_document(stdout, program->schema);
	}
	return DAEMON_GOOD;
}

static bool instance_valid(const char *name)
{
	if (!*name || *name == '.' || strlen(name) >= sizeof(((struct daemon *)0)->instance))
		return false;
	for (; *name; name++) {
		if (!isalnum((unsigned char)*name) && !strchr("._-", *name))
			return false;
	}
	return true;
}

/* A path that stays right after chdir(2). 0 or -ENAMETOOLONG. */
static int absolute(char out[PATH_MAX], const char *path)
{
	char cwd[PATH_MAX] = "";
	int n;

	if (path[0] != '/' && !getcwd(cwd, sizeof(cwd)))
		return -errno;
	n = snprintf(out, PATH_MAX, "%s%s%s", cwd, *cwd ? "/" : "", path);
	return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* Paths that were not given follow from the program and the instance. */
static int default_paths(struct daemon *daemon, const char *config, const char *socket_path)
{
	const char *file = daemon->program->file, *dash = *daemon->instance ? "-" : "";
	const char *slash = *daemon->instance ? "/" : "";
	char path[PATH_MAX];
	int err;

	snprintf(path, sizeof(path), "%s/%s%s%s.conf", SNO_SYSCONFDIR, file, dash,
		 daemon->instance);
	err = absolute(daemon->config_path, config ? config : path);
	snprintf(path, sizeof(path), "%s/%s%s%s.sock", SNO_RUNDIR, file, dash, daemon->instance);
	if (!err)
		err = absolute(daemon->socket_path, socket_path ? socket_path : path);
	snprintf(daemon->state_dir, sizeof(daemon->state_dir), "%s%s%s", SNO_STATEDIR, slash,
		 daemon->instance);
	return err;
}

struct options {
	const char *config, *socket;
	bool check, help, version;
};

static int parse_options(struct daemon *daemon, struct options *options, int argc, char **argv)
{
	int option, err;

	optind = 1;
	while ((option = getopt(argc, argv, "c:dfhN:s:tVv")) != -1) {
		switch (option) {
		case 'c':
			options->config = optarg;
			break;
		case 'd':
			daemon->debug = true;
			break;
		case 'f':
			daemon->foreground = true;
			break;
		case 'h':
			options->help = true;
			break;
		case 'N':
			if (!instance_valid(optarg)) {
				fprintf(stderr, "%s: -N takes letters, digits and . _ -\n",
					daemon->program->name);
				return DAEMON_USE;
			}
			snprintf(daemon->instance, sizeof(daemon->instance), "%s", optarg);
			break;
		case 's':
			options->socket = optarg;
			break;
		case 't':
			options->check = true;
			break;
		case 'V':
			options->version = true;
			break;
		case 'v':
			daemon->verbose = true;
			break;
		default:
			usage(stderr, daemon->program);
			return DAEMON_USE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "%s: what is \"%s\"?\n", daemon->program->name, argv[optind]);
		usage(stderr, daemon->program);
		return DAEMON_USE;
	}
	err = default_paths(daemon, options->config, options->socket);
	if (err) {
		fprintf(stderr, "%s: %s\n", daemon->program->name, strerror(-err));
		return DAEMON_USE;
	}
	return DAEMON_RUN;
}

/* --- configuration --- */

static int check_config(struct daemon *daemon)
{
	const struct conf_schema *schema = daemon->program->schema;

	if (conf_load(schema, daemon->config_path, daemon->config, conf_report_file, stderr) < 0)
		return DAEMON_BAD;
	if (daemon->verbose)
		conf_print(stdout, schema, daemon->config);
	else
		fprintf(stderr, "%s: configuration is good\n", daemon->config_path);
	conf_free(schema, daemon->config);
	return fflush(stdout) == 0 ? DAEMON_GOOD : DAEMON_BAD;
}

static void report_log(void *arg, const char *message)
{
	(void)arg;
	log_error("%s", message);
}

void daemon_log_level(const struct daemon *daemon)
{
	const struct daemon_log_config *log =
		daemon->program->log ? daemon->program->log(daemon->config) : NULL;

	if (daemon->debug)
		log_set_level(LOG_LEVEL_DEBUG);
	else
		log_set_level(log && log->level ? (enum log_level)log->level : LOG_LEVEL_INFO);
}

static void release_config(struct daemon *daemon)
{
	if (daemon->loaded)
		conf_free(daemon->program->schema, daemon->config);
	daemon->loaded = false;
}

/* --- detaching --- */

/* In the parent: waits until the child is ready or dead. Returns the exit status. */
static int await_child(int fd, pid_t child)
{
	int status;
	char word = 0;
	ssize_t n;

	do
		n = read(fd, &word, 1);
	while (n < 0 && errno == EINTR);
	close(fd);
	if (n == 1 && word == DETACHED_FINE)
		return DAEMON_GOOD;
	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return DAEMON_BAD;
	}
	return WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) : DAEMON_BAD;
}

/* DAEMON_RUN in the child, the exit status in the parent. */
static int detach(struct daemon *daemon)
{
	int fds[2];
	pid_t child;

	if (pipe2(fds, O_CLOEXEC) < 0) {
		log_warn("cannot detach");
		return DAEMON_BAD;
	}
	child = fork();
	if (child < 0) {
		log_warn("cannot detach");
		close(fds[0]);
		close(fds[1]);
		return DAEMON_BAD;
	}
	if (child > 0) {
		close(fds[1]);
		return await_child(fds[0], child);
	}
	close(fds[0]);
	setsid();
	daemon->ready_fd = fds[1];
	return DAEMON_RUN;
}

/* In the child, when all is open: lets go of the terminal and of the parent. */
static void leave_terminal(struct daemon *daemon)
{
	char word = DETACHED_FINE;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (chdir("/") < 0)
		log_warn("cannot change to /");
	log_init(daemon->program->name, log_get_level(), LOG_TO_SYSLOG);
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		if (null > STDERR_FILENO)
			close(null);
	}
	if (write(daemon->ready_fd, &word, 1) < 0)
		log_debug("nobody waited for this start");
	close(daemon->ready_fd);
	daemon->ready_fd = -1;
}

int daemon_begin(struct daemon *daemon, const struct daemon_program *program, void *config,
		 int argc, char **argv)
{
	struct options options = {0};
	int status;

	memset(daemon, 0, sizeof(*daemon));
	daemon->program = program;
	daemon->config = config;
	daemon->ready_fd = -1;
	status = parse_options(daemon, &options, argc, argv);
	if (status != DAEMON_RUN)
		return status;
	if (options.help)
		return help(program, daemon->verbose);
	if (options.version) {
		printf("%s %s\n", program->name, SNO_VERSION);
		return DAEMON_GOOD;
	}
	if (options.check)
		return check_config(daemon);
	log_init(program->name, daemon->debug ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, LOG_TO_AUTO);
	privilege_hide();
	if (keys_init() < 0) {
		log_error("this machine has no random numbers to make keys from");
		return DAEMON_BAD;
	}
	if (conf_load(program->schema, daemon->config_path, config, report_log, NULL) < 0)
		return DAEMON_BAD;
	daemon->loaded = true;
	daemon_log_level(daemon);
	/* What keeps it from starting is told, however little is to be told afterwards. */
	if (log_get_level() < LOG_LEVEL_WARNING)
		log_set_level(LOG_LEVEL_WARNING);
	(void)signal(SIGPIPE, SIG_IGN); /* which cannot fail */
	if (keylog_open() < 0)
		status = DAEMON_BAD;
	else if (!daemon->foreground)
		status = detach(daemon);
	if (status != DAEMON_RUN)
		release_config(daemon);
	return status;
}

/* Messages are values and calls are nested: a stack that has been used so deep has its pages. */
static void touch_stack(void)
{
	volatile char pages[RESIDENT_STACK];

	for (size_t i = 0; i < sizeof(pages); i += RESIDENT_STEP)
		pages[i] = 0;
}

/* Room in the heap ahead: it is not to grow in the middle of the first handover. */
static void grow_heap(void)
{
	void *volatile room;

	mallopt(M_MMAP_THRESHOLD, 2 * RESIDENT_HEAP); /* out of the heap, not beside it */
	room = malloc(RESIDENT_HEAP);
	free(room);
	mallopt(M_MMAP_THRESHOLD, MAPPED_FROM);
}

/*
 * All pages in memory, now and later: no page fault in the middle of a handover, and no key in the
 * swap. The heap grows rarely and by much, and never shrinks. Where the right to lock is missing
 * everything works all the same.
 */
static void stay_resident(void)
{
	mallopt(M_TRIM_THRESHOLD, INT_MAX);
	grow_heap();
	mallopt(M_TOP_PAD, RESIDENT_HEAP);
	touch_stack();
	if (mlockall(MCL_CURRENT | MCL_FUTURE) < 0)
		log_debug("memory is not locked (CAP_IPC_LOCK or LimitMEMLOCK): %s",
			  strerror(errno));
}

/* All is open: what has to be done from here on needs little. */
static int let_go(const struct daemon *daemon)
{
	const struct daemon_program *program = daemon->program;
	int err = privilege_drop(program->capabilities,
				 program->programs && program->programs(daemon->config));

	if (err < 0)
		log_warn_errno(err, "cannot give up privileges that are not needed any more");
	return err;
}

int daemon_ready(struct daemon *daemon, const char *status)
{
	int err;

	stay_resident();
	err = let_go(daemon);
	if (err < 0)
		return err;
	daemon->ready = true;
	daemon_log_level(daemon);
	log_steady();
	log_event(LOG_LEVEL_NOTICE, &(struct log_about){.event = LOG_EVENT_STARTED}, "%s %s: %s",
		  daemon->program->name, SNO_VERSION, status);
	if (daemon->ready_fd >= 0)
		leave_terminal(daemon);
	daemon_notify("READY=1");
	daemon_status("%s", status);
	return 0;
}
