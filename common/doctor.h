/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rows of `snoctl doctor`: what was looked at, how it is, what was found, and what to do. A
 * daemon looks at what it alone knows (its command `doctor`), snoctl at the host.
 */
#ifndef SNO_DOCTOR_H
#define SNO_DOCTOR_H

#include "control.h"

enum doctor_state {
	DOCTOR_GOOD,
	DOCTOR_WARNING, /* works, but not as well as it could, or not for everything */
	DOCTOR_WRONG	/* somebody is not served for it */
};

/* "good", "warning", "wrong". */
const char *doctor_state_name(enum doctor_state state);

/* The columns; then rows. */
void doctor_begin(struct control_reply *reply);
/* advice is what to do, NULL where it is good. */
void doctor_row(struct control_reply *reply, const char *check, enum doctor_state state,
		const char *advice, const char *found, ...) __attribute__((format(printf, 5, 6)));

/* A key file: still there, for nobody else, and with the key that is in use (NULL: any). */
void doctor_key_file(struct control_reply *reply, const char *check, const char *path,
		     const unsigned char *in_use);

#endif
