/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * make-corpus VECTORS DIR: writes seed inputs of fuzz targets.
 *
 * VECTORS is tests/vectors/datagrams.json. Each of its messages and drops becomes one file in
 * DIR/fuzz-message.corpus; fuzz-access, fuzz-core and fuzz-frame get the scripts below. DIR is
 * tests/fuzz in the source tree. Exit status: 0 written, 1 not, 2 usage.
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

/* Operations that fuzz-access.c and fuzz-core.c explain, and frames. */
static const struct {
	const char *target;
	const char *name;
	const char *octets;
} scripts[] = {
	{"fuzz-access", "one each way", "000102000300"},
	{"fuzz-access", "replayed", "0000000002000200020102020203"},
	{"fuzz-access", "reordered", "00000001010102030202020102000303030203010300"},
	{"fuzz-access", "damaged", "0001040010010401ff8004000704050100800500ff01"},
	{"fuzz-access", "registration", "08090001010003010302"},
	{"fuzz-access", "registration damaged", "080a09100a2005090a0001"},
	{"fuzz-access", "shape of a sealed datagram",
	 "061803010000a0b0c0d000000000000000000000000000000000"},
	{"fuzz-access", "head alone", "060803010000a0b0c0d0"},
	{"fuzz-access", "sealed message", "07083201000000000001"},
	{"fuzz-access", "sealed garbage", "070b32010000000000017f0000"},
	{"fuzz-access", "short proof", "0b0000000b0000010b007d800b001cff"},
	{"fuzz-access", "shape of a short proof",
	 "0c1b2101000000000001"
	 "2a0010000102030405060708090a0b0c0d0e0f0c132a0010000102030405060708090a0b0c0d0e0f"},
	{"fuzz-access", "everything", "00010801020003000900040010010708320100000000000102010301"},
	{"fuzz-frame", "hello",
	 "33336276000102000000010186dd60000000000d11fffe80000000000000000000fffe000101ff02000000000"
	 "000000000006276000118841884000d2afe68656c6c6f"},
	{"fuzz-frame", "padded",
	 "33336276000102000000010186dd60000000000d11fffe80000000000000000000fffe000101ff02000000000"
	 "000000000006276000118841884000d2afe68656c6c6f0000000000000000000000000000000000000000"},
	{"fuzz-frame", "cut",
	 "33336276000102000000010186dd60000000000d11fffe80000000000000000000fffe000101ff02000000000"
	 "000000000006276000118841884000d2afe68"},
	{"fuzz-frame", "lengths differ",
	 "33336276000102000000010186dd60000000000d11fffe80000000000000000000fffe000101ff02000000000"
	 "000000000006276000118841884000c2afe68656c6c6f"},
	{"fuzz-frame", "tcp",
	 "33336276000102000000010186dd60000000000d06fffe80000000000000000000fffe000101ff02000000000"
	 "000000000006276000118841884000d2afe68656c6c6f"},
	{"fuzz-frame", "ipv4",
	 "333362760001020000000101080045000000000d11fffe80000000000000000000fffe000101ff02000000000"
	 "000000000006276000118841884000d2afe68656c6c6f"},
	{"fuzz-core", "visit", "0000"},
	{"fuzz-core", "at home", "0200"},
	{"fuzz-core", "both and away", "00000200040760010400"},
	{"fuzz-core", "satellite change", "000000010000"},
	{"fuzz-core", "disconnect", "00000600"},
	{"fuzz-core", "deregister", "00000602"},
	{"fuzz-core", "unanswered tunnel request", "080100000407"},
	{"fuzz-core", "answered late", "080100000900"},
	{"fuzz-core", "two attempts", "0801000000010901"},
	{"fuzz-core", "two authentications", "0802000000010901090004030900"},
	{"fuzz-core", "released", "00000a1004030407"},
	{"fuzz-core", "released and back", "00000a100001"},
	{"fuzz-core", "home restarts", "00000b000000"},
	{"fuzz-core", "home without common kind", "00000b0300000b000000"},
	{"fuzz-core", "ipip", "0b020000"},
	{"fuzz-core", "subscriber visits", "0c000c02"},
	{"fuzz-core", "subscriber goes round", "02000c000c020c010c030200"},
	{"fuzz-core", "refused at each step", "0500000005010000050200000503000005040000"},
	{"fuzz-core", "reload", "000002000d010d020d030d040d050d060d070d00"},
	{"fuzz-core", "restart", "000002000d80040604060000"},
	{"fuzz-core", "bridge removed", "000002000e04040304030e050403"},
	{"fuzz-core", "port removed", "00000e030e010e81"},
	{"fuzz-core", "tunnel removed", "00000e0e0404"},
	{"fuzz-core", "borrowed address", "00000f81020002010f80"},
	{"fuzz-core", "garbled", "00000f030f130f230f33"},
	{"fuzz-core", "home cut off", "00000840040600000800"},
	{"fuzz-core", "lifetime", "000002000407040704ff"},
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
			write_input(top, scripts[i].target, scripts[i].name, input, (size_t)length);
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
