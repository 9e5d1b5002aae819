/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any line as a request: the answer is always an object that says ok or why not. And any JSON as an
 * answer or event: snoctl shows it without falling over, and lets no control character through to
 * the terminal.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "snoctl_show.c" /* belongs to the program, not to libsno */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int echo(void *arg, const json_t *request, struct control_reply *reply)
{
	const char *text = control_argument(request, "text");

	(void)arg;
	if (!text)
		return control_refuse(reply, -1, "no text in %zu members",
				      json_object_size(request));
	control_text(reply, "%s", text);
	control_field(reply, text, "ms", json_deep_copy(request));
	control_columns(reply, "a", text, NULL);
	control_row(reply, "s O", text, request);
	return 0;
}

static const struct control_command commands[] = {{"echo", echo, "gives back"}, {0}};

static void show(const json_t *value)
{
	struct snoctl_table table = {0};
	size_t length = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		abort();
	snoctl_show(out, value, &table);
	snoctl_show(out, value, &table); /* the next part of it */
	snoctl_show_event(out, value);
	fclose(out);
	for (size_t i = 0; i < length; i++) {
		if (((unsigned char)text[i] < 0x20 && text[i] != '\n') || text[i] == 0x7f)
			abort();
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct control *control = control_detached(commands, NULL);
	json_t *answer, *value;

	if (!control)
		abort();
	answer = control_serve(control, (const char *)data, size);
	if (!json_is_boolean(json_object_get(answer, "ok")))
		abort();
	if (json_is_false(json_object_get(answer, "ok")) && !control_argument(answer, "error"))
		abort();
	show(answer);
	json_decref(answer);
	value = json_loadb((const char *)data, size, JSON_DECODE_ANY, NULL);
	show(value);
	json_decref(value);
	control_close(control);
	return 0;
}
