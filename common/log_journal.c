/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages to the journal with fields of their own: its native protocol, a datagram of lines
 * FIELD=VALUE on a socket that always has the same name (systemd's "Native Journal Protocol"). No
 * value here has a newline in it, so the form for such values is not needed.
 */
#define _GNU_SOURCE /* memmem */
#include "log_event.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define JOURNAL "/run/systemd/journal/socket"

static int journal = -1;

static const struct {
	enum log_event event;
	const char *id;
} ids[] = {
	{LOG_EVENT_STARTED, "8dba90466d6b4fd4b65ba8b761f07f09"},
	{LOG_EVENT_STOPPED, "42beff540e134aa5bb75398978e8f35d"},
	{LOG_EVENT_RELOADED, "2e50cf0e95ae4b96a3b1b37aebbea395"},
	{LOG_EVENT_RELOAD_REFUSED, "60dce345641b4b8284f374be561cc373"},
	{LOG_EVENT_SERVED, "56a5e68c02b841b7988bf56790ad58af"},
	{LOG_EVENT_HANDOVER, "e4d32a2fc7554bdd916ce1babf883d84"},
	{LOG_EVENT_REGISTERED, "228095b3b51e4c6d80dfc0230f975e03"},
	{LOG_EVENT_REFUSED, "ef7b0d5042f84079aa27ad64da0aff69"},
	{LOG_EVENT_STATE, "930b1ed3e0c84303b466ec3df74b6d3a"},
	{LOG_EVENT_PEER_UP, "fa71e21d511a4bfb8fdcae8708f3c022"},
	{LOG_EVENT_PEER_DOWN, "bd1cf4a990af4f7b90d84e0ea0125499"},
	{LOG_EVENT_PEER_CHANGED, "89a636ee2fdd478ebb9b3e769d0f1324"},
	{LOG_EVENT_ASSOCIATION, "f5ae55021933467987eec893375c3d46"},
	{LOG_EVENT_LINK_READY, "0d5e4d6241c94e359de0b88b98f7fae3"},
	{LOG_EVENT_LINK_LOST, "6271d9bcb04847a38b010a8988c762a9"},
};

#define IDS (sizeof(ids) / sizeof(ids[0]))
_Static_assert(IDS == LOG_EVENTS - 1, "each event has its MESSAGE_ID");

const char *log_event_id(enum log_event event)
{
	for (size_t i = 0; i < IDS; i++)
		if (ids[i].event == event)
			return ids[i].id;
	return NULL;
}

void log_journal_close(void)
{
	if (journal >= 0)
		close(journal);
	journal = -1;
}

int log_journal_open(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	log_journal_close();
	if (!path)
		path = JOURNAL;
	if (strlen(path) >= sizeof(address.sun_path))
		return -EINVAL;
	strcpy(address.sun_path, path);
	journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (journal < 0)
		return -errno;
	if (connect(journal, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		int err = -errno;

		log_journal_close();
		return err;
	}
	return 0;
}

/* Adds a field unless it does not fit, or does not apply. What would end the line becomes '?'. */
static size_t add(char *out, size_t size, size_t n, const char *name, const char *value)
{
	size_t need = value ? strlen(name) + strlen(value) + 2 : 0;

	if (!value || !*value || n + need >= size)
		return n;
	snprintf(out + n, size - n, "%s=%s\n", name, value);
	for (char *p = out + n; p < out + n + need - 1; p++)
		if (*p == '\n')
			*p = '?';
	return n + need;
}

size_t log_journal_record(char *out, size_t size, enum log_level level, const char *ident,
			  const struct log_about *about, const char *text, size_t length)
{
	size_t n = (size_t)snprintf(out, size, "PRIORITY=%d\nMESSAGE=%.*s\n", (int)level,
				    (int)length, text);

	n = add(out, size, n, "SYSLOG_IDENTIFIER", ident);
	if (about) {
		n = add(out, size, n, "MESSAGE_ID", log_event_id(about->event));
		n = add(out, size, n, "TERMINAL", about->terminal);
		n = add(out, size, n, "PEER", about->peer);
		n = add(out, size, n, "SATELLITE", about->satellite);
	}
	return n;
}

/* "<6>text", as journald takes it from a stream. */
static void send_line(const char *record, size_t length)
{
	static const char priority[] = "PRIORITY=", message[] = "\nMESSAGE=";
	const char *text = memmem(record, length, message, sizeof(message) - 1);
	const char *end;

	if (!text)
		return;
	text += sizeof(message) - 1;
	end = memchr(text, '\n', length - (size_t)(text - record));
	dprintf(STDERR_FILENO, "<%c>%.*s\n", record[sizeof(priority) - 1], (int)(end - text), text);
}

void log_journal_send(const char *record, size_t length)
{
	if (send(journal, record, length, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		send_line(record, length);
}
