/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SGP4 after Hoots and Roehrich, "Spacetrack Report No. 3", with the corrections of Vallado et al.,
 * AIAA 2006-6753, whose notation the comments use.
 *
 * Brouwer's theory with three simplifications: gravity to the fourth zonal harmonic, drag as a
 * power law of density about a reference height s, and both combined into polynomials of time. What
 * depends on the elements alone is worked out once (sgp4_init), so that a state costs a handful of
 * sines. Lengths are in Earth radii and times in minutes, as in the report; in these units the
 * gravitational parameter is XKE squared.
 */
#define _GNU_SOURCE /* sincos */
#include "orbit/sgp4.h"

#include <math.h>
#include <string.h>

/* WGS-72, the constants that two-line elements are made with. */
#define EARTH_RADIUS 6378.135 /* km */
#define EARTH_MU     398600.8 /* km3/s2 */
#define J2	     0.001082616
#define J3	     (-0.00000253881)
#define J4	     (-0.00000165597)
#define EARTH_SPIN   7.29211515e-5 /* rad/s */

#define RADIANS		  (M_PI / 180)
#define TURN		  (2 * M_PI)
#define MINUTES_PER_DAY	  1440.0
#define DEEP_SPACE_PERIOD 225.0	 /* minutes */
#define CIRCULAR	  1.0e-4 /* below it the terms with 1/e are left out */

/* sqrt(mu) in Earth radii and minutes. */
static double xke(void)
{
	return 60 / sqrt(EARTH_RADIUS * EARTH_RADIUS * EARTH_RADIUS / EARTH_MU);
}

/* Kepler's third law. */
static double axis_of(double motion)
{
	double cube = xke() / motion;

	return cbrt(cube * cube);
}

static double cube(double x)
{
	return x * x * x;
}

/* ---- making an orbit ready ------------------------------------------------------------------- */

/*
 * Two-line elements carry Kozai's mean motion; the theory wants Brouwer's, which lacks the mean
 * effect of the Earth's oblateness.
 */
static void from_kozai(struct sgp4 *o, double kozai)
{
	double beta2 = 1 - o->eccentricity * o->eccentricity;
	double a1 = axis_of(kozai);
	double d1 = 0.75 * J2 * o->con41 / (sqrt(beta2) * beta2);
	double delta = d1 / (a1 * a1);
	double a0 = a1 * (1 - delta * delta - delta * (1.0 / 3 + 134 * delta * delta / 81));

	delta = d1 / (a0 * a0);
	o->motion = kozai / (1 + delta);
	o->axis = axis_of(o->motion);
}

/* What oblateness (J2, J4) does to anomaly, perigee and node, per minute. */
static void secular_rates(struct sgp4 *o, double *node_j2)
{
	double beta2 = 1 - o->eccentricity * o->eccentricity, beta = sqrt(beta2);
	double p = o->axis * beta2, p2 = 1 / (p * p);
	double c2 = o->cos_i * o->cos_i, c4 = c2 * c2;
	double k1 = 1.5 * J2 * p2 * o->motion, k2 = 0.5 * k1 * J2 * p2;
	double k3 = -0.46875 * J4 * p2 * p2 * o->motion;

	o->anomaly_rate = o->motion + 0.5 * k1 * beta * o->con41 +
			  0.0625 * k2 * beta * (13 - 78 * c2 + 137 * c4);
	o->perigee_rate = -0.5 * k1 * (1 - 5 * c2) + 0.0625 * k2 * (7 - 114 * c2 + 395 * c4) +
			  k3 * (3 - 36 * c2 + 49 * c4);
	*node_j2 = -k1 * o->cos_i;
	o->node_rate = *node_j2 + (0.5 * k2 * (4 - 19 * c2) + 2 * k3 * (3 - 7 * c2)) * o->cos_i;
}

/* The height s (in Earth radii, from the centre) from which density falls, by that of the perigee;
 * and (q0 - s) to the fourth. */
static double density_height(double perigee_km, double *q0ms4)
{
	double s = 78;

	if (perigee_km < 156)
		s = perigee_km < 98 ? 20 : perigee_km - 78;
	*q0ms4 = pow((120 - s) / EARTH_RADIUS, 4);
	return s / EARTH_RADIUS + 1;
}

/* C1 to C5, and what perigee and anomaly get from drag. */
static void drag(struct sgp4 *o, double s, double q0ms4)
{
	double e = o->eccentricity, a = o->axis, n = o->motion, beta2 = 1 - e * e;
	double xi = 1 / (a - s), eta = a * e * xi, eta2 = eta * eta, e_eta = e * eta;
	double psi2 = fabs(1 - eta2);
	double k = q0ms4 * xi * xi * xi * xi, k1 = k / pow(psi2, 3.5), c2, c3 = 0;

	c2 = k1 * n *
	     (a * (1 + 1.5 * eta2 + e_eta * (4 + eta2)) +
	      0.375 * J2 * xi / psi2 * o->con41 * (8 + 3 * eta2 * (8 + eta2)));
	if (e > CIRCULAR)
		c3 = -2 * k * xi * (J3 / J2) * n * o->sin_i / e;
	o->eta = eta;
	o->c1 = o->bstar * c2;
	o->c4 = 2 * n * k1 * a * beta2 *
		(eta * (2 + 0.5 * eta2) + e * (0.5 + 2 * eta2) -
		 J2 * xi / (a * psi2) *
			 (-3 * o->con41 * (1 - 2 * e_eta + eta2 * (1.5 - 0.5 * e_eta)) +
			  0.75 * o->x1mth2 * (2 * eta2 - e_eta * (1 + eta2)) *
				  cos(2 * o->perigee)));
	o->c5 = 2 * k1 * a * beta2 * (1 + 2.75 * (eta2 + e_eta) + e_eta * eta2);
	o->perigee_drag = o->bstar * c3 * cos(o->perigee);
	o->anomaly_drag = e > CIRCULAR ? -2.0 / 3 * k * o->bstar / e_eta : 0;
	o->delta_m0 = cube(1 + eta * cos(o->anomaly));
	o->sin_m0 = sin(o->anomaly);
	o->t2 = 1.5 * o->c1;
}

/* The higher powers of time, for perigees above 220 km. */
static void drag_powers(struct sgp4 *o, double s)
{
	double a = o->axis, xi = 1 / (a - s), c1 = o->c1, c1_2 = c1 * c1, k;

	o->d2 = 4 * a * xi * c1_2;
	k = o->d2 * xi * c1 / 3;
	o->d3 = (17 * a + s) * k;
	o->d4 = 0.5 * k * a * xi * (221 * a + 31 * s) * c1;
	o->t3 = o->d2 + 2 * c1_2;
	o->t4 = 0.25 * (3 * o->d3 + c1 * (12 * o->d2 + 10 * c1_2));
	o->t5 = 0.2 *
		(3 * o->d4 + 12 * c1 * o->d3 + 6 * o->d2 * o->d2 + 15 * c1_2 * (2 * o->d2 + c1_2));
}

/* Long-period terms of J3. The one divides by 1 + cos i, which is bounded away from zero. */
static void long_period(struct sgp4 *o)
{
	double divisor = 1 + o->cos_i;

	if (fabs(divisor) < 1.5e-12)
		divisor = 1.5e-12;
	o->lp_xlcof = -0.25 * (J3 / J2) * o->sin_i * (3 + 5 * o->cos_i) / divisor;
	o->lp_aycof = -0.5 * (J3 / J2) * o->sin_i;
}

enum sgp4_result sgp4_init(struct sgp4 *o, const struct element_set *set)
{
	double kozai = set->motion * TURN / MINUTES_PER_DAY, perigee_radius, s, q0ms4, node_j2;

	memset(o, 0, sizeof(*o));
	if (!(kozai > 0) || !(set->eccentricity >= 0 && set->eccentricity < 1))
		return SGP4_NO_ORBIT;
	o->epoch = set->epoch;
	o->inclination = set->inclination * RADIANS;
	o->node = set->node * RADIANS;
	o->perigee = set->perigee * RADIANS;
	o->anomaly = set->anomaly * RADIANS;
	o->eccentricity = set->eccentricity;
	o->bstar = set->bstar;
	sincos(o->inclination, &o->sin_i, &o->cos_i);
	o->con41 = 3 * o->cos_i * o->cos_i - 1;
	o->x1mth2 = 1 - o->cos_i * o->cos_i;
	o->x7thm1 = 7 * o->cos_i * o->cos_i - 1;
	from_kozai(o, kozai);
	if (!(o->motion > 0))
		return SGP4_NO_ORBIT;
	if (sgp4_period(o) >= DEEP_SPACE_PERIOD)
		return SGP4_DEEP_SPACE;
	perigee_radius = o->axis * (1 - o->eccentricity);
	if (perigee_radius < 1)
		return SGP4_NO_ORBIT;
	o->low = perigee_radius < 220 / EARTH_RADIUS + 1;
	s = density_height((perigee_radius - 1) * EARTH_RADIUS, &q0ms4);
	drag(o, s, q0ms4);
	secular_rates(o, &node_j2);
	o->node_drag = 3.5 * (1 - o->eccentricity * o->eccentricity) * node_j2 * o->c1;
	long_period(o);
	if (!o->low)
		drag_powers(o, s);
	return SGP4_GOOD;
}

/* ---- a state --------------------------------------------------------------------------------- */

/* Mean elements at an instant, after what changes steadily. */
struct mean {
	double axis, eccentricity, motion, node, perigee, anomaly;
};

static enum sgp4_result secular(const struct sgp4 *o, double t, struct mean *m)
{
	double t2 = t * t, anomaly = o->anomaly + o->anomaly_rate * t;
	double perigee = o->perigee + o->perigee_rate * t;
	double node = o->node + o->node_rate * t + o->node_drag * t2;
	double shrink = 1 - o->c1 * t, round = o->bstar * o->c4 * t, along = o->t2 * t2;

	m->anomaly = anomaly;
	if (!o->low) {
		double t3 = t2 * t, t4 = t3 * t, turn;

		turn = o->perigee_drag * t +
		       o->anomaly_drag * (cube(1 + o->eta * cos(anomaly)) - o->delta_m0);
		m->anomaly += turn;
		perigee -= turn;
		shrink -= o->d2 * t2 + o->d3 * t3 + o->d4 * t4;
		round += o->bstar * o->c5 * (sin(m->anomaly) - o->sin_m0);
		along += o->t3 * t3 + t4 * (o->t4 + t * o->t5);
	}
	m->axis = o->axis * shrink * shrink;
	m->motion = xke() / (m->axis * sqrt(m->axis));
	m->eccentricity = o->eccentricity - round;
	if (!(m->eccentricity < 1 && m->eccentricity >= -0.001))
		return SGP4_ECCENTRICITY;
	if (!(m->motion > 0) || isinf(m->motion))
		return SGP4_MOTION;
	if (m->eccentricity < 1e-6)
		m->eccentricity = 1e-6;
	m->anomaly += o->motion * along;
	m->node = fmod(node, TURN);
	m->perigee = fmod(perigee, TURN);
	m->anomaly = fmod(fmod(m->anomaly + perigee + node, TURN) - m->perigee - m->node, TURN);
	return SGP4_GOOD;
}

/*
 * Kepler's equation in the variables (E + omega), axN = e cos omega, ayN = e sin omega, which stay
 * good at e = 0. Newton's steps are held below 0.95 so that the first cannot run away.
 */
static void kepler(double u, double axn, double ayn, double *sine, double *cosine)
{
	double e = u, step = 1;

	for (int i = 0; i < 10 && fabs(step) >= 1e-12; i++) {
		sincos(e, sine, cosine);
		step = (u - ayn * *cosine + axn * *sine - e) / (1 - *cosine * axn - *sine * ayn);
		if (fabs(step) >= 0.95)
			step = copysign(0.95, step);
		e += step;
	}
}

/* The state of an orbit plane: distance and speeds in it (Earth radii, and per minute times
 * 1/XKE), and the angles that place it. */
struct osculating {
	double distance, radial, across;
	double latitude, node, inclination; /* latitude: argument of latitude, u */
};

/* Long-period terms, Kepler's equation, short-period terms of J2. */
static enum sgp4_result periodics(const struct sgp4 *o, const struct mean *m, struct osculating *s)
{
	double a = m->axis, e = m->eccentricity, lp = 1 / (a * (1 - e * e));
	double sine, cosine, axn, ayn, ecose, esine, e2, p, distance, beta, k;
	double sin_u, cos_u, sin_2u, cos_2u, k1, k2;

	sincos(m->perigee, &sine, &cosine);
	axn = e * cosine;
	ayn = e * sine + lp * o->lp_aycof;
	kepler(fmod(m->anomaly + m->perigee + lp * o->lp_xlcof * axn, TURN), axn, ayn, &sine,
	       &cosine);
	ecose = axn * cosine + ayn * sine;
	esine = axn * sine - ayn * cosine;
	e2 = axn * axn + ayn * ayn;
	p = a * (1 - e2);
	if (!(p >= 0))
		return SGP4_PARAMETER;
	distance = a * (1 - ecose);
	beta = sqrt(1 - e2);
	k = esine / (1 + beta);
	sin_u = a / distance * (sine - ayn - axn * k);
	cos_u = a / distance * (cosine - axn + ayn * k);
	sin_2u = 2 * sin_u * cos_u;
	cos_2u = 1 - 2 * sin_u * sin_u;
	k1 = 0.5 * J2 / p;
	k2 = k1 / p;

	s->distance = distance * (1 - 1.5 * k2 * beta * o->con41) + 0.5 * k1 * o->x1mth2 * cos_2u;
	s->latitude = atan2(sin_u, cos_u) - 0.25 * k2 * o->x7thm1 * sin_2u;
	s->node = m->node + 1.5 * k2 * o->cos_i * sin_2u;
	s->inclination = o->inclination + 1.5 * k2 * o->cos_i * o->sin_i * cos_2u;
	s->radial = sqrt(a) * esine / distance - m->motion * k1 * o->x1mth2 * sin_2u / xke();
	s->across =
		sqrt(p) / distance + m->motion * k1 * (o->x1mth2 * cos_2u + 1.5 * o->con41) / xke();
	return s->distance < 1 ? SGP4_DECAYED : SGP4_GOOD;
}

/* From the orbit plane into TEME, km and km/s. */
static void orient(const struct osculating *s, double r[3], double v[3])
{
	double sin_u, cos_u, sin_n, cos_n, sin_i, cos_i;
	double out[3], ahead[3]; /* unit vectors: away from the Earth, and across */

	sincos(s->latitude, &sin_u, &cos_u);
	sincos(s->node, &sin_n, &cos_n);
	sincos(s->inclination, &sin_i, &cos_i);
	out[0] = -sin_n * cos_i * sin_u + cos_n * cos_u;
	out[1] = cos_n * cos_i * sin_u + sin_n * cos_u;
	out[2] = sin_i * sin_u;
	ahead[0] = -sin_n * cos_i * cos_u - cos_n * sin_u;
	ahead[1] = cos_n * cos_i * cos_u - sin_n * sin_u;
	ahead[2] = sin_i * cos_u;
	for (int k = 0; k < 3; k++) {
		r[k] = s->distance * EARTH_RADIUS * out[k];
		v[k] = (s->radial * out[k] + s->across * ahead[k]) * EARTH_RADIUS * xke() / 60;
	}
}

enum sgp4_result sgp4_propagate(const struct sgp4 *orbit, double minutes, double r[3], double v[3])
{
	struct osculating state;
	struct mean mean;
	enum sgp4_result result = secular(orbit, minutes, &mean);

	if (result == SGP4_GOOD)
		result = periodics(orbit, &mean, &state);
	if (result == SGP4_GOOD)
		orient(&state, r, v);
	return result;
}

enum sgp4_result sgp4_at(const struct sgp4 *orbit, usec_t instant, double r[3], double v[3])
{
	return sgp4_propagate(orbit, (double)(instant - orbit->epoch) / (60.0 * USEC_PER_SEC), r,
			      v);
}

/* ---- about an orbit -------------------------------------------------------------------------- */

double sgp4_period(const struct sgp4 *orbit)
{
	return TURN / orbit->motion;
}

const char *sgp4_text(enum sgp4_result result)
{
	switch (result) {
	case SGP4_GOOD:
		return "good";
	case SGP4_DEEP_SPACE:
		return "deep space: a period of 225 minutes or more";
	case SGP4_NO_ORBIT:
		return "the elements describe no orbit above the ground";
	case SGP4_ECCENTRICITY:
		return "the eccentricity has gone out of range";
	case SGP4_MOTION:
		return "the mean motion has gone out of range";
	case SGP4_PARAMETER:
		return "the semi-latus rectum has gone out of range";
	case SGP4_DECAYED:
		return "decayed: it would be below the surface";
	}
	return "unknown";
}

/*
 * Mean elements each hour give the extremes, with 25 km for the periodic terms (J2 moves the
 * distance by up to 7 km, J3 by 8) and 3 percent of speed.
 */
void sgp4_bound(const struct sgp4 *orbit, usec_t from, usec_t until, struct sgp4_bounds *b)
{
	const double hour = 60;
	double first = (double)(from - orbit->epoch) / (60.0 * USEC_PER_SEC);
	double last = (double)(until - orbit->epoch) / (60.0 * USEC_PER_SEC);
	struct mean m;

	b->farthest = EARTH_RADIUS + 25;
	b->speed = 0;
	/* It ends at `last` itself: NOLINTNEXTLINE(cert-flp30-c) */
	for (double t = first;; t = fmin(t + hour, last)) {
		double e, speed = 1.8e-3; /* nothing that orbits is faster: escape at the surface */

		if (secular(orbit, t, &m) == SGP4_GOOD) {
			e = fmin(m.eccentricity + 0.003, 0.999);
			b->farthest = fmax(b->farthest, m.axis * (1 + e) * EARTH_RADIUS + 25);
			speed = m.motion / 60 * sqrt(1 - e * e) / ((1 - e) * (1 - e));
		}
		b->speed = fmax(b->speed, fmin(speed, 1.8e-3) * 1.03 + EARTH_SPIN);
		if (t >= last)
			break;
	}
}
