/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Announcements and disconnects that wait for their answer, until what was asked for is prepared
 * (PROTOCOL section 15.2): so long, or after a disconnect so long as the configuration says.
 */
#ifndef SNO_CORE_QUESTION_H
#define SNO_CORE_QUESTION_H

#include "anticipation.h"

struct question {
	struct anticipation *about;
	enum message_type type;
	struct peer *serving; /* that asked; NULL: the terminal itself, then reply */
	uint32_t id;
	struct anticipation_reply reply;
	struct timer timer;
	struct question *prev, *next;
};

/* Answers at once; about is NULL where nothing is prepared. */
void question_answer(struct core *core, const struct question *question, enum reason reason,
		     const struct anticipation *about, usec_t now);

/* Keeps a copy until the anticipation is ready or over, or the terminal can wait no longer. */
void question_wait(const struct question *asked, struct anticipation *about, usec_t now);
/* Answers all who wait for it; with REASON_ACCEPTED it is prepared. */
void questions_answer(struct anticipation *about, enum reason reason, usec_t now);
/* Forgets all who wait for it. */
void questions_drop(struct anticipation *about);
/* Forgets all that this peer has asked: its requests are void. */
void questions_forget(const struct peer *serving);

#endif
