/* SPDX-License-Identifier: GPL-2.0-or-later */
/* guard.bpf.c, compiled, as data of the daemon: the Makefile says where it is. See guard_image.h.
 */
#include "guard_image.h"

#include "bpf_image.h"

BPF_IMAGE("guard_image", SNO_GUARD_OBJECT);
