/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A ring in a shared mapping; see journal.h.
 *
 * head and tail count octets and never go back; a record lies at its position modulo the capacity
 * and never across the end, where a pad without a key takes up the rest. A record counts from the
 * moment at which head has passed it, so a process that ends in the middle of a copy has written
 * nothing.
 */
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC	 "snojrnl"
#define FORMAT	 2
#define OLDER	 1    /* in units of 8 octets: a pad did not always fit */
#define HEAD	 4096 /* octets of the file before the ring */
#define BOOT_ID	 "/proc/sys/kernel/random/boot_id"
#define BOOT_MAX 40

struct head {
	char magic[8];
	uint32_t format;
	_Atomic uint32_t lacking;
	uint64_t capacity;
	uint8_t life[JOURNAL_LIFE];
	char boot[BOOT_MAX];
	_Atomic uint64_t head, tail;
};

_Static_assert(sizeof(struct head) <= HEAD, "the head has a page of its own");

/*
 * In the ring before the octets of key and value; all of it, and so the ring and what is left at
 * its end, is a multiple of this structure's size: a pad always fits.
 */
struct entry {
	uint32_t size; /* of all of it */
	uint16_t length;
	uint8_t key_length;
	uint8_t kind;
	uint8_t removed;
	uint8_t pad; /* up to the end of the ring there is nothing */
	uint8_t unused[6];
};

#define UNIT sizeof(struct entry)

_Static_assert(UNIT == 16 && HEAD % UNIT == 0, "entries are aligned, and written as they are");

/* So many octets, and what is left of the last unit. */
static size_t in_units(size_t octets)
{
	return (octets + UNIT - 1) / UNIT * UNIT;
}

struct journal {
	int fd;
	size_t capacity;
	struct head *head;
	uint8_t *ring;
	size_t unit; /* of what is in it */
	bool intact;
};

/* ---- the file ------------------------------------------------------------------------------- */

static void read_boot(char boot[BOOT_MAX])
{
	int fd = open(BOOT_ID, O_RDONLY | O_CLOEXEC);

	memset(boot, 0, BOOT_MAX);
	if (fd < 0)
		return;
	if (read(fd, boot, BOOT_MAX - 1) < 0)
		boot[0] = '\0';
	close(fd);
}

/* The entry at a position, and whether it is a whole one. */
static const struct entry *entry_at(const struct journal *j, uint64_t position, uint64_t end)
{
	uint64_t at = position % j->capacity;
	const struct entry *entry = (const struct entry *)(const void *)(j->ring + at);

	if (end - position < UNIT || j->capacity - at < UNIT || entry->size < UNIT ||
	    entry->size % j->unit != 0 || entry->size > end - position ||
	    entry->size > j->capacity - at)
		return NULL;
	if (!entry->pad && sizeof(*entry) + entry->key_length + (size_t)entry->length > entry->size)
		return NULL;
	return entry;
}

/* Is it of this boot, and can all of it be read? */
static bool whole(const struct journal *j)
{
	const struct head *h = j->head;
	uint64_t position = h->tail, end = h->head;
	char boot[BOOT_MAX];

	read_boot(boot);
	if (memcmp(h->magic, MAGIC, sizeof(h->magic)) != 0 ||
	    (h->format != FORMAT && h->format != OLDER) || h->capacity != j->capacity ||
	    h->lacking || !boot[0] || memcmp(h->boot, boot, BOOT_MAX) != 0)
		return false;
	if (position > end || end - position > j->capacity || position % j->unit != 0)
		return false;
	while (position < end) {
		const struct entry *entry = entry_at(j, position, end);

		if (!entry)
			return false;
		position += entry->size;
	}
	return true;
}

static int map(struct journal *j)
{
	struct stat st;
	void *memory;
	int error;

	if (flock(j->fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	if (fstat(j->fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	/* The room is taken now: a copy into a mapping cannot report that there is none. */
	if (st.st_size != (off_t)(HEAD + j->capacity) && ftruncate(j->fd, 0) < 0)
		return -errno;
	error = posix_fallocate(j->fd, 0, (off_t)(HEAD + j->capacity));
	if (error)
		return -error;
	memory = mmap(NULL, HEAD + j->capacity, PROT_READ | PROT_WRITE, MAP_SHARED, j->fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	j->head = memory;
	j->ring = (uint8_t *)memory + HEAD;
	return 0;
}

int journal_open(struct journal **journal, const char *path, size_t capacity)
{
	struct journal *j = calloc(1, sizeof(*j));
	int result;

	if (!j)
		return -ENOMEM;
	j->capacity = in_units(capacity);
	j->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	result = j->fd < 0 ? -errno : map(j);
	if (!j->head) {
		journal_close(j);
		return result;
	}
	j->unit = j->head->format == OLDER ? 8 : UNIT;
	j->intact = whole(j);
	*journal = j;
	return 0;
}

void journal_close(struct journal *j)
{
	if (!j)
		return;
	if (j->head)
		munmap(j->head, HEAD + j->capacity);
	if (j->fd >= 0)
		close(j->fd);
	free(j);
}

const uint8_t *journal_life(const struct journal *j)
{
	return j->intact ? j->head->life : NULL;
}

bool journal_older(const struct journal *j)
{
	return j->intact && j->head->format == OLDER;
}

void journal_begin(struct journal *j, const uint8_t life[JOURNAL_LIFE])
{
	struct head *h = j->head;

	/* Whoever finds it half made finds it lacking. */
	h->lacking = 1;
	memcpy(h->magic, MAGIC, sizeof(h->magic));
	h->format = FORMAT;
	j->unit = UNIT;
	h->capacity = j->capacity;
	memcpy(h->life, life, JOURNAL_LIFE);
	read_boot(h->boot);
	h->head = 0;
	h->tail = 0;
	h->lacking = 0;
	j->intact = true;
}

void journal_lacks(struct journal *j, bool something)
{
	j->head->lacking = something;
}

/* ---- writing -------------------------------------------------------------------------------- */

/* Where an entry of this size can be put: *position, behind a pad if need be. */
static bool make_room(struct journal *j, uint32_t size, uint64_t *position)
{
	uint64_t tail = atomic_load_explicit(&j->head->tail, memory_order_acquire);
	uint64_t left = j->capacity - (*position - tail);
	uint64_t to_end = j->capacity - *position % j->capacity;

	if (size <= to_end)
		return size <= left;
	if (to_end + size > left)
		return false;
	*(struct entry *)(void *)(j->ring + *position % j->capacity) =
		(struct entry){.size = (uint32_t)to_end, .pad = 1};
	*position += to_end;
	return true;
}

bool journal_put(struct journal *j, const struct journal_record *r)
{
	uint64_t position = atomic_load_explicit(&j->head->head, memory_order_relaxed);
	uint8_t *out;
	uint32_t size;

	if (r->key_length > JOURNAL_KEY_MAX || r->length > JOURNAL_VALUE_MAX)
		return false;
	size = (uint32_t)in_units(sizeof(struct entry) + r->key_length + r->length);
	if (!make_room(j, size, &position))
		return false;
	out = j->ring + position % j->capacity;
	*(struct entry *)(void *)out = (struct entry){.size = size,
						      .length = (uint16_t)r->length,
						      .key_length = (uint8_t)r->key_length,
						      .kind = r->kind,
						      .removed = r->removed};
	out += sizeof(struct entry);
	memcpy(out, r->key, r->key_length);
	if (r->length)
		memcpy(out + r->key_length, r->value, r->length);
	atomic_store_explicit(&j->head->head, position + size, memory_order_release);
	return true;
}

/* ---- reading -------------------------------------------------------------------------------- */

uint64_t journal_start(const struct journal *j)
{
	return j->head->tail;
}

bool journal_next(const struct journal *j, uint64_t *position, struct journal_record *r)
{
	uint64_t end = atomic_load_explicit(&j->head->head, memory_order_acquire);
	const struct entry *entry = *position < end ? entry_at(j, *position, end) : NULL;

	if (entry && entry->pad) {
		*position += entry->size;
		entry = *position < end ? entry_at(j, *position, end) : NULL;
	}
	if (!entry)
		return false;
	*r = (struct journal_record){.kind = entry->kind,
				     .removed = entry->removed,
				     .key = (const char *)(entry + 1),
				     .key_length = entry->key_length,
				     .length = entry->length};
	r->value = (const uint8_t *)r->key + r->key_length;
	*position += entry->size;
	return true;
}

void journal_done(struct journal *j, uint64_t position)
{
	atomic_store_explicit(&j->head->tail, position, memory_order_release);
}
