/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finding windows (window.h).
 *
 * With d the way from a place to the satellite and u the place's vertical, the satellite stands
 * high enough where f = d.u - |d| sin(least elevation) is not negative. f is smooth and, along an
 * orbit, has one maximum and one minimum per revolution, so that between two nodes of the track a
 * window begins, ends, or does both about a maximum; its derivative at the nodes tells which.
 *
 * Satellites are shared out to threads in blocks; the blocks' windows are put together in order,
 * so the result is the same for any number of threads.
 */
#include "orbit/window.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "orbit/track.h"

#define BLOCK	    16 /* satellites that a thread takes at a time */
#define THREADS_MAX 256
#define PRECISION   1e-3 /* of an edge on the track, seconds */
#define CLOSE	    1e-6 /* ... or of its clearance, km */
#define RADIANS	    (M_PI / 180)
/* The ellipsoid's vertical and the direction from the Earth's centre differ by up to 0.1925. */
#define VERTICAL (0.2 * RADIANS)

/* What a place needs for all satellites. */
struct view {
	const struct site *site;
	double away[3]; /* unit vector from the Earth's centre */
	double radius;	/* km from there */
	double sine;	/* of the least elevation */
	double lowest;	/* least elevation above the sphere's horizon, radians, with room */
};

struct found {
	struct window *rows;
	size_t count, room;
};

/* All threads share it; what changes is atomic or under the lock. */
struct work {
	const struct window_scan *scan;
	struct view *views;
	struct found *blocks;
	size_t block_count, done; /* done: satellites, under the lock */
	atomic_size_t next;
	atomic_int err;
	pthread_mutex_t lock;
};

/* One pair of a satellite and a place. */
struct pair {
	struct track *track;
	const struct view *view;
	struct found *found;
	struct window window; /* the one being looked at */
	bool open;
};

static double dot(const double a[3], const double b[3])
{
	return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/* f and its derivative, km and km/s. */
static double clearance(const struct view *view, const double r[3], const double v[3], double *rate)
{
	const double *p = view->site->position;
	double d[3] = {r[0] - p[0], r[1] - p[1], r[2] - p[2]}, range = sqrt(dot(d, d));

	if (rate)
		*rate = dot(v, view->site->up) - view->sine * dot(d, v) / range;
	return dot(d, view->site->up) - view->sine * range;
}

static int keep(struct pair *pair, double until)
{
	struct found *found = pair->found;
	struct window *more;
	size_t room;

	pair->open = false;
	if (!(until > pair->window.from))
		return 0;
	pair->window.until = until;
	if (found->count == found->room) {
		room = found->room ? found->room + found->room / 2 : 64;
		more = realloc(found->rows, room * sizeof(*more));
		if (!more)
			return -ENOMEM;
		found->rows = more;
		found->room = room;
	}
	found->rows[found->count++] = pair->window;
	return 0;
}

static void begin(struct pair *pair, double from)
{
	pair->open = true;
	pair->window.from = from;
}

/* ---- between two nodes ----------------------------------------------------------------------- */

/*
 * Where f crosses zero between s = low and s = high, at which its values have different signs: the
 * false position, with the value of an end that stays halved (the Illinois rule).
 */
static double crossing(const struct view *view, const struct track_node *a, double low, double high,
		       double f_low, double f_high)
{
	const struct track_node *b = a + 1;
	double s, f, r[3];
	int side = 0;

	while (high - low > PRECISION) {
		s = (low * f_high - high * f_low) / (f_high - f_low);
		/* Off the ends, or it may never shrink. */
		s = fmin(fmax(s, low + PRECISION / 4), high - PRECISION / 4);
		track_between(a, b, s, r, NULL);
		f = clearance(view, r, NULL, NULL);
		if (fabs(f) < CLOSE)
			return s;
		if ((f >= 0) == (f_high >= 0)) {
			high = s;
			f_high = f;
			f_low = side == 1 ? f_low / 2 : f_low;
			side = 1;
		} else {
			low = s;
			f_low = f;
			f_high = side == -1 ? f_high / 2 : f_high;
			side = -1;
		}
	}
	return (low + high) / 2;
}

/* The maximum of f, which rises at node a and sinks at the next one; bisection of its derivative,
 * which ends as soon as f is seen to be positive. */
static double summit(const struct view *view, const struct track_node *a, double *f)
{
	double low = 0, high = TRACK_STEP, s = 0, r[3], v[3], rate;

	*f = -1;
	while (high - low > PRECISION && *f < 0) {
		s = (low + high) / 2;
		track_between(a, a + 1, s, r, v);
		*f = clearance(view, r, v, &rate);
		if (rate > 0)
			low = s;
		else
			high = s;
	}
	return s;
}

/* What happens between node i and the next one; both are there. */
static int between(struct pair *pair, size_t i)
{
	const struct track_node *a = &pair->track->nodes[i], *b = a + 1;
	const struct view *view = pair->view;
	double at = TRACK_STEP * (double)i, rate_a, rate_b, f_top, top;
	double f_a = clearance(view, a->r, a->v, &rate_a);
	double f_b = clearance(view, b->r, b->v, &rate_b);

	if (f_a >= 0 && !pair->open)
		begin(pair, at);
	if (f_a < 0 && f_b >= 0) {
		begin(pair, at + crossing(view, a, 0, TRACK_STEP, f_a, f_b));
	} else if (f_a >= 0 && f_b < 0) {
		return keep(pair, at + crossing(view, a, 0, TRACK_STEP, f_a, f_b));
	} else if (f_a < 0 && rate_a > 0 && rate_b < 0) {
		top = summit(view, a, &f_top);
		if (f_top < 0)
			return 0;
		begin(pair, at + crossing(view, a, 0, top, f_a, f_top));
		return keep(pair, at + crossing(view, a, top, TRACK_STEP, f_top, f_b));
	}
	return 0;
}

/* ---- a satellite and a place ----------------------------------------------------------------- */

/*
 * How far, as an angle at the Earth's centre, the satellite can be from a place that sees it: the
 * triangle of centre, place and satellite, with the satellite as high as it ever is.
 */
static double reach(const struct view *view, const struct sgp4_bounds *bounds)
{
	double ratio = view->radius / bounds->farthest * cos(view->lowest);

	return acos(fmin(1, ratio)) - view->lowest;
}

/*
 * The angle between a unit vector and a satellite, or a little less: with the chord c it is
 * 2 asin(c/2) = c + c^3/24 + 3c^5/640 + ..., whose terms are all positive. A fourth of acos's
 * price.
 */
static double least_angle(const double away[3], const double r[3])
{
	double c2 = 2 - 2 * dot(r, away) / sqrt(dot(r, r));

	return c2 > 0 ? sqrt(c2) * (1 + c2 * (1.0 / 24 + c2 * (3.0 / 640))) : 0;
}

static int look(struct pair *pair, const struct sgp4_bounds *bounds, double seconds)
{
	double limit = reach(pair->view, bounds), step = bounds->speed * TRACK_STEP, angle;
	size_t last = pair->track->count - 1, i = 0;
	const struct track_node *node;
	int err = 0;

	while (i < last && !err) {
		node = track_node(pair->track, i);
		if (!node || !track_node(pair->track, i + 1)) {
			/* The satellite has decayed: its track ends at the node before. */
			if (pair->open)
				err = keep(pair, TRACK_STEP * (double)i);
			i++;
			continue;
		}
		if (!pair->open) {
			angle = least_angle(pair->view->away, node->r);
			if (angle - limit >= step) {
				i += (size_t)fmin((angle - limit) / step, (double)(last - i));
				continue;
			}
		}
		err = between(pair, i++);
	}
	if (pair->open && !err)
		err = keep(pair, seconds);
	return err;
}

/* The track's last node may lie behind the end of the span. */
static void cut(struct found *found, size_t first, double seconds)
{
	size_t kept = first;

	for (size_t i = first; i < found->count; i++) {
		found->rows[kept] = found->rows[i];
		found->rows[kept].until = fmin(found->rows[kept].until, seconds);
		kept += found->rows[kept].from < found->rows[kept].until;
	}
	found->count = kept;
}

static int look_from_all(struct work *work, struct track *track, uint32_t satellite,
			 struct found *found)
{
	const struct window_scan *scan = work->scan;
	usec_t end = scan->start + clock_from_seconds(TRACK_STEP * (double)(track->count - 1));
	struct sgp4_bounds bounds;
	size_t first = found->count;
	int err = 0;

	track_reuse(track, &scan->orbits[satellite]);
	sgp4_bound(track->orbit, scan->start, end, &bounds);
	for (uint32_t p = 0; p < scan->site_count && !err; p++) {
		struct pair pair = {.track = track, .view = &work->views[p], .found = found};

		pair.window.satellite = satellite;
		pair.window.place = p;
		err = look(&pair, &bounds, scan->seconds);
	}
	cut(found, first, scan->seconds);
	return err;
}

/* ---- threads --------------------------------------------------------------------------------- */

static void tell(struct work *work, size_t done)
{
	pthread_mutex_lock(&work->lock);
	work->done += done;
	if (work->scan->progress)
		work->scan->progress(work->scan->arg, work->done, work->scan->orbit_count);
	pthread_mutex_unlock(&work->lock);
}

static void *run(void *arg)
{
	struct work *work = arg;
	const struct window_scan *scan = work->scan;
	struct track track;
	size_t block, first, i;
	int err = track_open(&track, NULL, scan->start, scan->seconds);

	while (!err && !atomic_load(&work->err)) {
		block = atomic_fetch_add(&work->next, 1);
		if (block >= work->block_count)
			break;
		first = block * BLOCK;
		for (i = first; i < first + BLOCK && i < scan->orbit_count && !err; i++)
			err = look_from_all(work, &track, (uint32_t)i, &work->blocks[block]);
		tell(work, i - first);
	}
	if (err)
		atomic_store(&work->err, err);
	track_close(&track);
	return NULL;
}

static unsigned int thread_count(const struct work *work)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	size_t count = work->scan->threads;

	if (!count)
		count = cpus > 0 ? (size_t)cpus : 1;
	if (count > work->block_count)
		count = work->block_count;
	return (unsigned int)(count > THREADS_MAX ? THREADS_MAX : count);
}

/* Runs on this thread too, so one that cannot be had is only a loss of speed. */
static void run_threads(struct work *work)
{
	pthread_t threads[THREADS_MAX];
	unsigned int count = thread_count(work), started = 0;

	while (started + 1 < count && pthread_create(&threads[started], NULL, run, work) == 0)
		started++;
	run(work);
	while (started)
		pthread_join(threads[--started], NULL);
}

/* Moves the windows of all blocks into one array, and frees each block's. */
static int gather(struct work *work, struct windows *windows)
{
	size_t count = 0, b;

	for (b = 0; b < work->block_count; b++)
		count += work->blocks[b].count;
	windows->rows = malloc((count ? count : 1) * sizeof(*windows->rows));
	if (!windows->rows)
		return -ENOMEM;
	for (b = 0; b < work->block_count; b++) {
		struct found *found = &work->blocks[b];

		if (found->count)
			memcpy(windows->rows + windows->count, found->rows,
			       found->count * sizeof(*found->rows));
		windows->count += found->count;
		free(found->rows);
		found->rows = NULL;
	}
	return 0;
}

static struct view *make_views(const struct window_scan *scan)
{
	struct view *views = calloc(scan->site_count + 1, sizeof(*views));

	for (size_t p = 0; views && p < scan->site_count; p++) {
		struct view *view = &views[p];
		double least = scan->min_elevation[p] * RADIANS;

		view->site = &scan->sites[p];
		view->radius = sqrt(dot(view->site->position, view->site->position));
		for (int k = 0; k < 3; k++)
			view->away[k] = view->site->position[k] / view->radius;
		view->sine = sin(least);
		view->lowest = least - VERTICAL;
	}
	return views;
}

int window_scan(const struct window_scan *scan, struct windows *windows)
{
	struct work work = {.scan = scan, .block_count = (scan->orbit_count + BLOCK - 1) / BLOCK};
	int err = 0;

	memset(windows, 0, sizeof(*windows));
	if (!(scan->seconds > 0))
		return -EINVAL;
	work.views = make_views(scan);
	work.blocks = calloc(work.block_count + 1, sizeof(*work.blocks));
	if (work.views && work.blocks) {
		pthread_mutex_init(&work.lock, NULL);
		run_threads(&work);
		pthread_mutex_destroy(&work.lock);
		err = atomic_load(&work.err);
	} else {
		err = -ENOMEM;
	}
	if (!err)
		err = gather(&work, windows);
	for (size_t b = 0; work.blocks && b < work.block_count; b++)
		free(work.blocks[b].rows);
	free(work.blocks);
	free(work.views);
	return err;
}

void window_free(struct windows *windows)
{
	free(windows->rows);
	memset(windows, 0, sizeof(*windows));
}

static int by_place(const void *a, const void *b)
{
	const struct window *x = a, *y = b;

	if (x->place != y->place)
		return x->place < y->place ? -1 : 1;
	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return (x->satellite > y->satellite) - (x->satellite < y->satellite);
}

void window_sort_by_place(struct windows *windows)
{
	if (windows->count)
		qsort(windows->rows, windows->count, sizeof(*windows->rows), by_place);
}
