/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guard's program as the compiler has made it: an ELF object, carried in the daemon. */
#ifndef SNO_GUARD_IMAGE_H
#define SNO_GUARD_IMAGE_H

#include <stdint.h>

extern const uint8_t guard_image[], guard_image_end[];

#endif
