/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: frames of the access side. What parses lies within the octets that were given, and
 * building it again gives the same frame, its checksum apart.
 */
#include <stdlib.h>
#include <string.h>

#include "frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *octets = malloc(size + 1), *again;
	struct frame f, back;
	int length;

	require(octets != NULL);
	memcpy(octets, data, size);
	if (frame_parse(&f, octets, size) == 0) {
		require(f.payload >= octets && f.payload + f.length <= octets + size);
		again = malloc(FRAME_OVERHEAD + f.length);
		require(again != NULL);
		require(frame_build(&f, again, FRAME_OVERHEAD + f.length - 1) < 0);
		length = frame_build(&f, again, FRAME_OVERHEAD + f.length);
		require(length >= 0 && (size_t)length == FRAME_OVERHEAD + f.length);
		require(frame_parse(&back, again, (size_t)length) == 0);
		require(back.length == f.length && back.sport == f.sport && back.dport == f.dport);
		require(back.hop_limit == f.hop_limit);
		require(lladdr_equal(&back.src, &f.src) && lladdr_equal(&back.dst, &f.dst));
		require(addr_equal(&back.ip_src, &f.ip_src) && addr_equal(&back.ip_dst, &f.ip_dst));
		require(memcmp(back.payload, f.payload, f.length) == 0);
		/* Addresses, ports and all that is behind them are where they were. */
		require(memcmp(again + 20, octets + 20, 40) == 0);
		free(again);
	}
	free(octets);
	return 0;
}
