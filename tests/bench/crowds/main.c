/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * crowd: thousands of terminals in one process, for tests/bench/crowd.
 *
 *   crowd subscribers -n COUNT -r REALM -a HOME4 -s SEED
 *	prints the `subscribers` of the home core's configuration
 *   crowd play -i INTERFACE -k HOME-PUBLIC-KEY -p PORT -n COUNT -r REALM -a HOME4 -s SEED
 *	is the terminals, by the commands below
 *   crowd send -f RATE -p PORT -n COUNT -a HOME4
 *	sends packets to all home addresses in turn, RATE a second, until a signal ends it
 *
 * Terminal 0 has the home address HOME4, each further one the next; SEED is any text, from which
 * the keys of all terminals follow. `play` reads commands from standard input and answers each
 * with one line of JSON when it is carried out:
 *
 *   register WINDOW SECONDS	all register, WINDOW at a time
 *   arm CORE			all are ready to go to this core when it is heard
 *   wait SECONDS		until all have gone there, but no longer than this
 *   write TERMINALS DOWNLINK	the two logs, as comma-separated values (crowd.h, downlink.h)
 *
 * It ends at the end of its input.
 */
#include "crowd.h"
#include "downlink.h"

#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <net/ethernet.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TICK_MS 5

struct options {
	const char *interface;
	uint32_t count;
	struct terminal_setup setup;
	struct downlink downlink;
};

struct player {
	struct radio *signalling, *data;
	struct crowd crowd;
	struct downlink_log log;
	usec_t began, until; /* of the command that is being carried out; 0: none is */
};

_Noreturn static void usage(void)
{
	fputs("usage: crowd subscribers -n COUNT -r REALM -a HOME4 -s SEED\n"
	      "       crowd play -i INTERFACE -k KEY -p PORT -n COUNT -r REALM -a HOME4 -s SEED\n"
	      "       crowd send -f RATE -p PORT -n COUNT -a HOME4\n",
	      stderr);
	exit(2);
}

static uint32_t parse_number(const char *text, uint32_t most)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (end == text || *end || value < 1 || value > most)
		errx(2, "%s: not a number between 1 and %" PRIu32, text, most);
	return (uint32_t)value;
}

static void parse_options(struct options *o, int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "i:k:p:n:r:a:s:f:")) != -1) {
		if (option == 'i')
			o->interface = optarg;
		else if (option == 'k' && keys_decode(o->setup.home_public, optarg) < 0)
			errx(2, "%s: not a key", optarg);
		else if (option == 'p')
			o->downlink.port = (uint16_t)parse_number(optarg, UINT16_MAX);
		else if (option == 'n')
			o->count = o->downlink.count = parse_number(optarg, 1 << 20);
		else if (option == 'r')
			snprintf(o->setup.realm, sizeof(o->setup.realm), "%s", optarg);
		else if (option == 'a' && addr_parse(&o->downlink.first, optarg) < 0)
			errx(2, "%s: not an address", optarg);
		else if (option == 's')
			keys_sha256(o->setup.seed, optarg, strlen(optarg));
		else if (option == 'f')
			o->downlink.rate = parse_number(optarg, 10000000);
		else if (option == '?')
			usage();
	}
	if (optind != argc || o->count == 0 || o->downlink.first.family != AF_INET)
		usage();
}

/* ---- subscribers --------------------------------------------------------------------------- */

static int print_subscribers(const struct options *o)
{
	puts("subscribers = (");
	for (uint32_t i = 0; i < o->count; i++) {
		struct addr home = o->downlink.first;
		char user[SNO_NAME_MAX + 1], key[KEY_TEXT], address[ADDR_TEXT];
		struct key_pair keys;

		home.v4.s_addr = htonl(ntohl(home.v4.s_addr) + i);
		terminal_user(user, i);
		terminal_keys(&keys, i, &o->setup);
		printf("  { nai = \"%s@%s\"; public_key = \"%s\"; home4 = \"%s\"; }%s\n", user,
		       o->setup.realm, keys_encode(key, keys.public), addr_format(&home, address),
		       i + 1 < o->count ? "," : "");
		keys_wipe(&keys, sizeof(keys));
	}
	puts(");");
	return 0;
}

/* ---- playing ------------------------------------------------------------------------------- */

static void answer(struct player *p)
{
	const struct crowd *c = &p->crowd;

	printf("{\"terminals\": %" PRIu32 ", \"registered\": %" PRIu32 ", \"told\": %" PRIu32
	       ", \"core\": \"%s\", \"began\": %" PRId64 ", \"heard\": %" PRId64
	       ", \"ended\": %" PRId64 ", \"strange\": %" PRIu64 ", \"unsent\": %" PRIu64
	       ", \"overflow\": %" PRIu64 ", \"arrivals\": %zu, \"misled\": %" PRIu64 "}\n",
	       c->count, c->registered, c->told, c->advertised, p->began, c->heard, clock_wall(),
	       c->strange, radio_unsent(p->signalling),
	       radio_overflow(p->signalling) + radio_overflow(p->data), p->log.count,
	       p->log.misled);
	fflush(stdout);
	p->until = 0;
}

static void write_logs(const struct player *p, const char *terminals, const char *downlink)
{
	FILE *file = fopen(terminals, "we");

	if (!file)
		err(1, "%s", terminals);
	crowd_write(&p->crowd, file);
	if (fclose(file) != 0)
		err(1, "%s", terminals);
	file = fopen(downlink, "we");
	if (!file)
		err(1, "%s", downlink);
	downlink_write(&p->log, file);
	if (fclose(file) != 0)
		err(1, "%s", downlink);
}

static void wait_for(struct player *p, const char *seconds)
{
	p->until = p->began + (usec_t)parse_number(seconds, 86400) * USEC_PER_SEC;
}

static void command(struct player *p, char *line)
{
	char *words[4] = {NULL}, *rest = line;
	int result = 0;

	for (size_t i = 0; i < 4; i++)
		words[i] = strtok_r(NULL, " \n", &rest);
	p->began = clock_wall();
	if (words[0] && words[1] && words[2] && !strcmp(words[0], "register")) {
		crowd_register(&p->crowd, parse_number(words[1], UINT32_MAX));
		wait_for(p, words[2]);
	} else if (words[0] && words[1] && !strcmp(words[0], "arm")) {
		result = crowd_arm(&p->crowd, words[1]);
		answer(p);
	} else if (words[0] && words[1] && !strcmp(words[0], "wait")) {
		wait_for(p, words[1]);
	} else if (words[0] && words[1] && words[2] && !strcmp(words[0], "write")) {
		write_logs(p, words[1], words[2]);
		answer(p);
	} else {
		errx(2, "%s: no such command", words[0] ? words[0] : "");
	}
	if (result < 0)
		errx(1, "%s: %s", words[0], strerror(-result));
}

/* False at the end of input. */
static bool read_command(struct player *p)
{
	char line[1024];

	if (!fgets(line, sizeof(line), stdin))
		return false;
	command(p, line);
	return true;
}

static int play(const struct options *o)
{
	struct player p = {.log.to = o->downlink};
	bool goes_on = true;
	int result;

	setvbuf(stdin, NULL, _IONBF, 0); /* poll() shall know of every line */
	result = radio_open(&p.signalling, o->interface, ETHERTYPE_IPV6);
	if (result == 0)
		result = radio_open(&p.data, o->interface, ETHERTYPE_IP);
	if (result == 0)
		result = crowd_open(&p.crowd, p.signalling, o->count, &o->setup);
	if (result < 0)
		errx(1, "%s: %s", o->interface, strerror(-result));
	while (goes_on) {
		struct pollfd fds[] = {{.fd = radio_fd(p.signalling), .events = POLLIN},
				       {.fd = radio_fd(p.data), .events = POLLIN},
				       {.fd = p.until ? -1 : STDIN_FILENO, .events = POLLIN}};

		poll(fds, 3, TICK_MS);
		radio_receive(p.signalling, crowd_receive, &p.crowd);
		crowd_tick(&p.crowd, clock_wall());
		radio_receive(p.data, downlink_receive, &p.log);
		if (p.until && (crowd_served(&p.crowd) || clock_wall() > p.until))
			answer(&p);
		if (fds[2].revents)
			goes_on = read_command(&p);
	}
	free(p.log.arrivals);
	radio_close(p.data);
	crowd_close(&p.crowd);
	radio_close(p.signalling);
	return 0;
}

int main(int argc, char **argv)
{
	struct options o = {0};

	if (argc < 2 || keys_init() < 0)
		usage();
	parse_options(&o, argc - 1, argv + 1);
	if (!strcmp(argv[1], "subscribers") && o.setup.realm[0])
		return print_subscribers(&o);
	if (!strcmp(argv[1], "play") && o.interface && o.downlink.port && o.setup.realm[0])
		return play(&o);
	if (!strcmp(argv[1], "send") && o.downlink.port && o.downlink.rate)
		return -downlink_send(&o.downlink);
	usage();
}
