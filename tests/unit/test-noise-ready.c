/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Results that are ready before a handshake: it ends as it would have without them, and no
 * ephemeral key serves twice, whatever becomes of the handshake that took it.
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
	struct noise_ready *ready;
};

static int setup(void **state)
{
	static struct fixture f;

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
								     .psk = f->psk}),
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

/* A whole handshake; the responder's ephemeral public key. */
static void shake(const struct fixture *f, uint8_t ephemeral[KEY_LENGTH])
{
	struct noise initiator, responder;
	struct noise_keys a, b;
	uint8_t message[MESSAGE], payload[MESSAGE];
	size_t length = ask(f, &initiator, message);

	hear(f, &responder, message, length);
	assert_int_equal(noise_write(&responder, "you", 3, message, MESSAGE, &length), 0);
	memcpy(ephemeral, message, KEY_LENGTH);
	assert_int_equal(noise_read(&initiator, message, length, payload, sizeof(payload), &length),
			 0);
	assert_int_equal(noise_split(&initiator, &a), 0);
	assert_int_equal(noise_split(&responder, &b), 0);
	assert_memory_equal(a.send, b.receive, KEY_LENGTH);
	assert_memory_equal(a.receive, b.send, KEY_LENGTH);
	assert_memory_equal(a.hash, b.hash, HASH_LENGTH);
}

/* The same outcome with nothing, the static result, and everything ready; each key once. */
static void test_handshakes(void **state)
{
	struct fixture *f = *state;
	uint8_t ephemerals[4][KEY_LENGTH];

	shake(f, ephemerals[0]);
	assert_false(noise_ready_waits(f->ready));
	assert_int_equal(noise_ready_add(f->ready, f->terminal.public), 0);
	assert_int_equal(noise_ready_add(f->ready, f->terminal.public), 0);
	assert_true(noise_ready_waits(f->ready));
	assert_false(noise_ready_work(f->ready));
	assert_false(noise_ready_waits(f->ready));
	shake(f, ephemerals[1]);
	assert_true(noise_ready_waits(f->ready));
	shake(f, ephemerals[2]);
	assert_false(noise_ready_work(f->ready));
	shake(f, ephemerals[3]);
	for (int i = 0; i < 4; i++)
		for (int j = 0; j < i; j++)
			assert_memory_not_equal(ephemerals[i], ephemerals[j], KEY_LENGTH);
}

/* What is ready is what would have been computed. */
static void test_results(void **state)
{
	struct fixture *f = *state;
	uint8_t expected[KEY_LENGTH], got[KEY_LENGTH], public[KEY_LENGTH];
	struct key_pair ephemeral;

	assert_false(noise_ready_static(f->ready, f->terminal.public, got));
	assert_false(noise_ready_ephemeral(f->ready, f->terminal.public, &ephemeral, got));
	assert_int_equal(noise_ready_add(f->ready, f->terminal.public), 0);
	assert_false(noise_ready_static(f->ready, f->terminal.public, got));
	noise_ready_work(f->ready);
	assert_true(noise_ready_static(f->ready, f->terminal.public, got));
	assert_int_equal(keys_dh(expected, f->terminal.private, f->core.public), 0);
	assert_memory_equal(got, expected, KEY_LENGTH);
	assert_true(noise_ready_ephemeral(f->ready, f->terminal.public, &ephemeral, got));
	keys_public(public, ephemeral.private);
	assert_memory_equal(public, ephemeral.public, KEY_LENGTH);
	assert_int_equal(keys_dh(expected, f->terminal.private, ephemeral.public), 0);
	assert_memory_equal(got, expected, KEY_LENGTH);
	assert_false(noise_ready_ephemeral(f->ready, f->terminal.public, &ephemeral, got));
	assert_true(noise_ready_static(f->ready, f->terminal.public, got));
}

/* An answer that cannot be written has used its key up, and the next one works. */
static void test_failed_answer(void **state)
{
	struct fixture *f = *state;
	struct noise initiator, responder;
	uint8_t message[MESSAGE], ephemeral[KEY_LENGTH], again[KEY_LENGTH];
	size_t length = ask(f, &initiator, message);

	noise_ready_add(f->ready, f->terminal.public);
	noise_ready_work(f->ready);
	/* Of low order: the initiator's ephemeral key does not enter what is ready, but does ee. */
	hear(f, &responder, message, length);
	memset(responder.remote_ephemeral, 0, KEY_LENGTH);
	assert_int_equal(noise_write(&responder, "you", 3, message, MESSAGE, &length),
			 -EKEYREJECTED);
	assert_true(noise_ready_waits(f->ready));
	noise_wipe(&responder);
	noise_wipe(&initiator);
	noise_ready_work(f->ready);
	shake(f, ephemeral);
	shake(f, again);
	assert_memory_not_equal(ephemeral, again, KEY_LENGTH);
}

/* Who has gone is not known any more, whether it waited or not; a key of low order never is. */
static void test_remove(void **state)
{
	struct fixture *f = *state;
	uint8_t shared[KEY_LENGTH], zero[KEY_LENGTH] = {0}, ephemeral[KEY_LENGTH];
	struct key_pair others[3];

	for (int i = 0; i < 3; i++) {
		keys_generate_pair(&others[i]);
		noise_ready_add(f->ready, others[i].public);
	}
	noise_ready_remove(f->ready, others[1].public);
	assert_true(noise_ready_work(f->ready));
	assert_false(noise_ready_work(f->ready));
	assert_false(noise_ready_static(f->ready, others[1].public, shared));
	noise_ready_remove(f->ready, others[0].public);
	assert_false(noise_ready_static(f->ready, others[0].public, shared));
	assert_true(noise_ready_static(f->ready, others[2].public, shared));

	noise_ready_add(f->ready, zero);
	assert_false(noise_ready_work(f->ready));
	assert_false(noise_ready_waits(f->ready));
	assert_false(noise_ready_static(f->ready, zero, shared));
	noise_ready_remove(f->ready, zero);
	shake(f, ephemeral);
}

/* Only a responder of IK meets strangers whose key it learns in the message. */
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
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_handshakes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_results, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failed_answer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_remove, setup, teardown),
		cmocka_unit_test_setup_teardown(test_setup, setup, teardown),
	};

	if (keys_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
