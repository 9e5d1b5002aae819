/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Routes and queue change together, in the order of hold.h: the queue is there before the routes
 * lead to the device, and empty before they lead to the link. The gate is shut from before they
 * lead to the link until nothing is behind any more.
 */
#include "terminal-agent/uplink.h"

#include <errno.h>
#include <string.h>

#include "log.h"

/* Until a socket that was full is tried again, or a device that was not empty. */
#define AGAIN USEC_PER_MSEC

#define NSEC_PER_USEC 1000

void uplink_init(struct uplink *u, struct forwarding *forwarding, uplink_send_fn *send,
		 void *context)
{
	*u = (struct uplink){
		.forwarding = forwarding, .send = send, .context = context, .due = USEC_NEVER};
	u->gate = &u->none;
}

void uplink_use_gate(struct uplink *u, struct gate *gate)
{
	u->gate = gate;
}

bool uplink_held(const struct uplink *u)
{
	return u->queue && !hold_queue_passes(u->queue);
}

usec_t uplink_earliest(const struct uplink *u, const struct link *link, usec_t delay, usec_t now)
{
	bool held = uplink_held(u);

	if (u->link == link)
		return held ? u->due : now;
	return (held ? u->since : now) + delay + UPLINK_MARGIN;
}

/* ---- the gate ---------------------------------------------------------------------------- */

/* The kernel reads this at any time: last comes what puts the rest into force. */

static void shut_gate(struct uplink *u, usec_t until)
{
	u->gate->hold = u->device;
	u->gate->link = u->plan.ifindex;
	memcpy(u->gate->gateway, u->plan.gateway.bytes, sizeof(u->gate->gateway));
	__atomic_store_n(&u->gate->until, (uint64_t)until * NSEC_PER_USEC, __ATOMIC_RELEASE);
}

static void open_gate(struct uplink *u)
{
	__atomic_store_n(&u->gate->until, 0, __ATOMIC_RELEASE);
}

/* How many packets have left the hold. */
static uint64_t gone(const struct uplink *u)
{
	const struct hold_counters *c = hold_queue_counters(u->queue);

	return c->released + hold_dropped(c);
}

/* Not before they have: then the kernel lets others go. */
static void tell_gone(struct uplink *u)
{
	__atomic_store_n(&u->gate->passed, gone(u), __ATOMIC_RELEASE);
}

/*
 * Do packets wait behind those in the hold, which leave now? When none does, the device has lost
 * some, and when it takes too long more comes than goes: then the gate is opened, behind which it
 * has to be looked once more.
 */
static bool wait_behind(struct uplink *u, usec_t now)
{
	uint64_t held = __atomic_load_n(&u->gate->held, __ATOMIC_ACQUIRE);

	if (!u->gate->until || (int64_t)(held - u->gate->passed) <= 0)
		return false;
	if (u->told == gone(u) || now >= u->patience)
		open_gate(u);
	u->told = gone(u);
	return true;
}

/* ---- the queue --------------------------------------------------------------------------- */

struct uplink_count uplink_count(const struct uplink *u)
{
	struct uplink_count count = u->closed;

	if (u->queue) {
		const struct hold_counters *c = hold_queue_counters(u->queue);

		count.held += c->released + c->packets + hold_dropped(c);
		count.dropped += hold_dropped(c);
		count.waiting = c->packets;
	}
	return count;
}

static int open_queue(struct uplink *u)
{
	/* Whatever is routed to the device: the routes decide. */
	static const struct prefix all[HOLD_DESTINATIONS] = {{.addr = {.family = AF_INET}},
							     {.addr = {.family = AF_INET6}}};
	int error = u->hold && u->device ? hold_queue_open(&u->queue, u->hold, all) : -ENODEV;

	if (error < 0 && error != -ENODEV)
		log_warn_errno(error, "cannot hold packets");
	if (error == 0)
		u->gate->held = u->gate->passed = 0;
	return error;
}

static void close_queue(struct uplink *u)
{
	if (!u->queue)
		return;
	open_gate(u);
	u->closed = uplink_count(u);
	u->closed.dropped += u->closed.waiting;
	u->closed.waiting = 0;
	hold_queue_close(u->queue);
	u->queue = NULL;
	u->due = USEC_NEVER;
}

void uplink_use(struct uplink *u, struct hold *hold, unsigned int device)
{
	bool held = uplink_held(u);

	if (!hold || hold != u->hold || !device)
		close_queue(u);
	u->hold = hold;
	if (device == u->device)
		return;
	open_gate(u); /* it leads to a device that is no more */
	u->device = device;
	if (held && u->queue && device) { /* it has been made again */
		struct forwarding_plan plan = u->plan;

		plan.ifindex = device;
		plan.held = true;
		forwarding_apply(u->forwarding, &plan);
	}
}

/* A packet that leaves the hold. */
static int write_packet(void *context, const uint8_t *packet, size_t length)
{
	struct uplink *u = context;

	return u->link ? u->send(u->context, u->link, &u->plan.gateway, packet, length) : -EAGAIN;
}

/* What is held, and what has come to the device, goes its way. As hold_queue_release(). */
static int pass(struct uplink *u, usec_t now)
{
	int result = hold_queue_release(u->queue, write_packet, u, now);

	tell_gone(u);
	return result;
}

/* ---- routes and queue -------------------------------------------------------------------- */

/* The plan, but everything that leaves goes to the device, whether by the gate or not. */
static int apply_held(struct uplink *u, const struct forwarding_plan *plan)
{
	struct forwarding_plan held = *plan;
	int error;

	held.ifindex = u->device;
	held.held = true;
	error = forwarding_apply(u->forwarding, &held);
	if (error == 0)
		open_gate(u);
	return error;
}

int uplink_hold(struct uplink *u, usec_t now)
{
	bool open = u->queue != NULL;
	int error = 0;

	if (uplink_held(u)) {
		u->link = NULL;
		u->due = USEC_NEVER;
		return 0;
	}
	if (!u->plan.ifindex)
		return 0;
	if (open)
		hold_queue_hold(u->queue);
	else
		error = open_queue(u);
	if (error == 0)
		error = apply_held(u, &u->plan);
	if (error < 0) {
		if (u->queue)
			close_queue(u);
		return error;
	}
	u->since = now;
	u->settling = true;
	u->link = NULL;
	u->due = USEC_NEVER;
	u->patience = 0;
	return 0;
}

/*
 * Routes to the link, once what has come to the device meanwhile has gone too. What still comes to
 * it before there are other routes leaves it before later packets do: the gate is shut. 0; -EAGAIN:
 * packets have to wait; or -errno.
 */
static int switch_over(struct uplink *u, usec_t now)
{
	int error = pass(u, now);

	if (error == -EAGAIN)
		return error;
	u->patience = now + UPLINK_PATIENCE;
	u->told = UINT64_MAX;
	shut_gate(u, u->patience);
	error = forwarding_apply(u->forwarding, &u->plan);
	if (error == 0)
		pass(u, now);
	else
		open_gate(u);
	return error;
}

/* Lets out what is held, and sets the routes to the link when nothing is left. */
static int release(struct uplink *u, usec_t now)
{
	int error = pass(u, now);

	if (!u->patience)
		u->patience = now + UPLINK_PATIENCE;
	if (error == 1 && now < u->patience)
		error = -EAGAIN;
	if (error != -EAGAIN)
		error = switch_over(u, now);
	if (error == 0) {
		u->due = now + HOLD_LINGER;
		return 0;
	}
	hold_queue_hold(u->queue);
	u->due = now + (error == -EAGAIN ? AGAIN : USEC_PER_SEC);
	return error == -EAGAIN ? 0 : error;
}

/* Routes to the link at once: nothing waits. */
static int set_direct(struct uplink *u, const struct forwarding_plan *plan, struct link *link)
{
	int error = forwarding_apply(u->forwarding, plan);

	if (error == 0) {
		u->plan = *plan;
		u->link = link;
	}
	return error;
}

int uplink_set(struct uplink *u, const struct forwarding_plan *plan, struct link *link,
	       usec_t earliest, usec_t now)
{
	struct forwarding_plan before = u->plan;
	bool held = uplink_held(u);
	int error;

	if (!held && earliest <= now)
		return set_direct(u, plan, link);
	if (!u->queue && open_queue(u) < 0)
		return set_direct(u, plan, link);
	if (!held) {
		hold_queue_hold(u->queue);
		u->since = now;
		u->settling = true;
		u->patience = 0;
	}
	error = apply_held(u, plan);
	if (error < 0)
		return error;
	u->plan = *plan;
	u->link = link;
	u->due = earliest;
	if (earliest > now)
		return 0;
	error = release(u, now);
	if (error < 0) {
		u->plan = before;
		u->link = NULL;
		u->due = USEC_NEVER;
		apply_held(u, &before);
	}
	return error;
}

void uplink_end(struct uplink *u)
{
	close_queue(u);
	u->plan = (struct forwarding_plan){0};
	u->link = NULL;
}

void uplink_forget(struct uplink *u, const struct link *link)
{
	if (u->link == link)
		u->link = NULL;
}

/* ---- events ------------------------------------------------------------------------------ */

void uplink_read(struct uplink *u, usec_t now)
{
	if (!u->hold)
		return;
	hold_read(u->hold, now);
	if (u->queue)
		tell_gone(u);
}

/*
 * `now` was when the event came that has led the routes to the device; they were replaced later, by
 * as much as it took to deal with it.
 */
static void settle(struct uplink *u, usec_t now)
{
	if (u->due != USEC_NEVER)
		u->due += now - u->since;
	u->since = now;
	u->settling = false;
}

/* Stragglers follow while the queue passes; at the end nothing is sent to the device any more. */
static void follow(struct uplink *u, usec_t now)
{
	if (pass(u, now) == -EAGAIN) {
		u->due = now + AGAIN;
	} else if (wait_behind(u, now)) {
		u->due = now + HOLD_LINGER;
	} else {
		open_gate(u);
		pass(u, now);
		close_queue(u);
	}
}

usec_t uplink_tick(struct uplink *u, usec_t now)
{
	usec_t next;

	if (!u->queue)
		return USEC_NEVER;
	if (u->settling)
		settle(u, now);
	if (now >= u->due && hold_queue_passes(u->queue))
		follow(u, now);
	else if (now >= u->due)
		release(u, now);
	if (!u->queue)
		return USEC_NEVER;
	next = hold_expire(u->hold, now);
	return usec_min(next, u->due);
}
