# SPDX-License-Identifier: GPL-2.0-or-later
# libsno.a: everything in common/ that belongs to no single program. snoctl*.c is the client
# program and never part of the library.
SNOCTL_SRC := $(call sources,common/snoctl*.c)
LIBSNO_SRC := $(filter-out $(SNOCTL_SRC),$(call sources,common/*.c))
