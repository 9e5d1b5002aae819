/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text of a configuration, before libconfig sees it.
 *
 * libconfig 1.5 has three habits that an administrator must not meet: it opens whatever @include
 * names (a FIFO stops the daemon), it cuts a string at \x00, and a number that does not fit 32 bits
 * silently becomes another one unless it is written with an L. So the text is read here: only
 * regular files of bounded size; includes are joined in, and for each line it is remembered where
 * it came from; numbers get the L they need or are refused.
 */
#define _GNU_SOURCE /* asprintf */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf_private.h"

/* The lexical place inside one file. */
enum place { PLACE_CODE, PLACE_STRING, PLACE_BLOCK_COMMENT, PLACE_LINE_COMMENT };

struct scan {
	struct conf_source *source;
	struct conf_faults *faults;
	const char *path; /* NULL: the text is not a file, and may not include any */
	int depth;
	size_t file;	   /* index of this file */
	unsigned int line; /* in this file */
	enum place place;
	unsigned int opened; /* joined line where the string or comment began */
	bool line_start;     /* only blanks so far on this line */
	const char *p, *end;
};

static int source_join(struct conf_source *source, const char *path, int depth,
		       struct conf_faults *faults);

/* --- building the joined text --- */

static int append(struct conf_source *s, const char *bytes, size_t n)
{
	if (n > CONF_FILE_MAX || s->length + n > CONF_FILE_MAX)
		return -EFBIG;
	if (s->length + n + 1 > s->room) {
		size_t room = (s->length + n + 1) * 2;
		char *text = realloc(s->text, room);

		if (!text)
			return -ENOMEM;
		s->text = text;
		s->room = room;
	}
	memcpy(s->text + s->length, bytes, n);
	s->length += n;
	s->text[s->length] = '\0';
	return 0;
}

static int add_file(struct conf_source *s, const char *name, size_t *index)
{
	char **files = realloc(s->files, (s->file_count + 1) * sizeof(*files));

	if (!files)
		return -ENOMEM;
	s->files = files;
	files[s->file_count] = strdup(name);
	if (!files[s->file_count])
		return -ENOMEM;
	*index = s->file_count++;
	return 0;
}

/* From the current line of the joined text on, lines come from this file, beginning at this line.
 */
static int add_stretch(struct conf_source *s, size_t file, unsigned int line)
{
	struct conf_stretch *stretches =
		realloc(s->stretches, (s->stretch_count + 1) * sizeof(*stretches));

	if (!stretches)
		return -ENOMEM;
	s->stretches = stretches;
	stretches[s->stretch_count++] = (struct conf_stretch){s->line, file, line};
	return 0;
}

const char *conf_source_place(const struct conf_source *source, unsigned int line,
			      unsigned int *file_line)
{
	size_t low = 0, high = source->stretch_count;

	while (high - low > 1) {
		size_t middle = (low + high) / 2;

		if (source->stretches[middle].first <= line)
			low = middle;
		else
			high = middle;
	}
	if (!source->stretch_count || line < source->stretches[low].first) {
		*file_line = 0;
		return source->file_count ? source->files[0] : "";
	}
	*file_line = line - source->stretches[low].first + source->stretches[low].line;
	return source->files[source->stretches[low].file];
}

void conf_source_free(struct conf_source *source)
{
	for (size_t i = 0; i < source->file_count; i++)
		free(source->files[i]);
	free(source->files);
	free(source->stretches);
	free(source->text);
	memset(source, 0, sizeof(*source));
}

/* --- numbers --- */

static bool name_byte(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '*';
}

/*
 * A number begins at p. Appends it, with the L that libconfig needs when it is wider than 32 bits.
 * Follows the scanner's longest match: hexadecimal, then decimal with fraction or exponent, then
 * whole.
 */
static int scan_number(struct scan *scan)
{
	const char *start = scan->p, *p = start, *digits;
	unsigned long long value;
	bool hex, suffixed = false;
	char number[32];
	int err;

	if (*p == '-' || *p == '+')
		p++;
	hex = p == start && scan->end - p > 2 && p[0] == '0' && (p[1] == 'x' || p[1] == 'X') &&
	      isxdigit((unsigned char)p[2]);
	if (hex)
		p += 2;
	digits = p;
	while (p < scan->end && (hex ? isxdigit((unsigned char)*p) : isdigit((unsigned char)*p)))
		p++;
	if (!hex && p < scan->end && (*p == '.' || *p == 'e' || *p == 'E')) {
		/* A number with a fraction: the value is checked for being finite later. */
		while (p < scan->end && (isdigit((unsigned char)*p) || *p == '.'))
			p++;
		scan->p = p;
		return append(scan->source, start, (size_t)(p - start));
	}
	if (p == digits) { /* a sign alone: libconfig says what it thinks of that */
		scan->p = p;
		return append(scan->source, start, (size_t)(p - start));
	}
	while (p < scan->end && *p == 'L') {
		suffixed = true;
		p++;
	}
	scan->p = p;
	while (*digits == '0' && digits + 1 < scan->end && isxdigit((unsigned char)digits[1]))
		digits++;
	snprintf(number, sizeof(number), "%.*s", (int)(p - digits < 31 ? p - digits : 31), digits);
	errno = 0;
	value = strtoull(number, NULL, hex ? 16 : 10);
	if (errno || value > LLONG_MAX)
		conf_faults_add(scan->faults, scan->source->line,
				"number %.*s is out of range: it must fit 64 bits",
				(int)(p - start < 40 ? p - start : 40), start);
	err = append(scan->source, start, (size_t)(p - start));
	if (!err && !suffixed && value > INT_MAX)
		err = append(scan->source, "L", 1);
	return err;
}

/* --- includes --- */

/* `path` as seen from the directory of the including file. */
static char *beside(const char *including, const char *path)
{
	const char *slash = strrchr(including, '/');
	char *joined;

	if (path[0] == '/' || !slash)
		return strdup(path);
	if (asprintf(&joined, "%.*s/%s", (int)(slash - including), including, path) < 0)
		return NULL;
	return joined;
}

/*
 * At the start of a line: joins in the file if this is an @include. 1 when it was, 0 when not.
 */
static int scan_include(struct scan *scan)
{
	static const char word[] = "@include";
	const char *p = scan->p, *name, *close;
	char *text, *path;
	int err;

	if ((size_t)(scan->end - p) < sizeof(word) || strncmp(p, word, sizeof(word) - 1) != 0)
		return 0;
	p += sizeof(word) - 1;
	while (p < scan->end && (*p == ' ' || *p == '\t'))
		p++;
	name = p + 1;
	close = p < scan->end && *p == '"' ? memchr(name, '"', (size_t)(scan->end - name)) : NULL;
	if (!close || close == name || memchr(name, '\n', (size_t)(close - name))) {
		conf_faults_add(scan->faults, scan->source->line,
				"write @include \"FILE\" on a line of its own");
		return -EINVAL;
	}
	if (!scan->path) {
		conf_faults_add(scan->faults, scan->source->line,
				"@include needs a file around it");
		return -EINVAL;
	}
	text = strndup(name, (size_t)(close - name));
	path = text ? beside(scan->path, text) : NULL;
	err = path ? source_join(scan->source, path, scan->depth + 1, scan->faults) : -ENOMEM;
	free(path);
	free(text);
	scan->p = close + 1;
	if (!err) /* the rest of this line stands on a line of its own now */
		err = add_stretch(scan->source, scan->file, scan->line);
	return err ? err : 1;
}

/* --- the walk over one file --- */

static int scan_newline(struct scan *scan)
{
	scan->p++;
	scan->line++;
	scan->source->line++;
	scan->line_start = true;
	if (scan->place == PLACE_LINE_COMMENT)
		scan->place = PLACE_CODE;
	return append(scan->source, "\n", 1);
}

static int scan_code(struct scan *scan)
{
	const char *p = scan->p;
	char c = *p, next = '\0';
	int err;

	if (p + 1 < scan->end)
		next = p[1];
	if (c == '@' && scan->line_start) {
		err = scan_include(scan);
		if (err)
			return err < 0 ? err : 0;
	}
	if (c != ' ' && c != '\t')
		scan->line_start = false;
	if (c == '"' || (c == '/' && next == '*')) {
		scan->place = c == '"' ? PLACE_STRING : PLACE_BLOCK_COMMENT;
		scan->opened = scan->source->line;
		scan->p += c == '"' ? 1 : 2;
		return append(scan->source, p, c == '"' ? 1 : 2);
	}
	if (c == '#' || (c == '/' && next == '/'))
		scan->place = PLACE_LINE_COMMENT;
	else if (isdigit((unsigned char)c) || c == '-' || c == '+')
		return scan_number(scan);
	else if (isalpha((unsigned char)c) || c == '*') {
		while (p < scan->end && name_byte(*p))
			p++;
		err = append(scan->source, scan->p, (size_t)(p - scan->p));
		scan->p = p;
		return err;
	}
	scan->p++;
	return append(scan->source, &c, 1);
}

static int scan_string(struct scan *scan)
{
	const char *p = scan->p;
	size_t n = 1;

	if (*p == '\\' && p + 1 < scan->end && p[1] != '\n') {
		n = 2;
		if ((p[1] == 'x' || p[1] == 'X') && scan->end - p >= 4 && p[2] == '0' &&
		    p[3] == '0')
			conf_faults_add(scan->faults, scan->source->line,
					"a string cannot hold \\x00");
	} else if (*p == '"') {
		scan->place = PLACE_CODE;
	}
	scan->p += n;
	return append(scan->source, p, n);
}

static int scan_text(struct scan *scan)
{
	int err = 0;

	scan->line_start = true;
	while (scan->p < scan->end && !err) {
		const char *p = scan->p;

		if (*p == '\n') {
			err = scan_newline(scan);
		} else if (*p == '\0') {
			conf_faults_add(scan->faults, scan->source->line,
					"NUL byte: this is not a text file");
			return -EINVAL;
		} else if (scan->place == PLACE_CODE) {
			err = scan_code(scan);
		} else if (scan->place == PLACE_STRING) {
			err = scan_string(scan);
		} else {
			size_t n = 1;

			if (scan->place == PLACE_BLOCK_COMMENT && *p == '*' && p + 1 < scan->end &&
			    p[1] == '/') {
				scan->place = PLACE_CODE;
				n = 2;
			}
			scan->p += n;
			err = append(scan->source, p, n);
		}
	}
	if (!err && (scan->place == PLACE_STRING || scan->place == PLACE_BLOCK_COMMENT)) {
		conf_faults_add(scan->faults, scan->opened, "this %s is never closed",
				scan->place == PLACE_STRING ? "string" : "comment");
		return -EINVAL;
	}
	return err;
}

/* --- files --- */

/* The whole of a regular file of bounded size. 0 or -errno. */
static int read_regular(const char *path, char **text, size_t *length)
{
	int err = 0, fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	size_t room = 0;
	struct stat st;
	ssize_t n = 0;

	*text = NULL;
	*length = 0;
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		err = -errno;
	else if (S_ISDIR(st.st_mode))
		err = -EISDIR;
	else if (!S_ISREG(st.st_mode))
		err = -ENODEV;
	else if ((uintmax_t)st.st_size > CONF_FILE_MAX)
		err = -EFBIG;
	while (!err) {
		if (*length == room) {
			char *bigger;

			room = room ? room * 2 : (size_t)st.st_size + 1;
			bigger = realloc(*text, room);
			if (!bigger) {
				err = -ENOMEM;
				break;
			}
			*text = bigger;
		}
		n = read(fd, *text + *length, room - *length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		*length += (size_t)n;
		if (*length > CONF_FILE_MAX)
			err = -EFBIG;
	}
	if (!err && n < 0)
		err = -errno;
	close(fd);
	return err;
}

static const char *read_error(int err)
{
	switch (err) {
	case -ENODEV:
		return "not a regular file";
	case -EFBIG:
		return "too large for a configuration";
	case -EACCES:
		return "cannot be read by this user (under systemd: `chgrp sno` and `chmod 640`)";
	default:
		return strerror(-err);
	}
}

static int source_scan(struct conf_source *source, const char *path, const char *name, int depth,
		       const char *text, size_t length, struct conf_faults *faults)
{
	struct scan scan = {
		.source = source,
		.faults = faults,
		.path = path,
		.depth = depth,
		.line = 1,
		.p = text,
		.end = text + length,
	};
	int err = add_file(source, name, &scan.file);

	if (!err)
		err = add_stretch(source, scan.file, 1);
	if (!err)
		err = scan_text(&scan);
	/*
	 * What follows an @include begins a line; and libconfig takes a comment in a last line
	 * without newline for garbage.
	 */
	if (!err)
		err = append(source, "\n", 1);
	source->line++;
	if (err == -EFBIG)
		conf_faults_add(faults, 0, "too large for a configuration");
	return err;
}

static int source_join(struct conf_source *source, const char *path, int depth,
		       struct conf_faults *faults)
{
	unsigned int line = depth ? source->line : 0;
	size_t length = 0;
	char *text = NULL;
	int err;

	if (depth > CONF_INCLUDE_DEPTH) {
		conf_faults_add(faults, line, "@include goes deeper than %d files: is it a circle?",
				CONF_INCLUDE_DEPTH);
		return -EINVAL;
	}
	err = read_regular(path, &text, &length);
	if (err && depth)
		conf_faults_add(faults, line, "cannot include %s: %s", path, read_error(err));
	else if (err)
		conf_faults_add(faults, 0, "%s", read_error(err));
	else
		err = source_scan(source, path, path, depth, text, length, faults);
	free(text);
	return err;
}

int conf_source_read(struct conf_source *source, const char *path, struct conf_faults *faults)
{
	int err;

	*source = (struct conf_source){.line = 1};
	err = source_join(source, path, 0, faults);
	if (!source->file_count) { /* name the file in the report of its own absence */
		size_t index;

		add_file(source, path, &index);
	}
	return err;
}

int conf_source_take(struct conf_source *source, const char *name, const char *text, size_t length,
		     struct conf_faults *faults)
{
	*source = (struct conf_source){.line = 1};
	return source_scan(source, NULL, name, 0, text, length, faults);
}
