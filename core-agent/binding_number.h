/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Binding numbers (PROTOCOL section 9): a home core counts them up, and their upper 32 bits are
 * those of its boot epoch. So the later of two things that it has said of a terminal is known by
 * its number, however the datagrams were reordered.
 */
#ifndef SNO_CORE_BINDING_NUMBER_H
#define SNO_CORE_BINDING_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Has this number been overtaken by the other, or is it the same? Not when they are of different
 * lives of a core: those cannot be compared.
 */
static inline bool binding_number_spent(uint64_t number, uint64_t newest)
{
	return number >> 32 == newest >> 32 && number <= newest;
}

#endif
