/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A program for the kernel as the compiler has made it, an ELF object, as data of a daemon. */
#ifndef SNO_BPF_IMAGE_H
#define SNO_BPF_IMAGE_H

/* Defines NAME and NAME_end. libbpf reads the object's headers in place: hence the alignment. */
#define BPF_IMAGE(name, file)                                                                      \
	__asm__(".section .rodata\n"                                                               \
		".balign 16\n"                                                                     \
		".global " name "\n" name ":\n"                                                    \
		".incbin \"" file "\"\n"                                                           \
		".global " name "_end\n" name "_end:\n"                                            \
		".byte 0\n"                                                                        \
		".previous\n")

#endif
