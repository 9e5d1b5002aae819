/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * make-corpus VECTORS DIR: writes the seed inputs of fuzz-message and fuzz-access.
 *
 * VECTORS is tests/vectors/datagrams.json. Each of its messages and drops becomes one file in
 * DIR/fuzz-message.corpus; DIR/fuzz-access.corpus gets the scripts below. DIR is tests/fuzz in the
 * source tree. Exit status: 0 written, 1 not, 2 usage.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#include "message.h"
#include "tests/hex.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* In the order of the bits of enum message_place, by which fuzz-message selects. */
static const char *const places[] = {"core",	 "access",     "clear",	      "hello",
				     "identity", "assignment", "registration"};

/* Operations of fuzz-access.c, which explains them. */
static const struct {
	const char *name;
	const char *octets;
} scripts[] = {
	{"one each way", "000102000300"},
	{"replayed", "0000000002000200020102020203"},
	{"reordered", "00000001010102030202020102000303030203010300"},
	{"damaged", "0001040010010401ff8004000704050100800500ff01"},
	{"registration", "08090001010003010302"},
	{"registration damaged", "080a09100a2005090a0001"},
	{"shape of a sealed datagram", "061803010000a0b0c0d000000000000000000000000000000000"},
	{"head alone", "060803010000a0b0c0d0"},
	{"sealed message", "07083201000000000001"},
	{"sealed garbage", "070b32010000000000017f0000"},
	{"everything", "00010801020003000900040010010708320100000000000102010301"},
};

static bool write_input(const char *top, const char *target, const char *name, const void *bytes,
			size_t length)
{
	char path[512];
	size_t at = (size_t)snprintf(path, sizeof(path), "%s/%s.corpus", top, target);
	FILE *file;

	mkdir(path, 0777);
	path[at++] = '/';
	for (; *name && at < sizeof(path) - 1; name++)
		if (*name != ',')
			path[at++] = strchr(" +", *name) ? '-' : *name;
	path[at] = '\0';
	file = fopen(path, "wb");
	if (file && fwrite(bytes, 1, length, file) == length && fclose(file) == 0)
		return true;
	fprintf(stderr, "make-corpus: %s: %s\n", path, strerror(errno));
	return false;
}

/* One message or drop, behind the number of its place. */
static bool write_message(const char *top, const json_t *vector)
{
	const char *name = json_string_value(json_object_get(vector, "name"));
	const char *place = json_string_value(json_object_get(vector, "place"));
	const char *octets = json_string_value(json_object_get(vector, "octets"));
	uint8_t input[1 + SNO_DATAGRAM_MAX + 1];
	ssize_t length = octets ? hex_decode(input + 1, sizeof(input) - 1, octets) : -EINVAL;

	for (input[0] = 0; name && place && length >= 0 && input[0] < COUNT(places); input[0]++)
		if (strcmp(places[input[0]], place) == 0)
			return write_input(top, "fuzz-message", name, input, (size_t)length + 1);
	fprintf(stderr, "make-corpus: %s: incomplete\n", name ? name : "a vector without a name");
	return false;
}

static bool write_messages(const char *top, const json_t *list)
{
	bool good = json_array_size(list) > 0;

	for (size_t i = 0; i < json_array_size(list); i++)
		good &= write_message(top, json_array_get(list, i));
	return good;
}

static bool write_scripts(const char *top)
{
	bool good = true;

	for (size_t i = 0; i < COUNT(scripts); i++) {
		uint8_t input[256];
		ssize_t length = hex_decode(input, sizeof(input), scripts[i].octets);

		good &= length > 0 &&
			write_input(top, "fuzz-access", scripts[i].name, input, (size_t)length);
	}
	return good;
}

int main(int argc, char **argv)
{
	json_error_t error;
	json_t *vectors;
	bool good;

	if (argc != 3) {
		fprintf(stderr, "usage: make-corpus tests/vectors/datagrams.json tests/fuzz\n");
		return 2;
	}
	vectors = json_load_file(argv[1], 0, &error);
	if (!vectors) {
		fprintf(stderr, "make-corpus: %s:%d: %s\n", argv[1], error.line, error.text);
		return 1;
	}
	good = write_messages(argv[2], json_object_get(vectors, "messages"));
	good &= write_messages(argv[2], json_object_get(vectors, "dropped"));
	good &= write_scripts(argv[2]);
	json_decref(vectors);
	return good ? 0 : 1;
}
