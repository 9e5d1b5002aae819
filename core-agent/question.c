/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers that come later; see question.h. */
#include "question.h"

#include "core.h"
#include "peer.h"

#include <stdlib.h>
#include <utlist.h>

void question_answer(struct core *core, const struct question *q, enum reason reason,
		     const struct anticipation *about, usec_t now)
{
	struct message request, answer;

	message_init(&answer, message_answer(q->type), 0);
	message_set_number(&answer, ATTR_REASON, reason);
	if (about) {
		message_set_text(&answer, ATTR_NEXT_CORE, anticipation_target(about));
		message_set_number(&answer, ATTR_MODE, about->mode);
		if (about->shorter > 0)
			message_set_number(&answer, ATTR_UPLINK_DELAY, (uint64_t)about->shorter);
	}
	if (q->serving) {
		message_init(&request, q->type, q->id);
		peer_answer(q->serving, &request, &answer, now);
	} else {
		q->reply.fn(core, q->reply.token, &answer, now);
	}
}

static void question_drop(struct question *q)
{
	struct anticipation *a = q->about;

	timer_cancel(&a->subscriber->core->timers, &q->timer);
	DL_DELETE(a->questions, q);
	free(q);
}

void questions_answer(struct anticipation *a, enum reason reason, usec_t now)
{
	while (a->questions) {
		struct question q = *a->questions;

		question_drop(a->questions);
		question_answer(a->subscriber->core, &q, reason,
				reason == REASON_ACCEPTED ? a : NULL, now);
	}
}

/* The terminal waits no longer: it goes without, and the target may still be ready in time. */
static void question_timer(struct timer *timer, void *arg, usec_t now)
{
	struct question *waited = arg, q = *waited;
	struct core *core = q.about->subscriber->core;

	(void)timer;
	question_drop(waited);
	question_answer(core, &q, REASON_NOT_PREPARED, NULL, now);
}

void question_wait(const struct question *asked, struct anticipation *a, usec_t now)
{
	struct core *core = a->subscriber->core;
	struct question *q = malloc(sizeof(*q));

	if (!q) {
		question_answer(core, asked, REASON_NOT_PREPARED, NULL, now);
		return;
	}
	*q = *asked;
	q->about = a;
	timer_init(&q->timer, question_timer, q);
	DL_APPEND(a->questions, q);
	if (q->type == MESSAGE_CORE_DISCONNECT)
		timer_set(&core->timers, &q->timer, now + core->config->handover.prepare_wait);
}

void questions_drop(struct anticipation *a)
{
	while (a->questions)
		question_drop(a->questions);
}

void questions_forget(const struct peer *serving)
{
	struct anticipation *a, *next;
	struct question *q, *next_question;

	HASH_ITER (hh, serving->core->anticipations, a, next)
		DL_FOREACH_SAFE (a->questions, q, next_question)
			if (q->serving == serving)
				question_drop(q);
}
