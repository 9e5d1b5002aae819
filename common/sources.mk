# SPDX-License-Identifier: GPL-2.0-or-later
# libsno.a: everything in common/ that belongs to no single program, orbits included. snoctl*.c is
# the client program and plan/ is sno-plan; neither is part of the library.
SNOCTL_SRC := $(call sources,common/snoctl*.c)
PLAN_SRC := $(call sources,common/plan/*.c)
LIBSNO_SRC := $(filter-out $(SNOCTL_SRC),$(call sources,common/*.c common/orbit/*.c))
