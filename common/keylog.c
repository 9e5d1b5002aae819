/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines for a protocol analyser, in a lab; see keylog.h. */
#include "keylog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

#define VARIABLE    "SNO_KEYLOGFILE"
#define HEX	    (2 * KEY_LENGTH + 1)
#define LINE_LENGTH 160

static int file = -1;

/* What systemd, and whoever is like it, sets for what it starts. */
static bool managed(void)
{
	return getenv("NOTIFY_SOCKET") || getenv("INVOCATION_ID");
}

int keylog_open(void)
{
	const char *path = getenv(VARIABLE);

	if (!path || !path[0])
		return 0;
	if (managed()) {
		log_error("%s is set: keys are written in labs only, never by a service", VARIABLE);
		return -EPERM;
	}
	file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (file < 0) {
		int error = -errno;

		log_error("%s=%s cannot be written: %s", VARIABLE, path, strerror(-error));
		return error;
	}
	log_warnx("all keys are written to %s: who reads it can read and forge everything", path);
	return 0;
}

void keylog_close(void)
{
	if (file >= 0)
		close(file);
	file = -1;
}

/* In one piece: several daemons may write to the same file. */
static void print_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void print_line(const char *format, ...)
{
	char line[LINE_LENGTH];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	if (write(file, line, (size_t)length) != length) {
		log_warnx("%s cannot be written any more", VARIABLE);
		keylog_close();
	}
	keys_wipe(line, sizeof(line));
}

static const char *hex(char text[HEX], const uint8_t key[KEY_LENGTH])
{
	for (size_t i = 0; i < KEY_LENGTH; i++)
		snprintf(text + 2 * i, 3, "%02x", (unsigned int)key[i]);
	return text;
}

void keylog_sealed(uint32_t receiver_index, const uint8_t key[KEY_LENGTH])
{
	char text[HEX];

	if (file < 0)
		return;
	print_line("SEALED %08x %s\n", (unsigned int)receiver_index, hex(text, key));
	keys_wipe(text, sizeof(text));
}

void keylog_noise(const uint8_t ephemeral[KEY_LENGTH], const uint8_t key[KEY_LENGTH])
{
	char name[HEX], text[HEX];

	if (file < 0)
		return;
	print_line("NOISE %s %s\n", hex(name, ephemeral), hex(text, key));
	keys_wipe(text, sizeof(text));
}
