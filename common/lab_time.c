/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole numbers only: the same instant is the same in every daemon, to the microsecond. */
#include "lab_time.h"

#include "log.h"

static const char *check_time(const void *value)
{
	const char *const *text = value;
	usec_t instant;

	return *text && association_time_parse(*text, &instant) < 0
		       ? "must be a time in UTC like 2026-07-29T12:03:20.5Z"
		       : NULL;
}

const struct conf_key lab_time_keys[] = {
	{"start", CONF_STRING, CONF_FIELD(struct lab_time_config, start), .required = true,
	 .check = check_time, .help = "instant of plans, in UTC"},
	{"epoch", CONF_STRING, CONF_FIELD(struct lab_time_config, epoch), .required = true,
	 .check = check_time, .help = "real instant at which that is, the same in all daemons"},
	{"rate", CONF_INT, CONF_FIELD(struct lab_time_config, rate), .required = true, .min = 1,
	 .max = LAB_RATE_MAX, .help = "seconds of plans in each real one"},
	{},
};

struct lab_time lab_time_of(const struct lab_time_config *config)
{
	struct lab_time t = {.rate = config->rate};

	if (!config->given || association_time_parse(config->start, &t.start) < 0 ||
	    association_time_parse(config->epoch, &t.epoch) < 0)
		return (struct lab_time){0};
	return t;
}

usec_t lab_time_real(const struct lab_time *t, usec_t planned)
{
	if (!t->rate || planned == USEC_NEVER)
		return planned;
	return t->epoch + (planned - t->start) / t->rate;
}

usec_t lab_time_planned(const struct lab_time *t, usec_t real)
{
	usec_t planned;

	if (!t->rate || real == USEC_NEVER)
		return real;
	if (__builtin_mul_overflow(real - t->epoch, (usec_t)t->rate, &planned) ||
	    __builtin_add_overflow(planned, t->start, &planned))
		return USEC_NEVER;
	/* A microsecond of real time is many of plans; what is finer was never there. */
	return (planned + USEC_PER_MSEC / 2) / USEC_PER_MSEC * USEC_PER_MSEC;
}

void lab_time_associations(const struct lab_time *t, struct associations *a)
{
	for (size_t i = 0; i < a->count; i++) {
		a->rows[i].from = lab_time_real(t, a->rows[i].from);
		a->rows[i].until = lab_time_real(t, a->rows[i].until);
	}
}

void lab_time_warn(const struct lab_time *t)
{
	char start[ASSOCIATION_TIME_TEXT], epoch[ASSOCIATION_TIME_TEXT];

	if (t->rate)
		log_warnx("LAB TIME, never to be used with real satellites: plans are at %s when "
			  "it is %s, and run %u times as fast",
			  association_time_format(t->start, start),
			  association_time_format(t->epoch, epoch), t->rate);
}
