/* SPDX-License-Identifier: GPL-2.0-or-later */
/* gate.bpf.c, compiled, as data of the daemon: the Makefile says where it is. See gate_image.h. */
#include "terminal-agent/gate_image.h"

#include "bpf_image.h"

BPF_IMAGE("gate_image", SNO_GATE_OBJECT);
