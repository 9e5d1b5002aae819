/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A configuration written out again, compared with another one, and its keys explained: the three
 * walks over schema and structure that need no file.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "conf_private.h"

#define PATH_TEXT 256

/* --- printing --- */

static void print_indent(FILE *out, int depth)
{
	for (int i = 0; i < depth; i++)
		putc('\t', out);
}

/* True when the file would hold this key: given, defaulted, or not empty. */
static bool printable(const struct conf_key *key, const char *base)
{
	if (!conf_key_present(key, base))
		return false;
	if (key->list)
		return conf_count(key, base) > 0 || key->def || key->has_present || key->required;
	return key->type == CONF_GROUP || !conf_value_none(key, base + key->offset);
}

static void print_keys(FILE *out, const struct conf_key *keys, const char *base, int depth)
{
	for (const struct conf_key *key = keys; key->name; key++) {
		bool groups = key->type == CONF_GROUP;
		size_t count = key->list && printable(key, base) ? conf_count(key, base) : 0;
		const char *items = key->list ? conf_items(key, base) : NULL;

		if (!printable(key, base))
			continue;
		print_indent(out, depth);
		fprintf(out, "%s = ", key->name);
		if (!key->list && groups) {
			fputs("{\n", out);
			print_keys(out, key->keys, base + key->offset, depth + 1);
			print_indent(out, depth);
			putc('}', out);
		} else if (!key->list) {
			conf_value_print(out, key, base + key->offset);
		} else {
			putc(groups ? '(' : '[', out);
		}
		for (size_t i = 0; i < count; i++) {
			if (groups) {
				fputs(i ? ", {\n" : "{\n", out);
				print_keys(out, key->keys, items + i * key->size, depth + 1);
				print_indent(out, depth);
				putc('}', out);
			} else {
				fputs(i ? ", " : " ", out);
				conf_value_print(out, key, items + i * key->size);
			}
		}
		if (key->list)
			fputs(groups ? ")" : count ? " ]" : "]", out);
		fputs(";\n", out);
	}
}

void conf_print(FILE *out, const struct conf_schema *schema, const void *config)
{
	print_keys(out, schema->keys, config, 0);
}

/* --- reference --- */

static void type_text(const struct conf_key *key, char *text, size_t size)
{
	char range[64] = "";
	size_t n = 0;
	long long min, max;

	if (key->type == CONF_INT) {
		conf_value_range(key, &min, &max);
		snprintf(range, sizeof(range), ", %lld to %lld", min, max);
	} else if ((key->type == CONF_SECONDS || key->type == CONF_NUMBER) &&
		   (key->min != 0 || key->max != 0)) {
		snprintf(range, sizeof(range), ", %g to %g", key->min, key->max);
	}
	if (key->list)
		n = (size_t)snprintf(text, size, "list of: ");
	conf_value_expected(key, text + n, size - n);
	n = strlen(text);
	snprintf(text + n, size - n, "%s", range);
}

static void document_keys(FILE *out, const struct conf_key *keys, const char *path, bool inherited)
{
	for (const struct conf_key *key = keys; key->name; key++) {
		bool reloadable = key->reloadable || inherited;
		char here[PATH_TEXT], type[256];

		snprintf(here, sizeof(here), "%.100s%s%.100s%s", path, *path ? "." : "", key->name,
			 key->list && key->type == CONF_GROUP ? "[]" : "");
		type_text(key, type, sizeof(type));
		fprintf(out, "%s\t%s\t%s\t%s\t%s\n", here, type,
			key->def	? key->def
			: key->required ? "required"
					: "none",
			reloadable ? "reload" : "restart", key->help ? key->help : "");
		if (key->type == CONF_GROUP)
			document_keys(out, key->keys, here, reloadable && !key->list);
	}
}

void conf_document(FILE *out, const struct conf_schema *schema)
{
	document_keys(out, schema->keys, "", false);
}

/* --- comparison --- */

struct compare {
	conf_change_fn *change;
	void *arg;
	size_t changes;
};

static void compare_keys(struct compare *compare, const struct conf_key *keys, const char *a,
			 const char *b, const char *path, bool inherited);

static void tell(struct compare *compare, enum conf_change_kind kind, const char *path,
		 const struct conf_key *key, const void *a, const void *b, bool reloadable)
{
	struct conf_change change = {kind, path, key, a, b, reloadable};

	compare->changes++;
	if (compare->change)
		compare->change(compare->arg, &change);
}

static void element_path(char text[PATH_TEXT], const char *path, const struct conf_key *id,
			 const char *element, size_t index)
{
	char name[100];

	if (id)
		conf_value_text(id, element + id->offset, name, sizeof(name));
	else
		snprintf(name, sizeof(name), "%zu", index);
	snprintf(text, PATH_TEXT, "%.140s[%s]", path, name);
}

struct element {
	const struct conf_key *id;
	const char *at;
	size_t index;
};

static int element_order(const void *a, const void *b)
{
	const struct element *e = a, *f = b;

	if (e->id) {
		int c = conf_value_compare(e->id, e->at + e->id->offset, f->at + e->id->offset);

		if (c)
			return c;
	}
	return (e->index > f->index) - (e->index < f->index);
}

/* The elements of a list of groups in the order of their ids; NULL when empty. */
static struct element *elements_sorted(const struct conf_key *key, const char *base, size_t *count)
{
	const struct conf_key *id = conf_id(key);
	const char *items = conf_items(key, base);
	struct element *elements;

	*count = conf_count(key, base);
	elements = *count ? calloc(*count, sizeof(*elements)) : NULL;
	if (!elements)
		return NULL;
	for (size_t i = 0; i < *count; i++)
		elements[i] = (struct element){id, items + i * key->size, i};
	if (id)
		qsort(elements, *count, sizeof(*elements), element_order);
	return elements;
}

/* Both lists in the order of their ids, side by side. */
static void compare_groups(struct compare *compare, const struct conf_key *key, const char *a,
			   const char *b, const char *path)
{
	size_t m, n, i = 0, j = 0;
	struct element *old = elements_sorted(key, a, &m), *new = elements_sorted(key, b, &n);
	char text[PATH_TEXT];

	if ((m && !old) || (n && !new)) { /* no memory to look closer: say that all may differ */
		tell(compare, CONF_CHANGED, path, key, a + key->offset, b + key->offset,
		     key->reloadable);
		m = n = 0;
	}
	while (i < m || j < n) {
		int c = i == m ? 1 : j == n ? -1 : 0;

		if (!c && old[i].id)
			c = conf_value_compare(old[i].id, old[i].at + old[i].id->offset,
					       new[j].at + old[i].id->offset);
		if (c <= 0)
			element_path(text, path, old[i].id, old[i].at, i);
		else
			element_path(text, path, new[j].id, new[j].at, j);
		if (c == 0)
			compare_keys(compare, key->keys, old[i].at, new[j].at, text, false);
		else if (c < 0)
			tell(compare, CONF_REMOVED, text, key, old[i].at, NULL, key->reloadable);
		else
			tell(compare, CONF_ADDED, text, key, NULL, new[j].at, key->reloadable);
		i += c <= 0;
		j += c >= 0;
	}
	free(old);
	free(new);
}

static bool list_equal(const struct conf_key *key, const char *a, const char *b)
{
	size_t count = conf_count(key, a);
	const char *x = conf_items(key, a), *y = conf_items(key, b);

	if (count != conf_count(key, b))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (conf_value_compare(key, x + i * key->size, y + i * key->size) != 0)
			return false;
	}
	return true;
}

static void compare_key(struct compare *compare, const struct conf_key *key, const char *a,
			const char *b, const char *path, bool reloadable)
{
	const char *x = a + key->offset, *y = b + key->offset;

	if (conf_key_present(key, a) != conf_key_present(key, b))
		tell(compare, conf_key_present(key, a) ? CONF_REMOVED : CONF_ADDED, path, key,
		     conf_key_present(key, a) ? x : NULL, conf_key_present(key, b) ? y : NULL,
		     reloadable);
	else if (key->list && key->type == CONF_GROUP)
		compare_groups(compare, key, a, b, path);
	else if (key->type == CONF_GROUP)
		compare_keys(compare, key->keys, x, y, path, reloadable);
	else if (key->list ? !list_equal(key, a, b) : conf_value_compare(key, x, y) != 0)
		tell(compare, CONF_CHANGED, path, key, x, y, reloadable);
}

static void compare_keys(struct compare *compare, const struct conf_key *keys, const char *a,
			 const char *b, const char *path, bool inherited)
{
	for (const struct conf_key *key = keys; key->name; key++) {
		char here[PATH_TEXT];

		snprintf(here, sizeof(here), "%.140s%s%.100s", path, *path ? "." : "", key->name);
		compare_key(compare, key, a, b, here, key->reloadable || inherited);
	}
}

size_t conf_compare(const struct conf_schema *schema, const void *old_config,
		    const void *new_config, conf_change_fn *change, void *arg)
{
	struct compare compare = {change, arg, 0};

	compare_keys(&compare, schema->keys, old_config, new_config, "", false);
	return compare.changes;
}

bool conf_equal(const struct conf_schema *schema, const void *a, const void *b)
{
	return conf_compare(schema, a, b, NULL, NULL) == 0;
}
