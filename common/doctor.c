/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Findings; see doctor.h. */
#include "doctor.h"

#include <stdarg.h>
#include <stdio.h>

#include "keys.h"

const char *doctor_state_name(enum doctor_state state)
{
	static const char *const names[] = {"good", "warning", "wrong"};

	return names[state];
}

void doctor_begin(struct control_reply *reply)
{
	control_columns(reply, "check", "state", "found", "advice", NULL);
}

void doctor_row(struct control_reply *reply, const char *check, enum doctor_state state,
		const char *advice, const char *found, ...)
{
	char text[300];
	va_list ap;

	va_start(ap, found);
	vsnprintf(text, sizeof(text), found, ap);
	va_end(ap);
	control_row(reply, "s s s s?", check, doctor_state_name(state), text, advice);
}

void doctor_key_file(struct control_reply *reply, const char *check, const char *path,
		     const unsigned char *in_use)
{
	uint8_t key[KEY_LENGTH];
	int err = keys_read_file(path, key);

	if (err)
		doctor_row(reply, check, DOCTOR_WRONG,
			   "mend the file: the next start or reload will fail", "%s: %s", path,
			   keys_file_advice(err));
	else if (in_use && !keys_equal(key, in_use, sizeof(key)))
		doctor_row(reply, check, DOCTOR_WRONG,
			   "put the old key back, or restart, and tell others the new public key",
			   "%s: another key than the one in use", path);
	else
		doctor_row(reply, check, DOCTOR_GOOD, NULL, "%s", path);
	keys_wipe(key, sizeof(key));
}
