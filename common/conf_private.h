/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the configuration reader share: source (text and where each line came from),
 * value (one value of each type), and the list of faults. Only conf*.c include this.
 */
#ifndef SNO_CONF_PRIVATE_H
#define SNO_CONF_PRIVATE_H

#include <stdarg.h>

#include "conf.h"

struct conf_source;

/* Faults as they are found; reported in the order of the text when all is done. */
struct conf_fault {
	unsigned int line; /* of the joined text; 0: the file as a whole */
	size_t order;
	char *text;
};

struct conf_faults {
	struct conf_fault *faults;
	size_t count;
};

/* More than anybody corrects in one go; the rest is only counted. */
#define CONF_FAULTS_MAX 200

void conf_faults_add(struct conf_faults *faults, unsigned int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void conf_faults_vadd(struct conf_faults *faults, unsigned int line, const char *format, va_list ap)
	__attribute__((format(printf, 3, 0)));
void conf_faults_report(struct conf_faults *faults, const struct conf_source *source,
			conf_report_fn *report, void *arg);
void conf_faults_free(struct conf_faults *faults);
/* The name in a table that another was probably meant to be; NULL when none is near. */
const char *conf_nearest(const struct conf_key *keys, const char *name);

/*
 * The text that libconfig is given: the file with its includes joined in, and for each stretch of
 * lines the file and line it came from.
 */
struct conf_stretch {
	unsigned int first; /* line of the joined text */
	size_t file;	    /* index into files */
	unsigned int line;  /* line in that file */
};

struct conf_source {
	char *text; /* NUL-terminated */
	size_t length, room;
	unsigned int line; /* of the joined text, while it is being built */
	char **files;
	size_t file_count;
	struct conf_stretch *stretches;
	size_t stretch_count;
};

/*
 * Reads a file, or takes a text. 0; -ENOMEM; -EINVAL or another -errno when there is no text to go
 * on with (the fault is in the list). Faults that leave a text (a number that is too long) are only
 * added.
 */
int conf_source_read(struct conf_source *source, const char *path, struct conf_faults *faults);
int conf_source_take(struct conf_source *source, const char *name, const char *text, size_t length,
		     struct conf_faults *faults);
/* Where a line of the joined text came from. */
const char *conf_source_place(const struct conf_source *source, unsigned int line,
			      unsigned int *file_line);
void conf_source_free(struct conf_source *source);

/* Numbers are numbers in the file, everything else (booleans aside) is a string there. */
bool conf_value_quoted(const struct conf_key *key);
/* What the file should hold, as in "expected a whole number". */
void conf_value_expected(const struct conf_key *key, char *text, size_t size);

/* Text to value for quoted types. 0; or -EINVAL and why not, in at most size bytes; or -ENOMEM. */
int conf_value_parse(const struct conf_key *key, const char *text, void *field, char *why,
		     size_t size);
/* The same for the other types. */
int conf_value_set_int(const struct conf_key *key, long long value, void *field, char *why,
		       size_t size);
int conf_value_set_number(const struct conf_key *key, double value, void *field, char *why,
			  size_t size);
int conf_value_set_seconds(const struct conf_key *key, double value, void *field, char *why,
			   size_t size);
/* A default, as written in the schema, for any type but groups. */
int conf_value_default(const struct conf_key *key, const char *text, void *field, char *why,
		       size_t size);

long long conf_value_get_int(const struct conf_key *key, const void *field);
/* The range of a CONF_INT. */
void conf_value_range(const struct conf_key *key, long long *min, long long *max);
/* True when the field holds nothing that could be written into a file. */
bool conf_value_none(const struct conf_key *key, const void *field);
/* A total order over the values of a type; 0 when equal. */
int conf_value_compare(const struct conf_key *key, const void *a, const void *b);
/* As libconfig text, quoted where strings are. */
void conf_value_print(FILE *out, const struct conf_key *key, const void *field);
/* As bare text for messages, cut to size. */
void conf_value_text(const struct conf_key *key, const void *field, char *text, size_t size);
void conf_value_free(const struct conf_key *key, void *field);

/* A string made fit for a message: quoted, control characters escaped, cut. Returns text. */
const char *conf_quote(const char *in, char *text, size_t size);

/* The elements of a list. */
static inline void *conf_items(const struct conf_key *key, const void *base)
{
	return *(void *const *)(const void *)((const char *)base + key->offset);
}

static inline size_t conf_count(const struct conf_key *key, const void *base)
{
	return *(const size_t *)(const void *)((const char *)base + key->count_offset);
}

static inline bool conf_key_present(const struct conf_key *key, const void *base)
{
	return !key->has_present ||
	       *(const bool *)(const void *)((const char *)base + key->present);
}

/* The key that names the elements of a list of groups; NULL when there is none. */
const struct conf_key *conf_id(const struct conf_key *list);

#endif
