/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file that others read while it is written anew: it has the old content or the new one. */
#ifndef SNO_PLAN_OUTPUT_H
#define SNO_PLAN_OUTPUT_H

#include <stddef.h>

/*
 * Writes a text to a file ("-": standard output) by writing it beside that, to disk, and then
 * putting it in its place; into what is there and no regular file (a pipe, a terminal) as it is.
 * 0, or -errno, and a file has the old content.
 */
int output_write(const char *path, const char *text, size_t length);

#endif
