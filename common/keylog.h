/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The key log: the keys of sealed datagrams, written for a protocol analyser (scripts/wireshark).
 *
 * For labs only. It is written when SNO_KEYLOGFILE names a file as the daemon starts; a daemon that
 * a service manager has started refuses to start with it. Who can read the file can read all
 * signalling, and with the access keys take over registrations.
 *
 * Lines of text, keys and names in hexadecimal:
 *
 *	SEALED <receiver index> <key>      sealed datagrams to it, and SEALED of registration done
 *	NOISE <ephemeral key> <key>        the payload of the Noise message that begins with it
 */
#ifndef SNO_KEYLOG_H
#define SNO_KEYLOG_H

#include "keys.h"

#include <stdint.h>

/*
 * Opens the file that SNO_KEYLOGFILE names and says so aloud; without the variable nothing is ever
 * written. 0; -EPERM under a service manager, or -errno of the file, logged.
 */
int keylog_open(void);
void keylog_close(void);

/* One line each, when the log is open; a line that cannot be written is reported once. */
void keylog_sealed(uint32_t receiver_index, const uint8_t key[KEY_LENGTH]);
void keylog_noise(const uint8_t ephemeral[KEY_LENGTH], const uint8_t key[KEY_LENGTH]);

#endif
