/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One reading at a time; see reloading.h. */
#include "reloading.h"

#include <errno.h>

#include "log_event.h"

static int end_reading(struct reloading *r, association_report_fn *report, void *arg)
{
	int error = reading_end(r->reading, &r->object, report, arg);

	r->reading = NULL;
	return error;
}

/* Begins to read into this object, which it takes over. */
static int begin_reading(struct reloading *r, void *wanted, association_report_fn *report,
			 void *arg)
{
	reading_abandon(r->reading);
	reloading_forget(r);
	r->wanted = wanted;
	r->reading = reading_begin(&r->kind->reading, wanted);
	if (r->reading)
		return 0;
	report(arg, "no memory or no thread to read files with; reload again");
	return -EAGAIN;
}

int reloading_find(struct reloading *r, const struct reloading_kind *kind, void *wanted, usec_t now,
		   association_report_fn *report, void *arg)
{
	bool small;
	int error = 0;

	if (!wanted)
		return -ENOMEM;
	r->kind = kind;
	small = kind->small(wanted);
	if ((r->object && kind->same(r->object, wanted)) ||
	    (r->reading && kind->same(r->wanted, wanted)))
		kind->reading.free(wanted);
	else
		error = begin_reading(r, wanted, report, arg);
	if (error < 0 || r->object)
		return error;
	if (small)
		return end_reading(r, report, arg);
	r->look_at = now + READING_POLL;
	return -EINPROGRESS;
}

int reloading_look(struct reloading *r, usec_t now, association_report_fn *report, void *arg)
{
	int error;

	if (!r->reading)
		return 0;
	if (!reading_done(r->reading)) {
		if (now >= r->look_at)
			r->look_at = now + READING_POLL;
		return 0;
	}
	error = end_reading(r, report, arg);
	if (error < 0)
		log_event(LOG_LEVEL_WARNING, &(struct log_about){.event = LOG_EVENT_RELOAD_REFUSED},
			  "reload refused, the running configuration stays");
	else
		r->goes_on = true;
	return error;
}

usec_t reloading_next(const struct reloading *r)
{
	return r->reading ? r->look_at : USEC_NEVER;
}

bool reloading_goes_on(struct reloading *r)
{
	bool goes_on = r->goes_on;

	r->goes_on = false;
	return goes_on;
}

void reloading_forget(struct reloading *r)
{
	if (r->object && !r->kind->small(r->object))
		reading_put_away(&r->kind->reading, r->object);
	else if (r->object)
		r->kind->reading.free(r->object);
	r->object = NULL;
}

void reloading_close(struct reloading *r)
{
	reading_abandon(r->reading);
	reloading_forget(r);
	*r = (struct reloading){0};
}
