/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What both ends foresee of a handshake: it ends as it would have without, saves what it promises
 * to save, and no ephemeral key serves twice, whatever becomes of the handshake that took it.
 */
#include "noise_ready.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "noise.h"

#define MESSAGE 256

struct fixture {
	struct key_pair terminal, core;
	uint8_t psk[KEY_LENGTH];
	struct noise_foreseen foreseen; /* the terminal's */
	struct noise_ready *ready;	/* the core's */
};

static int setup(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	keys_generate_pair(&f.terminal);
	keys_generate_pair(&f.core);
	keys_generate_psk(f.psk);
	f.ready = noise_ready_new(&f.core);
	assert_non_null(f.ready);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	noise_ready_free(f->ready);
	return 0;
}

/* Message 1 of a new handshake. Returns its length. */
static size_t ask(const struct fixture *f, struct noise *initiator, uint8_t message[MESSAGE])
{
	size_t length;

	assert_int_equal(noise_init(initiator, &(struct noise_setup){.protocol = NOISE_IK_PSK2,
								     .initiator = true,
								     .local = &f->terminal,
								     .remote = f->core.public,
								     .psk = f->psk,
								     .foreseen = &f->foreseen}),
			 0);
	assert_int_equal(noise_write(initiator, "who", 3, message, MESSAGE, &length), 0);
	return length;
}

static void hear(const struct fixture *f, struct noise *responder, const uint8_t *message,
		 size_t length)
{
	uint8_t payload[MESSAGE];

	assert_int_equal(noise_init(responder, &(struct noise_setup){.protocol = NOISE_IK_PSK2,
								     .local = &f->core,
								     .psk = f->psk,
								     .ready = f->ready}),
			 0);
	assert_int_equal(noise_read(responder, message, length, payload, sizeof(payload), &length),
			 0);
	assert_int_equal(length, 3);
}

struct seen {
	uint8_t initiator[KEY_LENGTH], responder[KEY_LENGTH]; /* ephemeral keys */
};

/* A whole handshake; the ephemeral public keys that were seen in it. */
static struct seen shake(const struct fixture *f)
{
	struct noise initiator, responder;
	struct noise_keys a, b;
	uint8_t message[MESSAGE], payload[MESSAGE];
	size_t length = ask(f, &initiator, message);
	struct seen seen;

	memcpy(seen.initiator, message, KEY_LENGTH);
	hear(f, &responder, message, length);
	assert_int_equal(noise_write(&responder, "you", 3, message, MESSAGE, &length), 0);
	memcpy(seen.responder, message, KEY_LENGTH);
	assert_int_equal(noise_read(&initiator, message, length, payload, sizeof(payload), &length),
			 0);
	assert_int_equal(noise_split(&initiator, &a), 0);
	assert_int_equal(noise_split(&responder, &b), 0);
	assert_memory_equal(a.send, b.receive, KEY_LENGTH);
	assert_memory_equal(a.receive, b.send, KEY_LENGTH);
	assert_memory_equal(a.hash, b.hash, HASH_LENGTH);
	return seen;
}

/* As both ends do: each announces its following key, and works when the handshake is over. */
static struct seen shake_and_announce(struct fixture *f)
{
	uint8_t terminals[KEY_LENGTH], cores[KEY_LENGTH];
	const uint8_t *following = noise_ready_following(f->ready, f->terminal.public);
	bool announced = following != NULL;
	struct seen seen;

	if (announced)
		memcpy(cores, following, KEY_LENGTH);
	noise_foreseen_pairs(&f->foreseen);
	memcpy(terminals, f->foreseen.following.public, KEY_LENGTH);
	seen = shake(f);
	noise_ready_add(f->ready, f->terminal.public);
	noise_ready_announced(f->ready, f->terminal.public, terminals);
	noise_foreseen_used(&f->foreseen);
	if (announced)
		noise_foreseen_announced(&f->foreseen, cores);
	noise_ready_work(f->ready);
	assert_int_equal(noise_foreseen_work(&f->foreseen, true, &f->terminal, f->core.public), 0);
	return seen;
}

/* The same outcome with nothing, something and everything foreseen; each key once. */
static void test_handshakes(void **state)
{
	struct fixture *f = *state;
	struct seen seen[8];

	seen[0] = shake(f);
	assert_false(noise_ready_waits(f->ready));
	assert_int_equal(noise_ready_add(f->ready, f->terminal.public), 0);
	assert_int_equal(noise_ready_add(f->ready, f->terminal.public), 0);
	assert_true(noise_ready_waits(f->ready));
	assert_false(noise_ready_work(f->ready));
	assert_false(noise_ready_waits(f->ready));
	seen[1] = shake(f);
	assert_true(noise_ready_waits(f->ready));
	seen[2] = shake(f); /* the following key, without a pause to work */
	seen[3] = shake(f); /* and none any more */
	for (int i = 4; i < 8; i++)
		seen[i] = shake_and_announce(f);
	for (int i = 0; i < 8; i++) {
		for (int j = 0; j < i; j++) {
			assert_memory_not_equal(seen[i].initiator, seen[j].initiator, KEY_LENGTH);
			assert_memory_not_equal(seen[i].responder, seen[j].responder, KEY_LENGTH);
		}
	}
}

/* After two handshakes both ends know everything of the third, and it uses the announced keys. */
static void test_all_foreseen(void **state)
{
	struct fixture *f = *state;
	const struct noise_foreseen *core;
	uint8_t mine[KEY_LENGTH], theirs[KEY_LENGTH], shared[KEY_LENGTH], expected[KEY_LENGTH];
	struct seen seen;

	shake_and_announce(f);
	shake_and_announce(f);
	memcpy(mine, f->foreseen.ephemeral.public, KEY_LENGTH);
	core = noise_ready_of_ephemeral(f->ready, mine);
	assert_non_null(core);
	assert_ptr_equal(core, noise_ready_of(f->ready, f->terminal.public));
	memcpy(theirs, core->ephemeral.public, KEY_LENGTH);
	assert_int_equal(keys_dh(expected, f->foreseen.ephemeral.private, theirs), 0);
	assert_true(noise_foreseen_result(core, NOISE_EE, theirs, mine, shared));
	assert_memory_equal(shared, expected, KEY_LENGTH);
	assert_true(noise_foreseen_result(&f->foreseen, NOISE_EE, mine, theirs, shared));
	assert_memory_equal(shared, expected, KEY_LENGTH);
	assert_int_equal(keys_dh(expected, f->core.private, mine), 0);
	assert_true(noise_foreseen_result(core, NOISE_ES, NULL, mine, shared));
	assert_memory_equal(shared, expected, KEY_LENGTH);
	assert_true(noise_foreseen_result(&f->foreseen, NOISE_ES, mine, NULL, shared));
	assert_memory_equal(shared, expected, KEY_LENGTH);
	assert_int_equal(keys_dh(expected, f->terminal.private, theirs), 0);
	assert_true(noise_foreseen_result(core, NOISE_SE, theirs, NULL, shared));
	assert_memory_equal(shared, expected, KEY_LENGTH);
	assert_true(noise_foreseen_result(&f->foreseen, NOISE_SE, NULL, theirs, shared));
	assert_memory_equal(shared, expected, KEY_LENGTH);
	/* Of other keys nothing is known. */
	assert_false(noise_foreseen_result(core, NOISE_EE, theirs, theirs, shared));
	assert_false(noise_foreseen_result(core, NOISE_EE, mine, mine, shared));

	seen = shake(f);
	assert_memory_equal(seen.initiator, mine, KEY_LENGTH);
	assert_memory_equal(seen.responder, theirs, KEY_LENGTH);
	assert_null(noise_ready_of_ephemeral(f->ready, mine));
	core = noise_ready_of(f->ready, f->terminal.public);
	assert_false(noise_foreseen_result(core, NOISE_EE, theirs, mine, shared));
	assert_memory_not_equal(core->ephemeral.public, theirs, KEY_LENGTH);
}

/* A wrong announcement costs the help, not the handshake; nor can it take away another's. */
static void test_wrong_announcements(void **state)
{
	struct fixture *f = *state;
	struct key_pair other;
	uint8_t zero[KEY_LENGTH] = {0}, mine[KEY_LENGTH];

	shake_and_announce(f);
	keys_generate_pair(&other);
	noise_ready_announced(f->ready, f->terminal.public, other.public);
	noise_foreseen_announced(&f->foreseen, other.public);
	noise_ready_work(f->ready);
	noise_foreseen_work(&f->foreseen, true, &f->terminal, f->core.public);
	shake(f);

	noise_foreseen_used(&f->foreseen);
	noise_ready_announced(f->ready, f->terminal.public, zero);
	noise_foreseen_announced(&f->foreseen, zero);
	assert_false(noise_ready_work(f->ready));
	assert_int_equal(noise_foreseen_work(&f->foreseen, true, &f->terminal, f->core.public), 0);
	shake(f);

	noise_foreseen_used(&f->foreseen);
	shake_and_announce(f);
	memcpy(mine, f->foreseen.ephemeral.public, KEY_LENGTH);
	noise_ready_add(f->ready, other.public);
	noise_ready_announced(f->ready, other.public, mine);
	assert_ptr_equal(noise_ready_of_ephemeral(f->ready, mine),
			 noise_ready_of(f->ready, f->terminal.public));
	shake(f);
	noise_ready_remove(f->ready, f->terminal.public);
	assert_null(noise_ready_of_ephemeral(f->ready, mine));
}

/* An answer that cannot be written has used its key up, and the next one works. */
static void test_failed_answer(void **state)
{
	struct fixture *f = *state;
	struct noise initiator, responder;
	uint8_t message[MESSAGE], taken[KEY_LENGTH];
	size_t length;

	noise_ready_add(f->ready, f->terminal.public);
	noise_ready_work(f->ready);
	memcpy(taken, noise_ready_of(f->ready, f->terminal.public)->ephemeral.public, KEY_LENGTH);
	length = ask(f, &initiator, message);
	hear(f, &responder, message, length);
	memset(responder.remote_ephemeral, 0, KEY_LENGTH);
	assert_int_equal(noise_write(&responder, "you", 3, message, MESSAGE, &length),
			 -EKEYREJECTED);
	assert_true(noise_ready_waits(f->ready));
	noise_wipe(&responder);
	noise_wipe(&initiator);
	noise_ready_work(f->ready);
	assert_memory_not_equal(shake(f).responder, taken, KEY_LENGTH);
}

/* Who has gone is not known any more, whether it waited or not; a key of low order never is. */
static void test_remove(void **state)
{
	struct fixture *f = *state;
	uint8_t shared[KEY_LENGTH], zero[KEY_LENGTH] = {0};
	struct key_pair others[3];

	for (int i = 0; i < 3; i++) {
		keys_generate_pair(&others[i]);
		noise_ready_add(f->ready, others[i].public);
	}
	noise_ready_remove(f->ready, others[1].public);
	assert_true(noise_ready_work(f->ready));
	assert_false(noise_ready_work(f->ready));
	assert_null(noise_ready_of(f->ready, others[1].public));
	noise_ready_remove(f->ready, others[0].public);
	assert_null(noise_ready_of(f->ready, others[0].public));
	assert_true(noise_foreseen_result(noise_ready_of(f->ready, others[2].public), NOISE_SS,
					  NULL, NULL, shared));

	noise_ready_add(f->ready, zero);
	assert_false(noise_ready_work(f->ready));
	assert_false(noise_ready_waits(f->ready));
	assert_false(noise_foreseen_result(noise_ready_of(f->ready, zero), NOISE_SS, NULL, NULL,
					   shared));
	noise_ready_announced(f->ready, zero, others[0].public);
	assert_false(noise_ready_waits(f->ready));
	noise_ready_remove(f->ready, zero);
	shake(f);
}

/* What is foreseen is of IK, and of one role. */
static void test_setup(void **state)
{
	struct fixture *f = *state;
	struct noise n;

	for (int initiator = 0; initiator < 2; initiator++)
		assert_int_equal(noise_init(&n, &(struct noise_setup){.protocol = NOISE_KK_PSK2,
								      .initiator = initiator,
								      .local = &f->core,
								      .remote = f->terminal.public,
								      .ready = f->ready}),
				 -EINVAL);
	assert_int_equal(noise_init(&n, &(struct noise_setup){.protocol = NOISE_IK_PSK2,
							      .initiator = true,
							      .local = &f->terminal,
							      .remote = f->core.public,
							      .ready = f->ready}),
			 -EINVAL);
	assert_int_equal(noise_init(&n, &(struct noise_setup){.protocol = NOISE_IK_PSK2,
							      .local = &f->core,
							      .foreseen = &f->foreseen}),
			 -EINVAL);
	assert_int_equal(noise_init(&n, &(struct noise_setup){.protocol = NOISE_KK_PSK2,
							      .initiator = true,
							      .local = &f->terminal,
							      .remote = f->core.public,
							      .foreseen = &f->foreseen}),
			 -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_handshakes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_all_foreseen, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wrong_announcements, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failed_answer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_remove, setup, teardown),
		cmocka_unit_test_setup_teardown(test_setup, setup, teardown),
	};

	if (keys_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
