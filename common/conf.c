/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a configuration file to a daemon's structure, by the schema. The only file that knows
 * libconfig.
 *
 * A load never stops at the first fault: every key is read that can be, every fault is collected
 * with its line, and only a structure without any fault is handed out.
 */
#define _GNU_SOURCE /* asprintf */
#include "conf.h"

#include <errno.h>
#include <libconfig.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "conf_private.h"

#define PATH_TEXT 256

struct load {
	const struct conf_source *source;
	struct conf_faults *faults;
	config_setting_t *root;
	bool no_memory;
};

struct conf_check {
	struct load *load;
};

static void load_group(struct load *load, config_setting_t *group, const struct conf_key *keys,
		       void *base, const char *path, bool complete);

/* --- places --- */

/* The root has no line of its own. */
static unsigned int setting_line(config_setting_t *setting)
{
	unsigned int line = config_setting_source_line(setting);

	return line ? line : 1;
}

static const char *path_join(char out[PATH_TEXT], const char *path, const char *name)
{
	snprintf(out, PATH_TEXT, "%.*s%s%.*s", PATH_TEXT / 2, path, *path ? "." : "",
		 PATH_TEXT / 2 - 2, name);
	return out;
}

static const char *path_index(char out[PATH_TEXT], const char *path, size_t index)
{
	snprintf(out, PATH_TEXT, "%.*s[%zu]", PATH_TEXT - 30, path, index);
	return out;
}

/* Follows "a.b[2].c" as far as the file goes; *whole says whether that was to the end. */
static config_setting_t *path_find(config_setting_t *root, const char *path, bool *whole)
{
	config_setting_t *at = root;
	char name[PATH_TEXT];

	*whole = false;
	while (*path) {
		config_setting_t *next;
		size_t n;

		if (*path == '[') {
			n = strcspn(path, "]");
			next = config_setting_is_aggregate(at)
				       ? config_setting_get_elem(
						 at, (unsigned int)strtoul(path + 1, NULL, 10))
				       : NULL;
			n += path[n] == ']';
		} else {
			n = strcspn(path, ".[");
			snprintf(name, sizeof(name), "%.*s", (int)(n < 200 ? n : 200), path);
			next = config_setting_is_group(at) ? config_setting_get_member(at, name)
							   : NULL;
		}
		if (!next)
			return at;
		at = next;
		path += n;
		path += *path == '.';
	}
	*whole = true;
	return at;
}

void conf_fault(struct conf_check *check, const char *path, const char *format, ...)
{
	bool whole;
	config_setting_t *at = path_find(check->load->root, path, &whole);
	char text[500];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	conf_faults_add(check->load->faults, setting_line(at), "%s: %s", path, text);
}

unsigned int conf_line(const struct conf_check *check, const char *path)
{
	unsigned int line = 0;
	bool whole;
	config_setting_t *at = path_find(check->load->root, path, &whole);

	if (whole)
		conf_source_place(check->load->source, setting_line(at), &line);
	return line;
}

/* --- values --- */

static const struct conf_key *key_find(const struct conf_key *keys, const char *name)
{
	for (const struct conf_key *key = keys; key->name; key++) {
		if (strcmp(key->name, name) == 0)
			return key;
	}
	return NULL;
}

static void fault_unknown(struct load *load, config_setting_t *setting, const struct conf_key *keys,
			  const char *path)
{
	const char *name = config_setting_name(setting), *near = conf_nearest(keys, name);
	char text[PATH_TEXT];

	conf_faults_add(load->faults, setting_line(setting), "unknown key %s%s%s%s",
			path_join(text, path, name), near ? ": did you mean " : "",
			near ? near : "", near ? "?" : "");
}

static const char *found(config_setting_t *setting)
{
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_GROUP:
		return "a group";
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		return "a whole number";
	case CONFIG_TYPE_FLOAT:
		return "a number with a fraction";
	case CONFIG_TYPE_STRING:
		return "a string";
	case CONFIG_TYPE_BOOL:
		return "true or false";
	case CONFIG_TYPE_ARRAY:
		return "an array [ ... ]";
	case CONFIG_TYPE_LIST:
		return "a list ( ... )";
	default:
		return "nothing";
	}
}

static void fault_type(struct load *load, config_setting_t *setting, const struct conf_key *key,
		       const char *path)
{
	char expected[200];

	if (key->list && key->type == CONF_GROUP)
		snprintf(expected, sizeof(expected), "a list of groups ( { ... }, ... )");
	else if (key->list)
		snprintf(expected, sizeof(expected), "an array [ ... ]");
	else
		conf_value_expected(key, expected, sizeof(expected));
	conf_faults_add(
		load->faults, setting_line(setting), "%s: expected %s%s, found %s", path, expected,
		!key->list && conf_value_quoted(key) && key->type != CONF_STRING ? " as a string"
										 : "",
		found(setting));
}

/* One value that is not a group, of the setting into the field. */
static void load_value(struct load *load, config_setting_t *setting, const struct conf_key *key,
		       void *field, const char *path)
{
	int type = config_setting_type(setting), err;
	bool whole = type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64;
	const char *fault = NULL;
	char why[400];

	if (key->type == CONF_BOOL && type == CONFIG_TYPE_BOOL) {
		*(bool *)field = config_setting_get_bool(setting);
		err = 0;
	} else if (key->type == CONF_INT && whole) {
		err = conf_value_set_int(key, config_setting_get_int64(setting), field, why,
					 sizeof(why));
	} else if (key->type == CONF_SECONDS && (whole || type == CONFIG_TYPE_FLOAT)) {
		err = conf_value_set_seconds(key,
					     whole ? (double)config_setting_get_int64(setting)
						   : config_setting_get_float(setting),
					     field, why, sizeof(why));
	} else if (key->type == CONF_NUMBER && (whole || type == CONFIG_TYPE_FLOAT)) {
		err = conf_value_set_number(key,
					    whole ? (double)config_setting_get_int64(setting)
						  : config_setting_get_float(setting),
					    field, why, sizeof(why));
	} else if (conf_value_quoted(key) && type == CONFIG_TYPE_STRING) {
		err = conf_value_parse(key, config_setting_get_string(setting), field, why,
				       sizeof(why));
	} else {
		fault_type(load, setting, key, path);
		return;
	}
	if (err == -ENOMEM)
		load->no_memory = true;
	else if (err)
		conf_faults_add(load->faults, setting_line(setting), "%s: %s", path, why);
	else if (key->check && (fault = key->check(field)))
		conf_faults_add(load->faults, setting_line(setting), "%s: %s", path, fault);
}

/* --- lists --- */

const struct conf_key *conf_id(const struct conf_key *list)
{
	for (const struct conf_key *key = list->keys; key && key->name; key++) {
		if (key->id)
			return key;
	}
	return NULL;
}

/* An element's value that must not be there twice, and where it stands in the list. */
struct member {
	const struct conf_key *key;
	const void *value;
	size_t index;
};

static int member_order(const void *a, const void *b)
{
	const struct member *m = a, *n = b;
	int c = conf_value_compare(m->key, m->value, n->value);

	return c ? c : (m->index > n->index) - (m->index < n->index);
}

/* Reports each element that repeats an earlier one. */
static void check_unique(struct load *load, config_setting_t *setting, const struct conf_key *key,
			 const char *items, size_t count, const char *path)
{
	const struct conf_key *id = key->type == CONF_GROUP ? conf_id(key) : key;
	struct member *members;
	char text[PATH_TEXT], value[100];

	if (!id || (key->type != CONF_GROUP && !key->unique) || count < 2)
		return;
	members = calloc(count, sizeof(*members));
	if (!members) {
		load->no_memory = true;
		return;
	}
	for (size_t i = 0; i < count; i++)
		members[i] = (struct member){
			id, items + i * key->size + (id == key ? 0 : id->offset), i};
	qsort(members, count, sizeof(*members), member_order);
	for (size_t i = 1; i < count; i++) {
		config_setting_t *again, *first;
		unsigned int line;

		if (conf_value_compare(id, members[i - 1].value, members[i].value) != 0 ||
		    conf_value_none(id, members[i].value))
			continue;
		again = config_setting_get_elem(setting, (unsigned int)members[i].index);
		first = config_setting_get_elem(setting, (unsigned int)members[i - 1].index);
		conf_source_place(load->source, setting_line(first), &line);
		conf_value_text(id, members[i].value, value, sizeof(value));
		conf_faults_add(load->faults, setting_line(again),
				"%s: %s%s\"%s\" is already in line %u",
				path_index(text, path, members[i].index), id == key ? "" : id->name,
				id == key ? "" : " ", value, line);
	}
	free(members);
}

static void load_list(struct load *load, config_setting_t *setting, const struct conf_key *key,
		      char *base, const char *path)
{
	bool groups = key->type == CONF_GROUP;
	size_t count = (size_t)config_setting_length(setting);
	char text[PATH_TEXT];
	char *items;

	if (count < key->min_items || (key->max_items && count > key->max_items)) {
		conf_faults_add(load->faults, setting_line(setting),
				"%s: has %zu elements, expected %s%zu", path, count,
				count < key->min_items ? "at least " : "at most ",
				count < key->min_items ? key->min_items : key->max_items);
		return;
	}
	items = count ? calloc(count, key->size) : NULL;
	if (count && !items) {
		load->no_memory = true;
		return;
	}
	*(void **)(void *)(base + key->offset) = items;
	*(size_t *)(void *)(base + key->count_offset) = count;
	for (size_t i = 0; i < count; i++) {
		config_setting_t *element = config_setting_get_elem(setting, (unsigned int)i);

		path_index(text, path, i);
		if (!groups)
			load_value(load, element, key, items + i * key->size, text);
		else if (config_setting_is_group(element))
			load_group(load, element, key->keys, items + i * key->size, text, true);
		else
			conf_faults_add(load->faults, setting_line(element),
					"%s: expected a group { ... }, found %s", text,
					found(element));
	}
	check_unique(load, setting, key, items, count, path);
}

/* --- defaults --- */

static void fault_default(struct load *load, const char *path, const char *why)
{
	conf_faults_add(load->faults, 0, "the built-in default of %s is wrong: %s", path, why);
}

static void default_list(struct load *load, const struct conf_key *key, char *base,
			 const char *path)
{
	struct load inner = *load;
	config_t config;
	char *text;

	if (asprintf(&text, "v = %s;\n", key->def) < 0) {
		load->no_memory = true;
		return;
	}
	config_init(&config);
	if (config_read_string(&config, text) == CONFIG_TRUE) {
		inner.root = config_root_setting(&config);
		load_list(&inner, config_setting_get_elem(inner.root, 0), key, base, path);
	} else {
		fault_default(load, path, config_error_text(&config));
	}
	config_destroy(&config);
	free(text);
}

static void load_default(struct load *load, const struct conf_key *key, char *base,
			 const char *path)
{
	char why[400];
	int err = 0;

	if (key->type == CONF_GROUP && !key->list) {
		load_group(load, NULL, key->keys, base + key->offset, path, false);
	} else if (key->def && key->list) {
		default_list(load, key, base, path);
	} else if (key->def) {
		err = conf_value_default(key, key->def, base + key->offset, why, sizeof(why));
	}
	if (err == -ENOMEM)
		load->no_memory = true;
	else if (err)
		fault_default(load, path, why);
}

/* --- groups --- */

static void load_key(struct load *load, config_setting_t *setting, const struct conf_key *key,
		     char *base, const char *path)
{
	int type = config_setting_type(setting);

	if (key->has_present)
		*(bool *)(void *)(base + key->present) = true;
	if (key->list) {
		if (type == CONFIG_TYPE_LIST ||
		    (type == CONFIG_TYPE_ARRAY &&
		     (key->type != CONF_GROUP || config_setting_length(setting) == 0)))
			load_list(load, setting, key, base, path);
		else
			fault_type(load, setting, key, path);
	} else if (key->type == CONF_GROUP) {
		if (type == CONFIG_TYPE_GROUP)
			load_group(load, setting, key->keys, base + key->offset, path, true);
		else
			fault_type(load, setting, key, path);
	} else {
		load_value(load, setting, key, base + key->offset, path);
	}
}

/*
 * Fills the keys of one group. `group` NULL: all defaults. `complete`: a missing required key is a
 * fault, at the line where the group stands.
 */
static void load_group(struct load *load, config_setting_t *group, const struct conf_key *keys,
		       void *base, const char *path, bool complete)
{
	int length = group ? config_setting_length(group) : 0;
	char text[PATH_TEXT];

	for (int i = 0; i < length; i++) {
		config_setting_t *setting = config_setting_get_elem(group, (unsigned int)i);

		if (!key_find(keys, config_setting_name(setting)))
			fault_unknown(load, setting, keys, path);
	}
	for (const struct conf_key *key = keys; key->name; key++) {
		config_setting_t *setting =
			group ? config_setting_get_member(group, key->name) : NULL;

		path_join(text, path, key->name);
		if (setting) {
			load_key(load, setting, key, base, text);
			continue;
		}
		if (complete && key->required)
			conf_faults_add(load->faults, setting_line(group),
					"missing %s (%s): it is required here", text,
					key->help ? key->help : key->name);
		load_default(load, key, base, text);
	}
}

/* --- the schema's own faults, which are the programmer's --- */

static size_t type_size(enum conf_type type)
{
	static const size_t sizes[] = {
		[CONF_BOOL] = sizeof(bool),
		[CONF_SECONDS] = sizeof(usec_t),
		[CONF_NUMBER] = sizeof(double),
		[CONF_STRING] = sizeof(char *),
		[CONF_NAME] = sizeof(char *),
		[CONF_SATELLITE] = sizeof(char *),
		[CONF_PATH] = sizeof(char *),
		[CONF_IFNAME] = sizeof(char *),
		[CONF_ADDR] = sizeof(struct addr),
		[CONF_PREFIX] = sizeof(struct prefix),
		[CONF_ENDPOINT] = sizeof(struct endpoint),
		[CONF_LLADDR] = sizeof(struct lladdr),
		[CONF_KEY] = CONF_KEY_BYTES,
		[CONF_ENUM] = sizeof(int),
	};

	return sizes[type];
}

static bool key_sound(const struct conf_key *key, size_t limit)
{
	bool integer = key->size == 1 || key->size == 2 || key->size == 4 || key->size == 8;
	size_t field = key->list ? sizeof(void *) : key->size;

	if (key->type < CONF_BOOL || key->type > CONF_GROUP || key->offset + field > limit)
		return false;
	if ((key->list && key->count_offset + sizeof(size_t) > limit) ||
	    (key->has_present && key->present + sizeof(bool) > limit))
		return false;
	if (key->type == CONF_GROUP)
		return key->keys && (!key->list || key->size) && !key->check;
	if (key->type == CONF_ENUM && !key->names)
		return false;
	return key->type == CONF_INT ? integer : key->size == type_size(key->type);
}

static bool schema_sound(const struct conf_key *keys, size_t limit)
{
	for (const struct conf_key *key = keys; key->name; key++) {
		/* A group without a size of its own lies in the structure around it. */
		size_t inside = key->size ? key->size : limit;

		if (!key_sound(key, limit) || key_find(keys, key->name) != key)
			return false;
		if (key->type == CONF_GROUP && !schema_sound(key->keys, inside))
			return false;
	}
	return true;
}

/* --- load and free --- */

static int load_config(const struct conf_schema *schema, struct load *load, config_t *config,
		       void *fresh)
{
	struct conf_check check = {load};

	if (config_read_string(config, load->source->text) != CONFIG_TRUE) {
		const char *text = config_error_text(config);

		if (strcmp(text, "duplicate setting name") == 0)
			text = "this key is already set in the same group";
		conf_faults_add(load->faults, (unsigned int)config_error_line(config), "%s", text);
		return -EINVAL;
	}
	load->root = config_root_setting(config);
	load_group(load, load->root, schema->keys, fresh, "", true);
	if (load->no_memory)
		return -ENOMEM;
	if (!load->faults->count && schema->check)
		schema->check(&check, fresh);
	return load->faults->count ? -EINVAL : 0;
}

/* The second half of every load: `err` and `faults` are what reading the source came to. */
static int load_source(const struct conf_schema *schema, struct conf_source *source,
		       struct conf_faults *faults, int err, void *config, conf_report_fn *report,
		       void *arg)
{
	struct load load = {.source = source, .faults = faults};
	void *fresh = calloc(1, schema->size);
	config_t parsed;

	config_init(&parsed);
	if (!err && !fresh)
		err = -ENOMEM;
	if (!err && !schema_sound(schema->keys, schema->size)) {
		conf_faults_add(faults, 0, "the program's table of keys is wrong");
		err = -EFAULT;
	}
	if (!err) {
		err = load_config(schema, &load, &parsed, fresh);
		if (err)
			conf_free(schema, fresh);
	}
	config_destroy(&parsed);
	if (err == -ENOMEM)
		conf_faults_add(faults, 0, "%s", strerror(ENOMEM));
	if (!err)
		memcpy(config, fresh, schema->size);
	free(fresh);
	conf_faults_report(faults, source, report, arg);
	conf_faults_free(faults);
	conf_source_free(source);
	return err;
}

int conf_load(const struct conf_schema *schema, const char *path, void *config,
	      conf_report_fn *report, void *arg)
{
	struct conf_faults faults = {0};
	struct conf_source source;
	int err = conf_source_read(&source, path, &faults);

	return load_source(schema, &source, &faults, err, config, report, arg);
}

int conf_load_text(const struct conf_schema *schema, const char *name, const char *text,
		   size_t length, void *config, conf_report_fn *report, void *arg)
{
	struct conf_faults faults = {0};
	struct conf_source source;
	int err = conf_source_take(&source, name, text, length, &faults);

	return load_source(schema, &source, &faults, err, config, report, arg);
}

static void free_keys(const struct conf_key *keys, char *base)
{
	for (const struct conf_key *key = keys; key->name; key++) {
		char *field = base + key->offset;

		if (key->list) {
			char *items = conf_items(key, base);
			size_t count = conf_count(key, base);

			for (size_t i = 0; i < count; i++) {
				if (key->type == CONF_GROUP)
					free_keys(key->keys, items + i * key->size);
				else
					conf_value_free(key, items + i * key->size);
			}
			free(items);
			*(void **)(void *)field = NULL;
		} else if (key->type == CONF_GROUP) {
			free_keys(key->keys, field);
		} else {
			conf_value_free(key, field);
		}
	}
}

void conf_free(const struct conf_schema *schema, void *config)
{
	free_keys(schema->keys, config);
	memset(config, 0, schema->size);
}
