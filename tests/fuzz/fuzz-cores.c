/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: two core agents with terminals, losses and kernels that refuse between them. The
 * input is what happens, step by step; tests/unit/duo.c says how, and what must hold.
 */
#include "core-agent/core.h"
#include "tests/unit/duo.h"
#include "tests/unit/kernel_fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct duo_figures figures = {0};

	if (size > 0)
		duo_play(data + 1, size - 1, data[0] & DUO_ALL, &figures);
	return 0;
}
