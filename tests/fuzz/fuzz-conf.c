/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any text as a configuration: read, or refused with at least one fault; and what was read prints
 * so that it reads again to the same.
 */
#define _GNU_SOURCE /* memfd_create */
#include <stdlib.h>

#include "../unit/sample_config.h"
#include "file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libconfig 1.5 loses the last string it scanned before a syntax error. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig";
}

static void count(void *arg, const char *message)
{
	if (*message)
		++*(size_t *)arg;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sample_config config, again;
	size_t faults = 0, length;
	char *text, path[FILE_PATH];
	FILE *out;
	int fd = file_of(data, size, path);

	if (conf_load(&sample_schema, path, &config, count, &faults) == 0)
		conf_free(&sample_schema, &config);
	else if (!faults)
		abort();
	close(fd);
	faults = 0;

	if (conf_load_text(&sample_schema, "fuzz", (const char *)data, size, &config, count,
			   &faults) < 0) {
		if (!faults)
			abort();
		return 0;
	}
	if (faults)
		abort();
	out = open_memstream(&text, &length);
	if (!out)
		abort();
	conf_print(out, &sample_schema, &config);
	fclose(out);
	if (conf_load_text(&sample_schema, "again", text, length, &again, conf_report_file,
			   stderr) < 0 ||
	    !conf_equal(&sample_schema, &config, &again))
		abort();
	free(text);
	conf_free(&sample_schema, &config);
	conf_free(&sample_schema, &again);
	return 0;
}
