# SPDX-License-Identifier: GPL-2.0-or-later
# Every source of sno-sat-forwarder; main.c alone stays out of the archive that unit tests link.
SAT_FORWARDER_SRC := $(call sources,sat-forwarder/*.c)
