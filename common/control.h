/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket of a daemon: how snoctl and other programs ask it things.
 *
 * A UNIX stream socket, /run/sno/NAME.sock, mode 0660, group `sno` where that exists. Both sides
 *write one JSON object per line. A request is {"command": NAME, ...arguments}; requests of one
 *client are answered in order. An answer is
 *
 *	{"ok": true, "version": 1, ...}
 *	{"ok": false, "version": 1, "error": "what went wrong and what to do"}
 *
 * The version is that of the members of all answers and events, which sno-json(5) lists: it grows
 * when one of them is renamed, removed or changes its meaning, not when one is added.
 *
 * What a command answers with is shown to people by one rule, so that a new command needs no
 * new code in snoctl. Any of these members, in this order:
 *
 *	"text":   a string                      printed as it is
 *	"fields": {"uptime": {"value": 12.5, "unit": "s"}, "core": "a.example"}
 *	                                        one aligned line for each
 *	"table":  {"columns": [{"name": "terminal"}, {"name": "gap", "unit": "ms"}],
 *	           "rows": [["alice@a.example", 50.2]]}
 *	                                        one aligned line for each row
 *
 * A cell is a string, number, bool (yes/no), null ("-") or an array of strings and numbers. Units
 *are SI or plain words ("s", "ms", "us", "bytes", "packets"); the unit "time" says that the number
 *is seconds since 1970 UTC and is shown as a date. Members other than these are for programs.
 *
 * A table of more rows than CONTROL_LINE_ROWS comes in several lines. Each is a whole answer with
 * some of the rows; all but the last have a member "more": true. The rows are asked for while the
 * client reads them, a few in each turn of the loop (control_stream()): neither does a long table
 * hold up the daemon, nor is it ever in memory. A row is true when it is written, not when the
 * first one was.
 *
 * Where a command's table can be filtered, arguments choose rows by their columns:
 * {"command": "bindings", "core": "b.*"}; the pattern is that of fnmatch(3), a blank in the name of
 * a column is written as _, and some columns have a second name (control_reply.c).
 *
 * `monitor` answers {"ok": true, "version": 1, "sequence": N, "snapshot": {...}}, the snapshot
 * being an answer as above and in as many lines, and from then on the client receives {"event":
 *NAME, "sequence": N+1, "time": SECONDS, "data": {...}}: the numbers have no holes. A client that
 *does not read is told {"event": "overrun", ...} as its last line and dropped.
 *
 * The daemon never waits for a client: a request is at most CONTROL_REQUEST_MAX bytes, what is not
 * yet read by a client at most CONTROL_OUTPUT_MAX bytes, and there are at most CONTROL_CLIENTS of
 *them.
 */
#ifndef SNO_CONTROL_H
#define SNO_CONTROL_H

#include <ev.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define CONTROL_REQUEST_MAX ((size_t)64 << 10)
#define CONTROL_OUTPUT_MAX  ((size_t)64 << 20) /* answers */
#define CONTROL_EVENTS_MAX  ((size_t)1 << 20)  /* events a subscriber has not read */
#define CONTROL_CLIENTS	    64
#define CONTROL_LINE_ROWS   1024 /* of a table, then a new line begins */
#define CONTROL_TURN_ROWS   64	 /* looked at in one turn of the loop, wanted ones or not */
#define CONTROL_VERSION	    1
#define CONTROL_GROUP	    "sno"

struct control;
struct control_reply;

/*
 * Answers one command. `request` is the whole request object (borrowed). Return 0 after filling the
 * reply, or -errno; control_refuse() then gives the text (without it, the text of the error is
 * sent). What was put into the reply before a refusal is not sent.
 */
typedef int control_handler(void *arg, const json_t *request, struct control_reply *reply);

/* One command; a table ends with {}. */
struct control_command {
	const char *name;
	control_handler *handler;
	const char *help; /* one line, for the built-in `help` */
};

/* Where the rows of a long table come from. */
struct control_source {
	/*
	 * Looks at the next element and puts at most one row for it into the reply. False, with
	 * nothing put in, when there are no more. The cursor must stand the coming and going of
	 * elements between two calls.
	 */
	bool (*next)(void *cursor, struct control_reply *reply);
	/* The table has ended, or its reader has gone. */
	void (*close)(void *cursor);
};

/*
 * Opens the socket and serves it from the loop. A socket left by a dead daemon is replaced;
 * -EADDRINUSE when a live one holds it ("already running", logged), -EEXIST when the path is
 * something else, -EINVAL when it is too long for a socket, or -errno. The table, its strings and
 * `arg` are kept by reference. `help` and `monitor` are answered by control itself.
 */
int control_open(struct control **control, struct ev_loop *loop, const char *path,
		 const struct control_command *commands, void *arg);

/* Says what `monitor` begins with: a handler whose reply becomes "snapshot". */
void control_snapshot(struct control *control, control_handler *snapshot);

/* Closes every client, removes the socket. NULL is allowed. */
void control_close(struct control *control);

/*
 * Sends an event to every subscriber; takes over the reference to `data` (an object, or NULL for
 * {}). Costs next to nothing without subscribers, but the number is counted.
 */
void control_event(struct control *control, const char *name, json_t *data);

/* True when somebody listens: lets a caller skip building costly data. */
bool control_subscribed(const struct control *control);

/* Puts any member into the answer; takes over the reference to value. */
void control_set(struct control_reply *reply, const char *name, json_t *value);
/* Puts text into the answer ("text"). */
void control_text(struct control_reply *reply, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Adds to "fields"; unit may be NULL. Takes over the reference to value. */
void control_field(struct control_reply *reply, const char *name, const char *unit, json_t *value);
/*
 * Lets the arguments of the request choose rows of the table, which control_columns() begins next;
 * one that names no column makes it a refusal. The request is borrowed until then.
 */
void control_filter(struct control_reply *reply, const json_t *request);
/*
 * Begins "table": column names, each "name" or "name:unit", ended by NULL.
 *	control_columns(reply, "terminal", "gap:ms", NULL);
 */
void control_columns(struct control_reply *reply, ...) __attribute__((sentinel));
/*
 * Adds a row, by the format language of json_pack(3) for an array without its brackets:
 *	control_row(reply, "s f s?", nai, gap_ms, peer_or_NULL);
 */
void control_row(struct control_reply *reply, const char *format, ...);
/*
 * The rows of the table, after control_columns(): from here on the source is asked for them. Takes
 * over the cursor, also where the command is refused afterwards; NULL: there was no memory for it.
 */
void control_stream(struct control_reply *reply, const struct control_source *source, void *cursor);
/* Gives the reason of a refusal and returns `error` for the handler's return. */
int control_refuse(struct control_reply *reply, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * For orders: 0 when the request has no arguments but some of these, ended by NULL, all of them
 * strings. Otherwise what the handler returns, with the reason given: an argument that is misspelt
 * must not make an order another one.
 */
int control_only(struct control_reply *reply, const json_t *request, ...) __attribute__((sentinel));

/* A string argument of the request; NULL when it is missing or not a string. */
const char *control_argument(const json_t *request, const char *name);

/*
 * Serves one request line without a socket and returns the answer (a new reference, never NULL
 * but for want of memory), with all the rows of its table: the part that tests and the fuzzer
 * drive.
 */
json_t *control_serve(struct control *control, const char *line, size_t length);

/*
 * A control without a socket, for tests: only control_serve(), control_event() and control_close()
 * make sense on it.
 */
struct control *control_detached(const struct control_command *commands, void *arg);

#endif
