/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options of a command, from a table (options.h). */
#include "plan/options.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/command.h"

#define OPTIONS_MAX 40
#define FIRST	    256 /* getopt_long(3) gives FIRST + i for option i */

/* One parsing. */
struct parsing {
	const struct option_usage *usage;
	const struct option_spec *specs;
	size_t count;
	bool given[OPTIONS_MAX];
};

void options_complain(const char *command, const char *format, ...)
{
	va_list ap;

	fprintf(stderr, "sno-plan %s: ", command);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
}

void options_report(void *arg, const char *message)
{
	(void)arg;
	fprintf(stderr, "%s\n", message);
}

const char *options_instant(usec_t start, double seconds, char text[ASSOCIATION_TIME_TEXT])
{
	return association_time_format(start + (usec_t)llround(seconds * 1000) * USEC_PER_MSEC,
				       text);
}

/* ---- values ---------------------------------------------------------------------------------- */

static bool out_of_range(const struct parsing *p, const struct option_spec *spec, const char *text)
{
	options_complain(p->usage->command, "--%s: \"%s\" is no %s from %.10g to %.10g", spec->name,
			 text, spec->kind == OPTION_COUNT ? "whole number" : "number", spec->least,
			 spec->most);
	return false;
}

/* Reads a number that ends where the text does, or with `end`. */
static bool read_number(const struct option_spec *spec, const char *text, char end, double *value,
			const char **rest)
{
	size_t length = strspn(text, "0123456789+-.eE");
	char *stop;

	*value = strtod(text, &stop);
	*rest = stop;
	return length > 0 && stop == text + length && (!*stop || *stop == end) &&
	       *value >= spec->least && *value <= spec->most;
}

static bool take_numbers(const struct parsing *p, const struct option_spec *spec, const char *text)
{
	struct option_numbers *numbers = spec->value;
	const char *rest = text;
	double *more, value;

	for (numbers->count = 0;; rest++) {
		if (!read_number(spec, rest, ',', &value, &rest)) {
			options_complain(p->usage->command,
					 "--%s: \"%s\" has what is no number from %.10g to %.10g",
					 spec->name, text, spec->least, spec->most);
			return false;
		}
		more = reallocarray(numbers->values, numbers->count + 1, sizeof(*more));
		if (!more) {
			options_complain(p->usage->command, "%s", strerror(ENOMEM));
			return false;
		}
		more[numbers->count++] = value;
		numbers->values = more;
		if (!*rest)
			return true;
	}
}

static bool take_number(const struct parsing *p, const struct option_spec *spec, const char *text)
{
	const char *rest;
	double value;

	if (!read_number(spec, text, '\0', &value, &rest))
		return out_of_range(p, spec, text);
	if (spec->kind == OPTION_NUMBER) {
		*(double *)spec->value = value;
		return true;
	}
	if (value != floor(value) || strspn(text, "0123456789") != strlen(text))
		return out_of_range(p, spec, text);
	*(unsigned int *)spec->value = (unsigned int)value;
	return true;
}

static bool take_time(const struct parsing *p, const struct option_spec *spec, const char *text)
{
	if (association_time_parse(text, spec->value) == 0)
		return true;
	options_complain(p->usage->command,
			 "--%s: \"%s\" is no time in UTC like 2026-07-29T12:03:20.5Z", spec->name,
			 text);
	return false;
}

static bool take_choice(const struct parsing *p, const struct option_spec *spec, const char *text)
{
	for (unsigned int i = 0; spec->choices[i]; i++) {
		if (strcmp(text, spec->choices[i]) == 0) {
			*(unsigned int *)spec->value = i;
			return true;
		}
	}
	fprintf(stderr, "sno-plan %s: --%s: \"%s\" is none of", p->usage->command, spec->name,
		text);
	for (unsigned int i = 0; spec->choices[i]; i++)
		fprintf(stderr, "%s %s", i ? "," : "", spec->choices[i]);
	fputc('\n', stderr);
	return false;
}

static bool take_another(const struct parsing *p, const struct option_spec *spec, const char *text)
{
	struct option_list *list = spec->value;
	const char **more = reallocarray(list->texts, list->count + 1, sizeof(*more));

	if (!more) {
		options_complain(p->usage->command, "%s", strerror(ENOMEM));
		return false;
	}
	more[list->count++] = text;
	list->texts = more;
	return true;
}

static bool take(struct parsing *p, size_t i, const char *text)
{
	const struct option_spec *spec = &p->specs[i];

	p->given[i] = true;
	if (spec->kind == OPTION_FLAG) {
		*(bool *)spec->value = true;
		return true;
	}
	if (!*text) {
		options_complain(p->usage->command, "--%s: its argument is empty", spec->name);
		return false;
	}
	switch (spec->kind) {
	case OPTION_NUMBER:
	case OPTION_COUNT:
		return take_number(p, spec, text);
	case OPTION_TIME:
		return take_time(p, spec, text);
	case OPTION_CHOICE:
		return take_choice(p, spec, text);
	case OPTION_LIST:
		return take_another(p, spec, text);
	case OPTION_NUMBERS:
		return take_numbers(p, spec, text);
	case OPTION_TEXT:
	case OPTION_FLAG:
		break;
	}
	*(const char **)spec->value = text;
	return true;
}

/* ---- help ------------------------------------------------------------------------------------ */

static void print_option(char letter, const char *name, const char *argument, const char *help)
{
	char text[64];

	snprintf(text, sizeof(text), "--%s%s%s", name, argument ? " " : "",
		 argument ? argument : "");
	if (letter)
		printf("  -%c, %-26s %s\n", letter, text, help);
	else
		printf("      %-26s %s\n", text, help);
}

static int print_help(const struct parsing *p)
{
	printf("usage: sno-plan %s [OPTION ...]%s%s\n\n%s\n\nOptions:\n", p->usage->command,
	       p->usage->words ? " " : "", p->usage->words ? p->usage->words : "",
	       p->usage->summary);
	for (size_t i = 0; i < p->count; i++)
		print_option(p->specs[i].letter, p->specs[i].name, p->specs[i].argument,
			     p->specs[i].help);
	print_option('V', "version", NULL, "print the version");
	print_option('h', "help", NULL, "print this");
	return PLAN_GOOD;
}

static int wrong(const struct parsing *p)
{
	fprintf(stderr, "see sno-plan %s --help\n", p->usage->command);
	return PLAN_USAGE;
}

/* ---- parsing --------------------------------------------------------------------------------- */

/* What getopt_long(3) did not understand. */
static int complain(const struct parsing *p, int c, char *const *argv)
{
	const char *command = p->usage->command;

	if (c == ':' && optopt >= FIRST)
		options_complain(command, "--%s needs an argument", p->specs[optopt - FIRST].name);
	else if (c == ':')
		options_complain(command, "-%c needs an argument", optopt);
	else if (optopt && optopt < FIRST && argv[optind - 1][1] != '-')
		options_complain(command, "no option -%c", optopt);
	else
		options_complain(command, "no option %s, or it stands for several",
				 argv[optind - 1]);
	return wrong(p);
}

static int check_required(const struct parsing *p)
{
	bool good = true;

	for (size_t i = 0; i < p->count; i++) {
		if (p->specs[i].required && !p->given[i]) {
			options_complain(p->usage->command, "--%s %s is missing", p->specs[i].name,
					 p->specs[i].argument);
			good = false;
		}
	}
	return good ? OPTIONS_GO : wrong(p);
}

/* The table as getopt_long(3) wants it. */
static void lay_out(const struct parsing *p, struct option options[OPTIONS_MAX + 3],
		    char letters[2 * OPTIONS_MAX + 8])
{
	size_t n = 0, i;

	n += (size_t)sprintf(letters, ":hV");
	for (i = 0; i < p->count; i++) {
		const struct option_spec *spec = &p->specs[i];
		int argument = spec->kind == OPTION_FLAG ? no_argument : required_argument;

		options[i] = (struct option){spec->name, argument, NULL, FIRST + (int)i};
		if (spec->letter) {
			letters[n++] = spec->letter;
			if (argument == required_argument)
				letters[n++] = ':';
		}
	}
	letters[n] = '\0';
	options[i++] = (struct option){"help", no_argument, NULL, 'h'};
	options[i++] = (struct option){"version", no_argument, NULL, 'V'};
	options[i] = (struct option){NULL, 0, NULL, 0};
}

/* The option that has this letter or this number. */
static size_t option_index(const struct parsing *p, int c)
{
	size_t i = 0;

	if (c >= FIRST)
		return (size_t)(c - FIRST);
	while (p->specs[i].letter != c)
		i++;
	return i;
}

int options_parse(const struct option_usage *usage, const struct option_spec *specs, size_t count,
		  int argc, char **argv, int *first)
{
	struct parsing p = {.usage = usage, .specs = specs, .count = count};
	struct option options[OPTIONS_MAX + 3];
	char letters[2 * OPTIONS_MAX + 8];
	int c;

	if (count > OPTIONS_MAX) {
		options_complain(usage->command, "more options than there is room for");
		return PLAN_FAILED;
	}
	lay_out(&p, options, letters);
	optind = 0; /* begin anew */
	opterr = 0;
	while ((c = getopt_long(argc, argv, letters, options, NULL)) != -1) {
		if (c == 'h')
			return print_help(&p);
		if (c == 'V') {
			puts("sno-plan " SNO_VERSION);
			return PLAN_GOOD;
		}
		if (c == '?' || c == ':')
			return complain(&p, c, argv);
		if (!take(&p, option_index(&p, c), optarg ? optarg : ""))
			return wrong(&p);
	}
	if (!usage->words && optind < argc) {
		options_complain(usage->command, "what is \"%s\"?", argv[optind]);
		return wrong(&p);
	}
	if (first)
		*first = optind;
	return check_required(&p);
}
