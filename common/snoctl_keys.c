/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys on the command line, as wg(8) has them: the same text, the same warning, the same
 * strictness, so that whoever deploys WireGuard needs to learn nothing.
 */
#include <ctype.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys.h"
#include "snoctl.h"

static int print_key(const uint8_t key[KEY_LENGTH])
{
	char text[KEY_TEXT];
	bool good = puts(keys_encode(text, key)) >= 0 && fflush(stdout) == 0;

	keys_wipe(text, sizeof(text));
	if (!good)
		fprintf(stderr, "snoctl: the key could not be written\n");
	return good ? SNOCTL_GOOD : SNOCTL_FAILED;
}

static void warn_world_accessible(void)
{
	struct stat st;

	if (fstat(STDOUT_FILENO, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & S_IRWXO))
		fputs("Warning: writing to world accessible file.\n"
		      "Consider setting the umask to 077 and trying again.\n",
		      stderr);
}

static int print_secret(void (*generate)(uint8_t *))
{
	uint8_t key[KEY_LENGTH];
	int status;

	warn_world_accessible();
	generate(key);
	status = print_key(key);
	keys_wipe(key, sizeof(key));
	return status;
}

int snoctl_genkey(void)
{
	return print_secret(keys_generate);
}

int snoctl_genpsk(void)
{
	return print_secret(keys_generate_psk);
}

/* Exactly one key and white space after it. */
static bool read_key(uint8_t key[KEY_LENGTH])
{
	static const char malformed[] = "snoctl: Key is not the correct length or format\n";
	char text[KEY_TEXT] = "";
	bool good = fread(text, 1, KEY_TEXT - 1, stdin) == KEY_TEXT - 1;
	int c;

	while (good && (c = getc(stdin)) != EOF) {
		if (c && !isspace(c)) {
			fputs("snoctl: Trailing characters found after key\n", stderr);
			keys_wipe(text, sizeof(text));
			return false;
		}
	}
	good = good && keys_decode(key, text) == 0;
	if (!good)
		fputs(malformed, stderr);
	keys_wipe(text, sizeof(text));
	return good;
}

int snoctl_pubkey(void)
{
	uint8_t private[KEY_LENGTH], public[KEY_LENGTH];
	bool good;

	(void)setvbuf(stdin, NULL, _IONBF, 0); /* leaves no copy of the key in stdio's buffer */
	good = read_key(private);
	if (good)
		keys_public(public, private);
	keys_wipe(private, sizeof(private));
	return good ? print_key(public) : SNOCTL_FAILED;
}
