/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pieces of snoctl: keys, the conversation with a daemon, and tables for people.
 */
#ifndef SNO_SNOCTL_H
#define SNO_SNOCTL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* Exit statuses. */
#define SNOCTL_GOOD   0
#define SNOCTL_FAILED 1
#define SNOCTL_USAGE  2

/* Which daemon to talk to; members that were not given are NULL. */
struct snoctl_target {
	const char *socket;   /* -s */
	const char *daemon;   /* -d: "core", "terminal", "satellite" */
	const char *instance; /* -N */
	bool json;	      /* --json */
};

/* `snoctl genkey`, `genpsk`, `pubkey`: to and from standard streams. Return the exit status. */
int snoctl_genkey(void);
int snoctl_genpsk(void);
int snoctl_pubkey(void);

/* True for the three words that -d takes. */
bool snoctl_daemon_known(const char *word);

/*
 * Sends a request (taken over) and shows the answer. `likely` is the daemon that has this command
 * when -d does not say; NULL when several have it. Returns the exit status.
 */
int snoctl_ask(const struct snoctl_target *target, const char *likely, json_t *request);
/*
 * The same for whoever shows it himself: the answer, or NULL, and why on standard error, when it
 * was refused or there is none. Not for long tables.
 */
json_t *snoctl_fetch(const struct snoctl_target *target, const char *daemon, json_t *request);
/* The words that -d takes, one after the other; NULL behind the last. */
const char *snoctl_daemon_word(int i);
/* Is this daemon meant, or, where none is named, does it have a socket? */
bool snoctl_daemon_wanted(const struct snoctl_target *target, const char *word);
/* `snoctl doctor`: what is wrong here, and what to do. Failed when something is. */
int snoctl_doctor(const struct snoctl_target *target);
/* The same for `monitor`: shows what is, and every event until the daemon ends. */
int snoctl_monitor(const struct snoctl_target *target, json_t *request);

/*
 * The table that is being shown: it may come in several answers (control.h), whose columns stay
 * where the first has put them as long as the cells fit. Zero before the first.
 */
#define SNOCTL_COLUMNS 32
struct snoctl_table {
	int width[SNOCTL_COLUMNS], decimals[SNOCTL_COLUMNS];
	bool begun;
};

/* From here on states and titles have colours. */
void snoctl_show_colours(bool on);
/* Shows "text", "fields" and "table" of an answer as control.h defines them. */
void snoctl_show(FILE *out, const json_t *answer, struct snoctl_table *table);
/* Shows one event as one line: time, name, key=value ... */
void snoctl_show_event(FILE *out, const json_t *event);
/* Writes text with control characters escaped: what daemons report may come from strangers. */
void snoctl_print(FILE *out, const char *text);

#endif
