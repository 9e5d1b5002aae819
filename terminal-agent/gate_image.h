/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The gate's program as the compiler has made it: an ELF object, carried in the daemon. */
#ifndef SNO_TERMINAL_GATE_IMAGE_H
#define SNO_TERMINAL_GATE_IMAGE_H

#include <stdint.h>

extern const uint8_t gate_image[], gate_image_end[];

#endif
