/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One value of a configuration: text to field, field to text, comparison. Everything that depends
 * on the type of a key is here, but for groups, which conf.c and conf_print.c walk.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "association.h"
#include "conf_private.h"
#include "keys.h"

#define STRING_MAX 255 /* bytes of a string whose key sets no .max */

_Static_assert(CONF_KEY_BYTES == KEY_LENGTH, "a key of the configuration is a key of keys.h");

bool conf_value_quoted(const struct conf_key *key)
{
	return key->type >= CONF_STRING && key->type <= CONF_ENUM;
}

const char *conf_quote(const char *in, char *text, size_t size)
{
	size_t n = 0;

	text[n++] = '"';
	for (; *in; in++) {
		unsigned char c = (unsigned char)*in;

		if (n + 9 > size) {
			n += (size_t)snprintf(text + n, size - n, "...");
			break;
		}
		if (c < 0x20 || c == 0x7f)
			n += (size_t)snprintf(text + n, size - n, "\\x%02x", c);
		else
			text[n++] = (char)c;
	}
	text[n++] = '"';
	text[n] = '\0';
	return text;
}

/* --- integers of any size --- */

static void int_store(const struct conf_key *key, void *field, long long value)
{
	switch (key->size) {
	case 1:
		*(uint8_t *)field = (uint8_t)value;
		break;
	case 2:
		*(uint16_t *)field = (uint16_t)value;
		break;
	case 4:
		*(uint32_t *)field = (uint32_t)value;
		break;
	default:
		*(uint64_t *)field = (uint64_t)value;
	}
}

long long conf_value_get_int(const struct conf_key *key, const void *field)
{
	bool is_signed = key->min < 0;

	switch (key->size) {
	case 1:
		return is_signed ? (long long)*(const int8_t *)field
				 : (long long)*(const uint8_t *)field;
	case 2:
		return is_signed ? (long long)*(const int16_t *)field
				 : (long long)*(const uint16_t *)field;
	case 4:
		return is_signed ? (long long)*(const int32_t *)field
				 : (long long)*(const uint32_t *)field;
	default:
		return *(const int64_t *)field;
	}
}

void conf_value_range(const struct conf_key *key, long long *min, long long *max)
{
	if (key->min == 0 && key->max == 0) {
		*min = 0;
		*max = key->size >= 8 ? LLONG_MAX : (1LL << (key->size * 8 - 1)) - 1;
		return;
	}
	*min = (long long)key->min;
	*max = key->max >= (double)LLONG_MAX ? LLONG_MAX : (long long)key->max;
}

int conf_value_set_int(const struct conf_key *key, long long value, void *field, char *why,
		       size_t size)
{
	long long min, max;

	conf_value_range(key, &min, &max);
	if (value < min || value > max) {
		snprintf(why, size, "%lld is out of range: %lld to %lld", value, min, max);
		return -EINVAL;
	}
	int_store(key, field, value);
	return 0;
}

/* Where no range is set: a century, so that sums of durations cannot overflow. */
#define SECONDS_MAX 3155760000.0

int conf_value_set_seconds(const struct conf_key *key, double value, void *field, char *why,
			   size_t size)
{
	double min = key->min, max = key->min == 0 && key->max == 0 ? SECONDS_MAX : key->max;

	if (!isfinite(value) || value < min || value > max) {
		snprintf(why, size, "%g s is out of range: %g to %g s", value, min, max);
		return -EINVAL;
	}
	*(usec_t *)field = clock_from_seconds(value);
	return 0;
}

int conf_value_set_number(const struct conf_key *key, double value, void *field, char *why,
			  size_t size)
{
	if (!isfinite(value) ||
	    ((key->min != 0 || key->max != 0) && (value < key->min || value > key->max))) {
		snprintf(why, size, "%g is out of range: %g to %g", value, key->min, key->max);
		return -EINVAL;
	}
	*(double *)field = value;
	return 0;
}

/* --- strings --- */

/* RFC 3629: no overlong forms, surrogates, or values past U+10FFFF. JSON needs it so. */
static bool utf8_valid(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	while (*p) {
		unsigned int extra, min, value;

		if (*p < 0x80) {
			p++;
			continue;
		}
		if (*p >= 0xc2 && *p <= 0xdf) {
			extra = 1, min = 0x80, value = *p & 0x1f;
		} else if (*p >= 0xe0 && *p <= 0xef) {
			extra = 2, min = 0x800, value = *p & 0x0f;
		} else if (*p >= 0xf0 && *p <= 0xf4) {
			extra = 3, min = 0x10000, value = *p & 0x07;
		} else {
			return false;
		}
		for (p++; extra; extra--, p++) {
			if ((*p & 0xc0) != 0x80)
				return false;
			value = value << 6 | (*p & 0x3f);
		}
		if (value < min || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
			return false;
	}
	return true;
}

static bool has_control(const char *text)
{
	for (; *text; text++) {
		if (iscntrl((unsigned char)*text))
			return true;
	}
	return false;
}

/* NULL, or what is wrong with a text of this type. */
static const char *string_fault(enum conf_type type, const char *text)
{
	if (!utf8_valid(text))
		return "is not UTF-8";
	switch (type) {
	case CONF_NAME:
		for (const char *p = text; *p; p++) {
			if (!isalnum((unsigned char)*p) && !strchr("._-@+", *p))
				return "has a character beside letters, digits and . _ - @ +";
		}
		return NULL;
	case CONF_SATELLITE:
		return association_name_valid(text)
			       ? NULL
			       : "is no name: printable characters without comma and quote, and no "
				 "blank at an end";
	case CONF_PATH:
		if (text[0] != '/')
			return "is not an absolute path";
		return has_control(text) ? "has a control character" : NULL;
	case CONF_IFNAME:
		if (strlen(text) >= IFNAMSIZ)
			return "is longer than the 15 bytes of an interface name";
		if (strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
			return "is not an interface name";
		for (const char *p = text; *p; p++) {
			if (*p == '/' || *p == ':' || isspace((unsigned char)*p) ||
			    iscntrl((unsigned char)*p))
				return "has a character that interface names must not have";
		}
		return NULL;
	default:
		return NULL;
	}
}

static int string_parse(const struct conf_key *key, const char *text, char **field, char *why,
			size_t size)
{
	size_t max = key->max > 0 ? (size_t)key->max : STRING_MAX;
	size_t min = key->min > 0 ? (size_t)key->min : 1, length = strlen(text);
	const char *fault = string_fault(key->type, text);
	char quoted[80], folded[ASSOCIATION_FOLDED_MAX + 1];

	if (!length)
		snprintf(why, size, "is empty");
	else if (fault)
		snprintf(why, size, "%s %s", conf_quote(text, quoted, sizeof(quoted)), fault);
	else if (length < min || length > max)
		snprintf(why, size, "%s has %zu bytes: %zu to %zu are allowed",
			 conf_quote(text, quoted, sizeof(quoted)), length, min, max);
	else {
		if (key->type == CONF_SATELLITE)
			text = association_fold_name(text, folded);
		return (*field = strdup(text)) ? 0 : -ENOMEM;
	}
	return -EINVAL;
}

/* --- words and addresses --- */

static const struct conf_name *enum_name(const struct conf_key *key, int value)
{
	for (const struct conf_name *n = key->names; n->name; n++) {
		if (n->value == value)
			return n;
	}
	return NULL;
}

static int enum_parse(const struct conf_key *key, const char *text, int *field)
{
	for (const struct conf_name *n = key->names; n->name; n++) {
		if (strcmp(n->name, text) == 0) {
			*field = n->value;
			return 0;
		}
	}
	return -EINVAL;
}

void conf_value_expected(const struct conf_key *key, char *text, size_t size)
{
	const char *family = key->family == AF_INET    ? "an IPv4"
			     : key->family == AF_INET6 ? "an IPv6"
						       : "an IPv4 or IPv6";
	static const char *const plain[] = {
		[CONF_BOOL] = "true or false",
		[CONF_INT] = "a whole number",
		[CONF_SECONDS] = "a number of seconds",
		[CONF_NUMBER] = "a number",
		[CONF_STRING] = "a string",
		[CONF_NAME] = "a name",
		[CONF_SATELLITE] = "the name of a satellite",
		[CONF_PATH] = "an absolute path",
		[CONF_IFNAME] = "the name of an interface",
		[CONF_ENDPOINT] = "\"ADDRESS\", \"ADDRESS:PORT\" or \"[IPV6-ADDRESS]:PORT\"",
		[CONF_LLADDR] = "a unicast link-layer address like \"02:00:5e:00:53:01\"",
		[CONF_KEY] = "a public key: base64 of 32 bytes, as `snoctl pubkey` prints it",
		[CONF_GROUP] = "a group { ... }",
	};
	size_t n;

	switch (key->type) {
	case CONF_ADDR:
		snprintf(text, size, "%s address", family);
		break;
	case CONF_PREFIX:
		snprintf(text, size, "%s prefix ADDRESS/LENGTH with no bit set beyond LENGTH",
			 family);
		break;
	case CONF_ENUM:
		n = (size_t)snprintf(text, size, "one of");
		for (const struct conf_name *name = key->names; name->name && n < size; name++)
			n += (size_t)snprintf(text + n, size - n, "%s \"%s\"",
					      name == key->names ? "" : ",", name->name);
		break;
	default:
		snprintf(text, size, "%s", plain[key->type]);
	}
}

static int endpoint_text(const struct conf_key *key, const char *text, struct endpoint *e)
{
	int err = endpoint_parse(e, text, key->port);

	return !err && e->port == 0 ? -EINVAL : err;
}

/* The types that say no more about a fault than what they expect. */
static int plain_parse(const struct conf_key *key, const char *text, void *field)
{
	sa_family_t family = AF_UNSPEC;
	int err;

	switch (key->type) {
	case CONF_ADDR:
		err = addr_parse(field, text);
		family = err ? family : ((struct addr *)field)->family;
		break;
	case CONF_PREFIX:
		err = prefix_parse(field, text);
		family = err ? family : ((struct prefix *)field)->addr.family;
		break;
	case CONF_ENDPOINT:
		err = endpoint_text(key, text, field);
		family = err ? family : ((struct endpoint *)field)->addr.family;
		break;
	case CONF_LLADDR:
		return lladdr_parse(field, text);
	case CONF_KEY:
		err = keys_decode(field, text);
		return !err && keys_zero(field, KEY_LENGTH) ? -EINVAL : err;
	case CONF_ENUM:
		return enum_parse(key, text, field);
	default:
		return -EINVAL;
	}
	if (!err && key->family && key->family != family)
		err = -EINVAL;
	if (err)
		memset(field, 0, key->size);
	return err;
}

int conf_value_parse(const struct conf_key *key, const char *text, void *field, char *why,
		     size_t size)
{
	char quoted[80], expected[200];

	if (key->type >= CONF_STRING && key->type <= CONF_IFNAME)
		return string_parse(key, text, field, why, size);
	if (plain_parse(key, text, field) == 0)
		return 0;
	conf_value_expected(key, expected, sizeof(expected));
	snprintf(why, size, "%s is not %s", conf_quote(text, quoted, sizeof(quoted)), expected);
	return -EINVAL;
}

int conf_value_default(const struct conf_key *key, const char *text, void *field, char *why,
		       size_t size)
{
	char *end = NULL;
	long long number;
	double seconds;

	switch (key->type) {
	case CONF_BOOL:
		if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
			break;
		*(bool *)field = strcmp(text, "true") == 0;
		return 0;
	case CONF_INT:
		number = strtoll(text, &end, 0);
		if (end == text || *end)
			break;
		return conf_value_set_int(key, number, field, why, size);
	case CONF_SECONDS:
		seconds = strtod(text, &end);
		if (end == text || *end)
			break;
		return conf_value_set_seconds(key, seconds, field, why, size);
	case CONF_NUMBER:
		seconds = strtod(text, &end);
		if (end == text || *end)
			break;
		return conf_value_set_number(key, seconds, field, why, size);
	default:
		return conf_value_parse(key, text, field, why, size);
	}
	snprintf(why, size, "\"%s\" has the wrong type", text);
	return -EINVAL;
}

/* --- fields to text --- */

static bool all_zero(const void *field, size_t size)
{
	const unsigned char *p = field;

	while (size--) {
		if (*p++)
			return false;
	}
	return true;
}

bool conf_value_none(const struct conf_key *key, const void *field)
{
	long long min, max, value;
	double seconds;

	switch (key->type) {
	case CONF_INT:
		conf_value_range(key, &min, &max);
		value = conf_value_get_int(key, field);
		return value < min || value > max;
	case CONF_SECONDS:
		seconds = (double)*(const usec_t *)field / (double)USEC_PER_SEC;
		return seconds < key->min || (key->max != 0 && seconds > key->max);
	case CONF_NUMBER:
		seconds = *(const double *)field;
		return (key->min != 0 || key->max != 0) &&
		       (seconds < key->min || seconds > key->max);
	case CONF_STRING:
	case CONF_NAME:
	case CONF_SATELLITE:
	case CONF_PATH:
	case CONF_IFNAME:
		return !*(char *const *)field;
	case CONF_ADDR:
		return addr_none(field);
	case CONF_PREFIX:
		return prefix_none(field);
	case CONF_ENDPOINT:
		return addr_none(&((const struct endpoint *)field)->addr);
	case CONF_LLADDR:
	case CONF_KEY:
		return all_zero(field, key->size);
	case CONF_ENUM:
		return !enum_name(key, *(const int *)field);
	default:
		return false;
	}
}

static int order(long long a, long long b)
{
	return (a > b) - (a < b);
}

static int endpoint_order(const struct endpoint *a, const struct endpoint *b)
{
	int c = addr_compare(&a->addr, &b->addr);

	if (!c)
		c = order(a->port, b->port);
	return c ? c : order(a->ifindex, b->ifindex);
}

int conf_value_compare(const struct conf_key *key, const void *a, const void *b)
{
	const char *s, *t;
	int c;

	switch (key->type) {
	case CONF_BOOL:
		return order(*(const bool *)a, *(const bool *)b);
	case CONF_INT:
		return order(conf_value_get_int(key, a), conf_value_get_int(key, b));
	case CONF_SECONDS:
		return order(*(const usec_t *)a, *(const usec_t *)b);
	case CONF_NUMBER:
		return (*(const double *)a > *(const double *)b) -
		       (*(const double *)a < *(const double *)b);
	case CONF_ADDR:
		return addr_compare(a, b);
	case CONF_PREFIX:
		c = addr_compare(&((const struct prefix *)a)->addr,
				 &((const struct prefix *)b)->addr);
		return c ? c
			 : order(((const struct prefix *)a)->length,
				 ((const struct prefix *)b)->length);
	case CONF_ENDPOINT:
		return endpoint_order(a, b);
	case CONF_LLADDR:
	case CONF_KEY: /* public keys: time may tell */
		return memcmp(a, b, key->size);
	case CONF_ENUM:
		return order(*(const int *)a, *(const int *)b);
	default:
		s = *(char *const *)a;
		t = *(char *const *)b;
		return s && t ? strcmp(s, t) : order(s != NULL, t != NULL);
	}
}

void conf_value_text(const struct conf_key *key, const void *field, char *text, size_t size)
{
	char buf[ENDPOINT_TEXT + PREFIX_TEXT];
	const struct conf_name *name;
	usec_t usec;

	switch (key->type) {
	case CONF_BOOL:
		snprintf(text, size, "%s", *(const bool *)field ? "true" : "false");
		break;
	case CONF_INT:
		snprintf(text, size, "%lld", conf_value_get_int(key, field));
		break;
	case CONF_SECONDS:
		usec = *(const usec_t *)field;
		snprintf(text, size, "%s%lld.%06lld", usec < 0 ? "-" : "",
			 llabs(usec / USEC_PER_SEC), llabs(usec % USEC_PER_SEC));
		for (size_t n = strlen(text); n > 2 && text[n - 1] == '0' && text[n - 2] != '.';)
			text[--n] = '\0';
		break;
	case CONF_NUMBER:
		/* The shortest text that reads back the same. */
		for (int digits = 6; digits <= 17; digits++) {
			snprintf(text, size, "%.*g", digits, *(const double *)field);
			if (strtod(text, NULL) == *(const double *)field)
				break;
		}
		break;
	case CONF_ADDR:
		snprintf(text, size, "%s", addr_format(field, buf));
		break;
	case CONF_PREFIX:
		snprintf(text, size, "%s", prefix_format(field, buf));
		break;
	case CONF_ENDPOINT:
		snprintf(text, size, "%s", endpoint_format(field, buf));
		break;
	case CONF_LLADDR:
		snprintf(text, size, "%s", lladdr_format(field, buf));
		break;
	case CONF_KEY:
		snprintf(text, size, "%s", keys_encode(buf, field));
		break;
	case CONF_ENUM:
		name = enum_name(key, *(const int *)field);
		snprintf(text, size, "%s", name ? name->name : "");
		break;
	default:
		snprintf(text, size, "%s", *(char *const *)field ? *(char *const *)field : "");
	}
}

/* A string in libconfig's syntax. */
static void print_string(FILE *out, const char *text)
{
	putc('"', out);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			fprintf(out, "\\x%02x", c);
		else
			putc(c, out);
	}
	putc('"', out);
}

void conf_value_print(FILE *out, const struct conf_key *key, const void *field)
{
	char text[128];

	if (key->type >= CONF_STRING && key->type <= CONF_IFNAME) {
		print_string(out, *(char *const *)field ? *(char *const *)field : "");
		return;
	}
	conf_value_text(key, field, text, sizeof(text));
	if (conf_value_quoted(key))
		print_string(out, text);
	else
		fputs(text, out);
}

void conf_value_free(const struct conf_key *key, void *field)
{
	if (key->type >= CONF_STRING && key->type <= CONF_IFNAME) {
		free(*(char **)field);
		*(char **)field = NULL;
	}
}
