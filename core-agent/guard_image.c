/* SPDX-License-Identifier: GPL-2.0-or-later */
/* guard.bpf.c, compiled, as data of the daemon: the Makefile says where it is. See guard_image.h.
 */
#include "guard_image.h"

__asm__(".section .rodata\n"
	".balign 16\n" /* libbpf reads its headers in place */
	".global guard_image\n"
	"guard_image:\n"
	".incbin \"" SNO_GUARD_OBJECT "\"\n"
	".global guard_image_end\n"
	"guard_image_end:\n"
	".byte 0\n"
	".previous\n");
