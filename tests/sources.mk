# SPDX-License-Identifier: GPL-2.0-or-later
# tests/unit/test-*.c    one cmocka program each, printing TAP
# tests/unit/*.c         what they share; kernel_fake*.c only for tests that include kernel_fake.h
# tests/fuzz/fuzz-*.c    one libFuzzer target each, with its corpus in tests/fuzz/NAME.corpus/ (and .found/);
#                        it may use what unit tests share
# tests/bench/*.c        one measuring program each
# tests/bench/crowds/*.c together the program that plays the terminals of tests/bench/bench-crowd
# tests/bench/sky/*.c    together the program that turns the satellites of a lab about its terminals
# tests/netns/*.c        one program each that namespace tests call
# tests/*.c              one test tool each, linked to from tests/NAME
UNIT_SRC := $(if $(strip $(CMOCKA_LIBS)),$(call sources,tests/unit/test-*.c))
KERNEL_FAKE_SRC := $(call sources,tests/unit/kernel_fake*.c)
UNIT_SUPPORT_SRC := $(filter-out tests/unit/test-%.c $(KERNEL_FAKE_SRC),$(call sources,tests/unit/*.c))
# What uses the kernel in memory or a world needs cmocka.
FUZZ_SRC := $(if $(strip $(CMOCKA_LIBS)),$(call sources,tests/fuzz/fuzz-*.c), \
	$(filter-out tests/fuzz/fuzz-core.c tests/fuzz/fuzz-cores.c,$(call sources,tests/fuzz/fuzz-*.c)))
BENCH_SRC := $(call sources,tests/bench/*.c)
CROWD_SRC := $(call sources,tests/bench/crowds/*.c)
SKY_SRC := $(call sources,tests/bench/sky/*.c)
TOOL_SRC := $(call sources,tests/*.c)
NETNS_SRC := $(call sources,tests/netns/*.c)
