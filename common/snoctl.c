/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * snoctl: asks and tells the SNO daemons of this host, and makes keys for them.
 *
 * The command line becomes one JSON request and the answer one table; what a command means is
 * known to its daemon alone. The table below only knows the words, so that help can list them and a
 * missing argument is found before anybody is asked.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keys.h"
#include "snoctl.h"

#define ARGUMENTS_MAX 2

static const struct command {
	const char *group;  /* first of two words, or NULL */
	const char *name;   /* the word, and the "command" of the request */
	const char *daemon; /* who has it when -d does not say */
	const char *arguments[ARGUMENTS_MAX];
	int (*local)(void); /* needs no daemon */
	const char *help;
} commands[] = {
	{NULL, "status", NULL, {NULL}, NULL, "what a daemon is and how it fares"},
	{NULL, "peers", "core", {NULL}, NULL, "the other cores, and the channel to each"},
	{NULL, "cores", "core", {NULL}, NULL, "the same as peers"},
	{NULL, "tunnels", "core", {NULL}, NULL, "tunnels to peers, protection, path MTU"},
	{NULL, "protection", "core", {NULL}, NULL, "what protects tunnels, and what it carried"},
	{NULL, "keys", "core", {NULL}, NULL, "public keys, and the age of session keys"},
	{NULL, "terminals", "core", {NULL}, NULL, "terminals that this core serves"},
	{NULL, "visitors", "core", {NULL}, NULL, "those of them whose home is another core"},
	{NULL, "bindings", "core", {NULL}, NULL, "home addresses, and where they are reached"},
	{NULL, "satellites", "core", {NULL}, NULL, "satellites that feed this core"},
	{NULL, "pools", "core", {NULL}, NULL, "address pools and what is in use"},
	{NULL, "flush", "core", {NULL}, NULL, "end at once what is drained after a reload"},
	{NULL, "anticipations", "core", {NULL}, NULL, "cores prepared for where terminals go"},
	{NULL, "accounting", "core", {NULL}, NULL, "what terminals have sent and received"},
	{NULL, "release", "core", {"terminal"}, NULL, "end the registration of a terminal"},
	{NULL, "disconnect", "core", {"terminal"}, NULL, "the same as release"},
	{NULL, "associations", "satellite", {NULL}, NULL, "which core is served, and when"},
	{NULL, "associate", "satellite", {"core"}, NULL, "serve this core from now on"},
	{NULL, "feeders", "satellite", {NULL}, NULL, "access side and feeders of a satellite"},
	{NULL, "relays", "satellite", {NULL}, NULL, "what passes for neighbouring satellites"},
	{NULL, "links", "terminal", {NULL}, NULL, "access links of a terminal"},
	{NULL, "handovers", NULL, {NULL}, NULL, "recent handovers and their measured parts"},
	{NULL, "drops", NULL, {NULL}, NULL, "what was dropped, by reason"},
	{NULL, "counters", NULL, {NULL}, NULL, "all counters"},
	{NULL, "reload", NULL, {NULL}, NULL, "read the configuration again; all or nothing"},
	{NULL, "doctor", NULL, {NULL}, NULL, "what is wrong on this host, and what to do"},
	{NULL, "monitor", NULL, {NULL}, NULL, "what is, and then every event as it happens"},
	{NULL, "help", NULL, {NULL}, NULL, "the commands that a daemon has"},
	{"satellite", "associate", "satellite", {"core"}, NULL, "serve this core from now on"},
	{"satellite", "resume", "satellite", {NULL}, NULL, "serve the planned core again"},
	{"terminal", "switch", "terminal", {"link"}, NULL, "hand over to this link"},
	{"terminal", "handover", "terminal", {"link"}, NULL, "the same: in=SECONDS or at=TIME"},
	{"terminal", "disconnect", "terminal", {NULL}, NULL, "leave the core and stay away"},
	{"terminal", "connect", "terminal", {NULL}, NULL, "register again after that"},
	{NULL, "genkey", NULL, {NULL}, snoctl_genkey, "a new private key, to standard output"},
	{NULL, "pubkey", NULL, {NULL}, snoctl_pubkey, "public key of the private key on stdin"},
	{NULL, "genpsk", NULL, {NULL}, snoctl_genpsk, "a new pre-shared key, to standard output"},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void usage(FILE *out)
{
	fputs("usage: snoctl [-d core|terminal|satellite] [-N INSTANCE] [-s SOCKET] [--json]\n"
	      "              COMMAND [ARGUMENT ...] [KEY=VALUE ...]\n",
	      out);
}

static int argument_count(const struct command *command)
{
	int n = 0;

	while (n < ARGUMENTS_MAX && command->arguments[n])
		n++;
	return n;
}

/* "satellite associate CORE" */
static void command_text(const struct command *command, char *text, size_t size)
{
	size_t n = (size_t)snprintf(text, size, "%s%s%s", command->group ? command->group : "",
				    command->group ? " " : "", command->name);

	for (int i = 0; i < argument_count(command); i++) {
		n += (size_t)snprintf(text + n, size - n, " ");
		for (const char *p = command->arguments[i]; *p && n + 1 < size; p++)
			text[n++] = (char)(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p);
		text[n] = '\0';
	}
}

static int help(void)
{
	char text[80];

	usage(stdout);
	puts("\nCommands:");
	for (size_t i = 0; i < COMMANDS; i++) {
		command_text(&commands[i], text, sizeof(text));
		printf("  %-26s %s\n", text, commands[i].help);
	}
	puts("\nOptions:\n"
	     "  -d, --daemon DAEMON        core, terminal or satellite, where several run\n"
	     "  -N, --instance INSTANCE    the daemon that was started with this -N\n"
	     "  -s, --socket SOCKET        its socket, wherever that is\n"
	     "  -j, --json                 print the answer as the daemon gave it\n"
	     "  -V, --version              print the version\n"
	     "  -h, --help                 print this");
	return SNOCTL_GOOD;
}

/* The command that the words begin with; *words is how many name it. NULL: none of the table. */
static const struct command *command_find(int argc, char **argv, int *words)
{
	for (size_t i = 0; i < COMMANDS; i++) {
		const struct command *c = &commands[i];

		*words = c->group ? 2 : 1;
		if (argc < *words || strcmp(c->name, argv[*words - 1]) != 0)
			continue;
		if (!c->group || strcmp(c->group, argv[0]) == 0)
			return c;
	}
	return NULL;
}

static bool is_group(const char *word)
{
	for (size_t i = 0; i < COMMANDS; i++) {
		if (commands[i].group && strcmp(commands[i].group, word) == 0)
			return true;
	}
	return false;
}

/* The daemon that is meant has no such command as the table knows, but perhaps one of that name. */
static bool is_anothers(const struct command *command, const struct snoctl_target *target)
{
	return target->daemon && command->daemon && !command->group &&
	       strcmp(command->daemon, target->daemon) != 0;
}

/* KEY=VALUE words become string members. False, and said why, when one is not that. */
static bool add_pairs(json_t *request, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		const char *equals = strchr(argv[i], '=');
		char *key;

		if (!equals || equals == argv[i] || strncmp(argv[i], "command=", 8) == 0) {
			fprintf(stderr, "snoctl: what is \"%s\"? (arguments are KEY=VALUE)\n",
				argv[i]);
			return false;
		}
		key = strndup(argv[i], (size_t)(equals - argv[i]));
		if (!key || json_object_set_new(request, key, json_string(equals + 1)) < 0) {
			fprintf(stderr, "snoctl: \"%s\" is not UTF-8\n", argv[i]);
			free(key);
			return false;
		}
		free(key);
	}
	return true;
}

static bool add_arguments(json_t *request, const struct command *command, int argc, char **argv)
{
	int count = argument_count(command);
	char text[80];

	for (int i = 0; i < count; i++) {
		if (i >= argc) {
			command_text(command, text, sizeof(text));
			fprintf(stderr, "usage: snoctl %s\n", text);
			return false;
		}
		if (json_object_set_new(request, command->arguments[i], json_string(argv[i])) < 0) {
			fprintf(stderr, "snoctl: \"%s\" is not UTF-8\n", argv[i]);
			return false;
		}
	}
	return add_pairs(request, argc - count, argv + count);
}

static int run_local(const struct command *command, int argc)
{
	if (argc) {
		fprintf(stderr, "usage: snoctl %s\n", command->name);
		return SNOCTL_USAGE;
	}
	if (keys_init() < 0) {
		fprintf(stderr, "snoctl: this machine has no random numbers to make keys from\n");
		return SNOCTL_FAILED;
	}
	return command->local();
}

/*
 * A word that is not in the table goes to the daemon as it is, when -d or -s says to whom: daemons
 * may have commands that this snoctl does not know.
 */
static int run(const struct snoctl_target *target, int argc, char **argv)
{
	int words = 1;
	const struct command *command = command_find(argc, argv, &words);
	const char *name = command ? command->name : argv[0];
	json_t *request;
	bool good;

	if (command && is_anothers(command, target))
		command = NULL;
	if (!command && (is_group(name) || !(target->daemon || target->socket))) {
		fprintf(stderr, "snoctl: no command \"%s%s%s\": see snoctl --help\n", name,
			is_group(name) && argc > 1 ? " " : "",
			is_group(name) && argc > 1 ? argv[1] : "");
		return SNOCTL_USAGE;
	}
	if (!command)
		words = 1;
	argc -= words;
	argv += words;
	if (command && command->local)
		return run_local(command, argc);
	request = json_pack("{s:s}", "command", name);
	if (!request) {
		fprintf(stderr, "snoctl: \"%s\" is not UTF-8\n", name);
		return SNOCTL_USAGE;
	}
	good = command ? add_arguments(request, command, argc, argv)
		       : add_pairs(request, argc, argv);
	if (!good) {
		json_decref(request);
		return SNOCTL_USAGE;
	}
	if (strcmp(name, "doctor") == 0) {
		json_decref(request);
		return snoctl_doctor(target);
	}
	if (strcmp(name, "monitor") == 0)
		return snoctl_monitor(target, request);
	return snoctl_ask(target, command ? command->daemon : NULL, request);
}

/* Only people see colours, and only those who have not said that they want none (no-color.org). */
static bool colours_wanted(void)
{
	const char *refused = getenv("NO_COLOR"), *terminal = getenv("TERM");

	return isatty(STDOUT_FILENO) == 1 && !(refused && *refused) &&
	       !(terminal && strcmp(terminal, "dumb") == 0);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"daemon", required_argument, NULL, 'd'},
						{"help", no_argument, NULL, 'h'},
						{"instance", required_argument, NULL, 'N'},
						{"json", no_argument, NULL, 'j'},
						{"socket", required_argument, NULL, 's'},
						{"version", no_argument, NULL, 'V'},
						{NULL, 0, NULL, 0}};
	struct snoctl_target target = {0};
	int option, status;

	while ((option = getopt_long(argc, argv, "d:hjN:s:V", options, NULL)) != -1) {
		switch (option) {
		case 'd':
			target.daemon = optarg;
			break;
		case 'h':
			return help();
		case 'j':
			target.json = true;
			break;
		case 'N':
			target.instance = optarg;
			break;
		case 's':
			target.socket = optarg;
			break;
		case 'V':
			printf("snoctl %s\n", SNO_VERSION);
			return SNOCTL_GOOD;
		default:
			usage(stderr);
			return SNOCTL_USAGE;
		}
	}
	if (target.daemon && !snoctl_daemon_known(target.daemon)) {
		fprintf(stderr, "snoctl: -d takes core, terminal or satellite\n");
		return SNOCTL_USAGE;
	}
	if (optind == argc) {
		usage(stderr);
		return SNOCTL_USAGE;
	}
	snoctl_show_colours(colours_wanted());
	status = run(&target, argc - optind, argv + optind);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "snoctl: the output could not be written\n");
		return SNOCTL_FAILED;
	}
	return status;
}
