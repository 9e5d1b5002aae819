/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One reading at a time; see reloading.h. */
#include "terminal-agent/reloading.h"

#include <errno.h>

#include "log.h"

static int end_reading(struct reloading *r, association_report_fn *report, void *arg)
{
	void *files;
	int error = reading_end(r->reading, &files, report, arg);

	r->reading = NULL;
	r->files = files;
	return error;
}

/* Begins to read these files, which it takes over. */
static int begin_reading(struct reloading *r, struct files *files, association_report_fn *report,
			 void *arg)
{
	reading_abandon(r->reading);
	reloading_forget(r);
	r->wanted = files;
	r->reading = reading_begin(&files_kind, files);
	if (r->reading)
		return 0;
	report(arg, "no memory or no thread to read files with; reload again");
	return -EAGAIN;
}

int reloading_find(struct reloading *r, const struct config *config, usec_t planned, usec_t now,
		   association_report_fn *report, void *arg)
{
	struct files *files = files_new(config, planned);
	bool small;
	int error = 0;

	if (!files)
		return -ENOMEM;
	small = files_small(files);
	if ((r->files && files_same(r->files, files)) ||
	    (r->reading && files_same(r->wanted, files)))
		files_free(files);
	else
		error = begin_reading(r, files, report, arg);
	if (error < 0 || r->files)
		return error;
	if (small)
		return end_reading(r, report, arg);
	r->look_at = now + READING_POLL;
	return -EINPROGRESS;
}

usec_t reloading_look(struct reloading *r, usec_t now, association_report_fn *report, void *arg)
{
	if (!r->reading)
		return USEC_NEVER;
	if (!reading_done(r->reading)) {
		if (now >= r->look_at)
			r->look_at = now + READING_POLL;
		return r->look_at;
	}
	if (end_reading(r, report, arg) == 0)
		r->goes_on = true;
	else
		log_warnx("reload refused, the running configuration stays");
	return USEC_NEVER;
}

bool reloading_goes_on(struct reloading *r)
{
	bool goes_on = r->goes_on;

	r->goes_on = false;
	return goes_on;
}

void reloading_forget(struct reloading *r)
{
	if (r->files && !files_small(r->files))
		reading_put_away(&files_kind, r->files);
	else
		files_free(r->files);
	r->files = NULL;
}

void reloading_close(struct reloading *r)
{
	reading_abandon(r->reading);
	reloading_forget(r);
	*r = (struct reloading){0};
}
