/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages to stderr, the journal or syslog(3): one message, one line, one write(2), so that lines
 * of several processes on one stream do not mix. See log.h for who says what.
 */
#include "log.h"
#include "log_event.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define LOG_LINE   4096
#define LOG_FIELDS 512 /* of a record beside its text */
#define LOG_HELD   65536

static struct {
	const char *ident;
	const char *nai; /* of the terminal that all is about; NULL: none */
	enum log_level level;
	enum log_target target;
	bool terminal;
	bool steady; /* log_steady() was called */
	bool native; /* the journal's socket is open */
	bool held;   /* lines wait in `waiting` until log_flush() */
} state = {.level = LOG_LEVEL_INFO, .target = LOG_TO_STDERR};

static struct {
	char text[LOG_HELD];
	size_t length;
} waiting;

static const struct {
	enum log_level level;
	const char *name;
	const char *prefix; /* on a plain stream; what is normal has none */
} levels[] = {
	{LOG_LEVEL_ERROR, "error", "error: "}, {LOG_LEVEL_WARNING, "warning", "warning: "},
	{LOG_LEVEL_NOTICE, "notice", ""},      {LOG_LEVEL_INFO, "info", ""},
	{LOG_LEVEL_DEBUG, "debug", "debug: "},
};

#define LEVELS (sizeof(levels) / sizeof(levels[0]))

/* systemd.exec(5): JOURNAL_STREAM is DEVICE:INODE of the stream that leads to the journal. */
static bool stderr_is_journal(void)
{
	const char *text = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;
	char *end;

	if (!text)
		return false;
	device = strtoull(text, &end, 10);
	if (end == text || *end != ':')
		return false;
	text = end + 1;
	inode = strtoull(text, &end, 10);
	if (end == text || *end != '\0')
		return false;
	return fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

static const char *journal_path;

void log_journal_at(const char *path)
{
	journal_path = path;
}

static void open_native(void)
{
	state.native = state.target == LOG_TO_JOURNAL && state.steady &&
		       log_journal_open(journal_path) == 0;
}

void log_steady(void)
{
	state.steady = true;
	if (state.native)
		return;
	log_flush();
	open_native();
}

void log_init(const char *ident, enum log_level level, enum log_target target)
{
	if (target == LOG_TO_AUTO)
		target = stderr_is_journal() ? LOG_TO_JOURNAL : LOG_TO_STDERR;
	log_flush();
	if (state.target == LOG_TO_SYSLOG)
		closelog();
	if (state.native)
		log_journal_close();
	state.ident = ident;
	state.level = level;
	state.target = target;
	open_native();
	state.terminal = isatty(STDERR_FILENO) == 1;
	if (target == LOG_TO_SYSLOG)
		openlog(ident, LOG_PID | LOG_NDELAY, LOG_DAEMON);
}

void log_of_terminal(const char *nai)
{
	state.nai = nai;
}

void log_set_level(enum log_level level)
{
	state.level = level;
}

enum log_level log_get_level(void)
{
	return state.level;
}

int log_level_parse(const char *text, enum log_level *level)
{
	for (size_t i = 0; i < LEVELS; i++) {
		if (strcmp(text, levels[i].name) == 0) {
			*level = levels[i].level;
			return 0;
		}
	}
	return -EINVAL;
}

const char *log_level_name(enum log_level level)
{
	for (size_t i = 0; i < LEVELS; i++) {
		if (levels[i].level == level)
			return levels[i].name;
	}
	return "unknown";
}

static const char *level_prefix(enum log_level level)
{
	for (size_t i = 0; i < LEVELS; i++) {
		if (levels[i].level == level)
			return levels[i].prefix;
	}
	return "";
}

/*
 * Copies what fits, with control characters as \xHH; "..." ends what did not fit. Bytes from 0x80
 * pass: messages are UTF-8. Returns the length; out is not terminated.
 */
static size_t escape(char *out, size_t size, const char *in)
{
	static const char hex[] = "0123456789abcdef";
	static const char dots[] = "...";
	size_t n = 0, room = size - (sizeof(dots) - 1);

	for (; *in; in++) {
		unsigned char c = (unsigned char)*in;
		size_t need = c < 0x20 || c == 0x7f ? 4 : 1;

		if (n + need > room) {
			memcpy(out + n, dots, sizeof(dots) - 1);
			return n + sizeof(dots) - 1;
		}
		if (need == 1) {
			out[n++] = (char)c;
			continue;
		}
		out[n++] = '\\';
		out[n++] = 'x';
		out[n++] = hex[c >> 4];
		out[n++] = hex[c & 15];
	}
	return n;
}

/* What stands before a message on stderr. Returns its length. */
static size_t line_head(char *line, size_t size, enum log_level level)
{
	size_t n = 0;

	if (state.target == LOG_TO_JOURNAL)
		return (size_t)snprintf(line, size, "<%d>", (int)level);
	if (state.ident && (state.terminal || state.level >= LOG_LEVEL_DEBUG)) {
		usec_t wall = clock_wall();
		time_t seconds = (time_t)(wall / USEC_PER_SEC);
		struct tm tm;

		localtime_r(&seconds, &tm);
		n = strftime(line, size, "%F %T", &tm);
		n += (size_t)snprintf(line + n, size - n, ".%06d ", (int)(wall % USEC_PER_SEC));
	}
	if (state.ident)
		n += (size_t)snprintf(line + n, size - n, "%.64s: ", state.ident);
	return n + (size_t)snprintf(line + n, size - n, "%s", level_prefix(level));
}

static void write_all(const char *text, size_t length)
{
	/* Nobody is left to tell when even this fails. */
	while (length > 0) {
		ssize_t n = write(STDERR_FILENO, text, length);

		if (n < 0 && errno != EINTR)
			return;
		if (n > 0) {
			text += n;
			length -= (size_t)n;
		}
	}
}

/* Records wait with their length before them. */
static void send_all(const char *text, size_t length)
{
	for (size_t size; length > sizeof(size); text += size, length -= size) {
		memcpy(&size, text, sizeof(size));
		text += sizeof(size);
		length -= sizeof(size);
		log_journal_send(text, size);
	}
}

void log_flush(void)
{
	int saved = errno;

	if (state.native)
		send_all(waiting.text, waiting.length);
	else
		write_all(waiting.text, waiting.length);
	waiting.length = 0;
	errno = saved;
}

void log_hold(bool hold)
{
	state.held = hold;
	log_flush();
}

/* What is grave is written at once, after what came before it. */
static void put_line(enum log_level level, const char *line, size_t length)
{
	if (waiting.length + sizeof(length) + length > sizeof(waiting.text))
		log_flush();
	if (state.native) {
		memcpy(waiting.text + waiting.length, &length, sizeof(length));
		waiting.length += sizeof(length);
	}
	/* cppcheck-suppress uninitvar; escape() has filled so much of it */
	memcpy(waiting.text + waiting.length, line, length);
	waiting.length += length;
	if (!state.held || level <= LOG_LEVEL_WARNING || state.level >= LOG_LEVEL_DEBUG)
		log_flush();
}

static void emit_record(enum log_level level, const struct log_about *about, const char *message)
{
	char text[LOG_LINE], record[LOG_LINE + LOG_FIELDS];
	size_t n = escape(text, sizeof(text), message);
	struct log_about all = about ? *about : (struct log_about){0};

	if (!all.terminal)
		all.terminal = state.nai;
	put_line(level, record,
		 log_journal_record(record, sizeof(record), level, state.ident, &all, text, n));
}

static void emit(enum log_level level, const struct log_about *about, const char *message)
{
	char line[LOG_LINE];
	size_t n = 0;

	if (state.native) {
		emit_record(level, about, message);
		return;
	}
	if (state.target != LOG_TO_SYSLOG)
		n = line_head(line, sizeof(line), level);
	n += escape(line + n, sizeof(line) - n - 1, message);
	if (state.target == LOG_TO_SYSLOG) {
		syslog((int)level, "%.*s", (int)n, line);
		return;
	}
	line[n++] = '\n';
	put_line(level, line, n);
}

static void vmessage(enum log_level level, const struct log_about *about, const char *format,
		     va_list ap) LOG_PRINTF(3, 0);

static void vmessage(enum log_level level, const struct log_about *about, const char *format,
		     va_list ap)
{
	char message[LOG_LINE];
	int saved = errno;

	if (level <= state.level) {
		vsnprintf(message, sizeof(message), format, ap);
		emit(level, about, message);
	}
	errno = saved;
}

void log_event(enum log_level level, const struct log_about *about, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vmessage(level, about, format, ap);
	va_end(ap);
}

void log_error(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vmessage(LOG_LEVEL_ERROR, NULL, format, ap);
	va_end(ap);
}

void log_warnx(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vmessage(LOG_LEVEL_WARNING, NULL, format, ap);
	va_end(ap);
}

void log_notice(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vmessage(LOG_LEVEL_NOTICE, NULL, format, ap);
	va_end(ap);
}

void log_info(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vmessage(LOG_LEVEL_INFO, NULL, format, ap);
	va_end(ap);
}

void log_debug(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vmessage(LOG_LEVEL_DEBUG, NULL, format, ap);
	va_end(ap);
}

static void warn_with(int error, const char *format, va_list ap) LOG_PRINTF(2, 0);

static void warn_with(int error, const char *format, va_list ap)
{
	char message[LOG_LINE];
	int saved = errno;

	if (state.level >= LOG_LEVEL_WARNING) {
		vsnprintf(message, sizeof(message), format, ap);
		log_warnx("%s: %s", message, strerror(error));
	}
	errno = saved;
}

void log_warn(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	warn_with(errno, format, ap);
	va_end(ap);
}

void log_warn_errno(int error, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	warn_with(error < 0 ? -error : error, format, ap);
	va_end(ap);
}

bool log_allow(struct log_limit *limit, usec_t now)
{
	bool allowed = bucket_take(&limit->bucket, LOG_LIMIT_BURST,
				   60 * USEC_PER_SEC / LOG_LIMIT_PER_MINUTE, now);

	if (!allowed)
		limit->suppressed++;
	return allowed;
}

/* log_allow(), and what was not allowed before is told. */
static bool remote_allowed(struct log_limit *limit, usec_t now)
{
	if (!log_allow(limit, now))
		return false;
	if (limit->suppressed) {
		log_warnx("%lu similar messages suppressed", limit->suppressed);
		limit->suppressed = 0;
	}
	return true;
}

void log_remote(struct log_limit *limit, usec_t now, const char *format, ...)
{
	va_list ap;

	if (!remote_allowed(limit, now))
		return;
	va_start(ap, format);
	vmessage(LOG_LEVEL_WARNING, NULL, format, ap);
	va_end(ap);
}

void log_remote_event(struct log_limit *limit, usec_t now, const struct log_about *about,
		      const char *format, ...)
{
	va_list ap;

	if (!remote_allowed(limit, now))
		return;
	va_start(ap, format);
	vmessage(LOG_LEVEL_WARNING, about, format, ap);
	va_end(ap);
}

void log_transition(const char *what, const char *old_state, const char *new_state,
		    const char *reason)
{
	log_transition_event(NULL, what, old_state, new_state, reason);
}

void log_transition_event(const struct log_about *about, const char *what, const char *old_state,
			  const char *new_state, const char *reason)
{
	if (strcmp(old_state, new_state) == 0)
		return;
	log_event(LOG_LEVEL_INFO, about, "%s: %s -> %s%s%s", what, old_state, new_state,
		  reason ? ", " : "", reason ? reason : "");
}
