/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket of a daemon: how snoctl and other programs ask it things.
 *
 * A UNIX stream socket, /run/sno/NAME.sock, mode 0660, group `sno` where that exists. Both sides
 *write one JSON object per line. A request is {"command": NAME, ...arguments}; requests of one
 *client are answered in order. An answer is
 *
 *	{"ok": true, ...}  or  {"ok": false, "error": "what went wrong and what to do"}
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
 * `monitor` answers {"ok": true, "sequence": N, "snapshot": {...}}, and from then on the client
 * receives {"event": NAME, "sequence": N+1, "time": SECONDS, "data": {...}}: the numbers have no
 *holes. A client that does not read is told {"event": "overrun", ...} as its last line and dropped.
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
 * Begins "table": column names, each "name" or "name:unit", ended by NULL.
 *	control_columns(reply, "terminal", "gap:ms", NULL);
 */
void control_columns(struct control_reply *reply, ...) __attribute__((sentinel));
/*
 * Adds a row, by the format language of json_pack(3) for an array without its brackets:
 *	control_row(reply, "s f s?", nai, gap_ms, peer_or_NULL);
 */
void control_row(struct control_reply *reply, const char *format, ...);
/* Gives the reason of a refusal and returns `error` for the handler's return. */
int control_refuse(struct control_reply *reply, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* A string argument of the request; NULL when it is missing or not a string. */
const char *control_argument(const json_t *request, const char *name);

/*
 * Serves one request line without a socket and returns the answer (a new reference, never NULL
 * but for want of memory): the part that tests and the fuzzer drive.
 */
json_t *control_serve(struct control *control, const char *line, size_t length);

/*
 * A control without a socket, for tests: only control_serve(), control_event() and control_close()
 * make sense on it.
 */
struct control *control_detached(const struct control_command *commands, void *arg);

#endif
