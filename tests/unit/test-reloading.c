/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A reload that waits for files: what is read for it is there when it is made again, once; and that
 * it was refused is told as any other refusal, as an event of the journal.
 */
#include "log_event.h"
#include "reloading.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

/* An object that is read from nothing: its name is what it is told apart by. */
struct thing {
	const char *name;
	bool small;
	int result;
};

static atomic_int alive, read_so_often;

static int thing_read(void *object, association_report_fn *report, void *arg)
{
	const struct thing *t = object;

	read_so_often++;
	if (t->result < 0)
		report(arg, "not good");
	return t->result;
}

static void thing_free(void *object)
{
	free(object);
	alive--;
}

static bool thing_small(const void *object)
{
	return ((const struct thing *)object)->small;
}

static bool thing_same(const void *a, const void *b)
{
	return strcmp(((const struct thing *)a)->name, ((const struct thing *)b)->name) == 0;
}

static const struct reloading_kind kind = {{thing_read, thing_free}, thing_small, thing_same};

static struct thing *thing(const char *name, bool small, int result)
{
	struct thing *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	*t = (struct thing){name, small, result};
	alive++;
	return t;
}

static void told(void *arg, const char *message)
{
	snprintf(arg, 64, "%s", message);
}

/* Whether the reload goes on when the reading has ended. */
static bool read_to_the_end(struct reloading *r, char said[64])
{
	int error = 0;

	while (r->reading) {
		usec_t at = reloading_next(r);

		assert_int_not_equal(at, USEC_NEVER);
		usleep(1000);
		error = reloading_look(r, at, told, said);
	}
	assert_int_equal(reloading_next(r), USEC_NEVER);
	assert_int_equal(error < 0, !r->object);
	return reloading_goes_on(r);
}

/* Nothing is left, also of what a thread frees. */
static void finish(struct reloading *r)
{
	reloading_close(r);
	for (int i = 0; alive > 0 && i < 20000; i++)
		usleep(1000);
	assert_int_equal(alive, 0);
	assert_null(r->object);
	read_so_often = 0;
}

static void test_goes_on(void **state)
{
	struct reloading r = {0};
	char said[64] = "";

	(void)state;
	assert_int_equal(reloading_find(&r, &kind, thing("a", false, 0), 0, told, said),
			 -EINPROGRESS);
	assert_int_equal(reloading_find(&r, &kind, thing("a", false, 0), 0, told, said),
			 -EINPROGRESS);
	assert_true(read_to_the_end(&r, said));
	assert_false(reloading_goes_on(&r));
	/* Who asks for it now has it, and whoever is the next again needs a reading. */
	assert_int_equal(reloading_find(&r, &kind, thing("a", false, 0), 0, told, said), 0);
	assert_string_equal(((struct thing *)r.object)->name, "a");
	assert_int_equal(read_so_often, 1);
	reloading_forget(&r);
	assert_int_equal(reloading_find(&r, &kind, thing("a", false, 0), 0, told, said),
			 -EINPROGRESS);
	/* Another one takes its place; a small one is waited for. */
	assert_int_equal(reloading_find(&r, &kind, thing("b", true, 0), 0, told, said), 0);
	assert_string_equal(((struct thing *)r.object)->name, "b");
	assert_int_equal(reloading_find(&r, &kind, NULL, 0, told, said), -ENOMEM);
	assert_string_equal(said, "");
	finish(&r);
}

static void test_refused(void **state)
{
	char directory[] = "/tmp/test-reloading.XXXXXX", record[512] = "", said[64] = "";
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct reloading r = {0};

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/journal", directory);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	log_journal_at(address.sun_path);
	log_init("t", LOG_LEVEL_INFO, LOG_TO_JOURNAL);
	log_steady();
	assert_int_equal(reloading_find(&r, &kind, thing("a", false, -EINVAL), 0, told, said),
			 -EINPROGRESS);
	assert_false(read_to_the_end(&r, said));
	assert_string_equal(said, "not good");
	assert_true(recv(fd, record, sizeof(record) - 1, 0) > 0);
	assert_non_null(strstr(record, "MESSAGE=reload refused, "));
	assert_non_null(strstr(record, log_event_id(LOG_EVENT_RELOAD_REFUSED)));
	/* At once, it is for who asks to say so. */
	assert_int_equal(reloading_find(&r, &kind, thing("b", true, -EINVAL), 0, told, said),
			 -EINVAL);
	assert_int_equal(recv(fd, record, sizeof(record) - 1, 0), -1);
	finish(&r);
	log_journal_at(NULL);
	close(fd);
	unlink(address.sun_path);
	rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_goes_on),
		cmocka_unit_test(test_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
