# SPDX-License-Identifier: GPL-2.0-or-later
#
# The one Makefile of the project (GNU make, not recursive).
#
#   make configure && ./configure && make && make check      in a checkout; `make help` lists the rest
#
# It includes config.mk, which ./configure wrote, and the sources.mk of each folder. Those set:
#
#   common/sources.mk          LIBSNO_SRC (libsno.a), SNOCTL_SRC, PLAN_SRC (sno-plan)
#   core-agent/sources.mk      CORE_AGENT_SRC
#   terminal-agent/sources.mk  TERMINAL_AGENT_SRC
#   sat-forwarder/sources.mk   SAT_FORWARDER_SRC
#   tests/sources.mk           UNIT_SRC, UNIT_SUPPORT_SRC, FUZZ_SRC, BENCH_SRC, NETNS_SRC,
#                              TOOL_SRC
#
# with paths relative to the top of the source tree. A new file in one of these folders is
# picked up by itself: $(call sources,PATTERN) lists what is there.
#
# Everything built goes below $(O), which is `build`; the sanitizer and fuzz variants are the
# same rules with another O, compiler and VARIANT_CFLAGS. The user's CPPFLAGS, CFLAGS and
# LDFLAGS come last on every command line.

MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

# What works before ./configure has run, and what must not trigger the compiler.
UNCONFIGURED := configure help
ifneq ($(wildcard config.mk),)
include config.mk
else
srcdir := $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))
ifneq ($(filter-out $(UNCONFIGURED),$(or $(MAKECMDGOALS),all)),)
$(error run ./configure first (in a checkout: make configure && ./configure))
endif
endif

O ?= build
FUZZ_TIME ?= 20
sources = $(sort $(patsubst $(srcdir)/%,%,$(wildcard $(addprefix $(srcdir)/,$(1)))))

include $(srcdir)/common/sources.mk
include $(srcdir)/core-agent/sources.mk
include $(srcdir)/terminal-agent/sources.mk
include $(srcdir)/sat-forwarder/sources.mk
include $(srcdir)/tests/sources.mk

# --- output ------------------------------------------------------------------------------------

V ?= 0
ifeq ($(V),0)
Q := @
# Quiet too under make -s.
say = $(if $(findstring s,$(firstword -$(MAKEFLAGS))),@,@printf '  %-8s %s\n' $(1) $(2);)
else
Q :=
say :=
endif

# --- flags -------------------------------------------------------------------------------------

WARN_CFLAGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla

# _FORTIFY_SOURCE warns without optimisation, so it follows the -O that finally counts.
optimised = $(filter-out -O0,$(lastword $(filter -O%,$(VARIANT_CFLAGS) $(CFLAGS))))
ifeq ($(HARDENING),yes)
FORTIFY = $(if $(VARIANT_CFLAGS),,$(if $(optimised),-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2))
endif

SNO_CPPFLAGS = -I$(srcdir)/common -I$(srcdir) $(PKG_CFLAGS) $(FORTIFY) \
	-DSNO_VERSION='"$(VERSION)"' -DSNO_SYSCONFDIR='"$(sysconfdir)/sno"' \
	-DSNO_RUNDIR='"$(runstatedir)/sno"' -DSNO_STATEDIR='"$(localstatedir)/lib/sno"'
SNO_CFLAGS = -std=gnu11 $(WARN_CFLAGS) $(HARDEN_CFLAGS) $(VARIANT_CFLAGS)
SNO_LDFLAGS = -Wl,--as-needed $(HARDEN_LDFLAGS) $(VARIANT_CFLAGS)

COMPILE = $(CC) -MMD -MP $(SNO_CPPFLAGS) $(CPPFLAGS) $(SNO_CFLAGS) $(CFLAGS)
LINK = $(CC) $(SNO_CFLAGS) $(CFLAGS) $(SNO_LDFLAGS) $(LDFLAGS)
objects = $(patsubst %.c,$(O)/%.o,$(1))

# --- programs ----------------------------------------------------------------------------------

# A daemon, and sno-plan, is its main.o and the archive of all its other objects; unit tests link
# that archive.
LIBSNO := $(O)/libsno.a
DAEMON_DIRS := core-agent terminal-agent sat-forwarder
PLAN_ARCHIVE := $(O)/common/plan.a
ARCHIVES := $(LIBSNO) $(PLAN_ARCHIVE) $(patsubst %,$(O)/%.a,$(DAEMON_DIRS))
with_main = $(if $(filter %/main.c,$(2)),$(O)/$(1))
SBIN_PROGRAMS := $(call with_main,sno-core-agent,$(CORE_AGENT_SRC)) \
	$(call with_main,sno-terminal-agent,$(TERMINAL_AGENT_SRC)) \
	$(call with_main,sno-sat-forwarder,$(SAT_FORWARDER_SRC))
BIN_PROGRAMS := $(if $(SNOCTL_SRC),$(O)/snoctl) $(call with_main,sno-plan,$(PLAN_SRC))
PROGRAMS := $(strip $(SBIN_PROGRAMS) $(BIN_PROGRAMS))

all: $(LIBSNO) $(PROGRAMS)

$(LIBSNO): $(call objects,$(LIBSNO_SRC))
$(O)/core-agent.a: $(call objects,$(filter-out %/main.c,$(CORE_AGENT_SRC)))
$(O)/terminal-agent.a: $(call objects,$(filter-out %/main.c,$(TERMINAL_AGENT_SRC)))
$(O)/sat-forwarder.a: $(call objects,$(filter-out %/main.c,$(SAT_FORWARDER_SRC)))

$(PLAN_ARCHIVE): $(call objects,$(filter-out %/main.c,$(PLAN_SRC))) $(O)/common/plan/page_text.o

# The page of sno-plan show is written as HTML, CSS and JavaScript, and becomes strings.
PAGE_PARTS := html css js land
page_html := page.html
page_css := page.css
page_js := page.js
page_land := land.js
$(O)/common/plan/page_text.c: $(foreach p,$(PAGE_PARTS),$(srcdir)/common/plan/page/$(page_$(p)))
	$(call say,TEXT,$@)
	@mkdir -p $(@D)
	$(Q){ $(foreach p,$(PAGE_PARTS),echo 'extern const char page_$(p)[];'; \
		echo 'const char page_$(p)[] ='; sed -e 's/[\\"]/\\&/g' -e 's/.*/"&\\n"/' \
		$(srcdir)/common/plan/page/$(page_$(p)); echo ';';) } > $@
$(O)/common/plan/page_text.o: $(O)/common/plan/page_text.c
	$(Q)$(COMPILE) -c -o $@ $<

$(ARCHIVES):
	$(call say,AR,$@)
	@mkdir -p $(@D)
	$(Q)rm -f $@ && $(AR) rcs $@ $(filter %.o,$^)

$(O)/sno-core-agent: $(O)/core-agent/main.o $(O)/core-agent.a $(LIBSNO)
$(O)/sno-terminal-agent: $(O)/terminal-agent/main.o $(O)/terminal-agent.a $(LIBSNO)
$(O)/sno-sat-forwarder: $(O)/sat-forwarder/main.o $(O)/sat-forwarder.a $(LIBSNO)
$(O)/snoctl: $(call objects,$(SNOCTL_SRC)) $(LIBSNO)
$(O)/sno-plan: $(O)/common/plan/main.o $(PLAN_ARCHIVE) $(LIBSNO)

$(PROGRAMS):
	$(call say,LINK,$@)
	$(Q)$(LINK) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(PKG_LIBS) $(LIBS)

# What the kernel runs is compiled for its own machine, whatever the rest is compiled for.
GUARD_OBJECT := $(O)/core-agent/guard.bpf.o
GATE_OBJECT := $(O)/terminal-agent/gate.bpf.o
$(GUARD_OBJECT): $(srcdir)/common/guard_layout.h
$(GATE_OBJECT): $(srcdir)/common/gate_layout.h
$(GUARD_OBJECT) $(GATE_OBJECT): $(O)/%.o: $(srcdir)/%.c config.mk
	$(call say,BPF,$<)
	@mkdir -p $(@D)
	$(Q)$(BPF_CC) $(BPF_CFLAGS) -target bpf -O2 -g -Wall -Wextra -I$(srcdir)/common -c -o $@ $<
$(O)/core-agent/guard_image.o: $(GUARD_OBJECT)
$(O)/core-agent/guard_image.o: SNO_CPPFLAGS += -DSNO_GUARD_OBJECT='"$(GUARD_OBJECT)"'
$(O)/terminal-agent/gate_image.o: $(GATE_OBJECT)
$(O)/terminal-agent/gate_image.o: SNO_CPPFLAGS += -DSNO_GATE_OBJECT='"$(GATE_OBJECT)"'

$(O)/%.o: $(srcdir)/%.c config.mk
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(COMPILE) -c -o $@ $<

# --- tests -------------------------------------------------------------------------------------

# A unit test or fuzz target that includes kernel_fake.h gets its objects in place of the real
# kernel; one that includes a daemon's header (as "core-agent/session.h") or sno-plan's (as
# "plan/bound.h") gets that program's archive, and so does a tool of the namespace tests.
UNIT_PROGRAMS := $(patsubst %.c,$(O)/%,$(UNIT_SRC))
UNIT_SUPPORT := $(O)/tests/unit/support.a
FAKE_TESTS := $(if $(UNIT_SRC),$(shell cd $(srcdir) && grep -l 'kernel_fake.h"' $(UNIT_SRC) $(FUZZ_SRC)))
daemon_tests = $(if $(UNIT_SRC)$(NETNS_SRC),$(shell cd $(srcdir) && \
	grep -l '"$(1)/' $(UNIT_SRC) $(BENCH_SRC) $(FUZZ_SRC) $(NETNS_SRC)))

$(UNIT_SUPPORT): $(call objects,$(UNIT_SUPPORT_SRC))
	@mkdir -p $(@D)
	$(Q)rm -f $@ && $(AR) rcs $@ $(filter %.o,$^)

$(UNIT_PROGRAMS): $(O)/%: $(O)/%.o $(UNIT_SUPPORT)
$(patsubst %.c,$(O)/%,$(FAKE_TESTS)): $(call objects,$(KERNEL_FAKE_SRC))
$(foreach d,$(DAEMON_DIRS),$(eval $(patsubst %.c,$(O)/%,$(call daemon_tests,$(d))): $(O)/$(d).a))
$(patsubst %.c,$(O)/%,$(call daemon_tests,plan)): $(PLAN_ARCHIVE)
$(UNIT_PROGRAMS): $(LIBSNO)
	$(call say,LINK,$@)
	$(Q)$(LINK) -o $@ $(filter %.o,$^) $(filter-out $(LIBSNO),$(filter %.a,$^)) $(LIBSNO) \
		$(CMOCKA_LIBS) $(PKG_LIBS) $(LIBS)

# Test tools and benchmarks: one program per file.
TOOL_PROGRAMS := $(patsubst %.c,$(O)/%,$(TOOL_SRC) $(NETNS_SRC))
BENCH_PROGRAMS := $(patsubst %.c,$(O)/%,$(BENCH_SRC))
$(TOOL_PROGRAMS) $(BENCH_PROGRAMS): $(O)/%: $(O)/%.o $(LIBSNO)
	$(call say,LINK,$@)
	$(Q)$(LINK) -o $@ $(filter %.o,$^) $(filter-out $(LIBSNO),$(filter %.a,$^)) $(LIBSNO) \
		$(PKG_LIBS) $(LIBS)

# The terminals of tests/bench/bench-crowd: one program of several files.
CROWD := $(if $(CROWD_SRC),$(O)/tests/bench/crowds/crowd)
$(CROWD): $(call objects,$(CROWD_SRC)) $(O)/terminal-agent.a $(LIBSNO)
	$(call say,LINK,$@)
	$(Q)$(LINK) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(PKG_LIBS) $(LIBS)

# What turns the lab's satellites about its terminals, likewise.
SKY := $(if $(SKY_SRC),$(O)/tests/bench/sky/sky)
$(SKY): $(call objects,$(SKY_SRC)) $(LIBSNO)
	$(call say,LINK,$@)
	$(Q)$(LINK) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(PKG_LIBS) $(LIBS)

# The tools are called by people: a link beside their source.
TOOL_LINKS := $(if $(filter build,$(O)),$(patsubst %.c,%,$(TOOL_SRC)))
$(TOOL_LINKS): %: $(O)/%
	@mkdir -p $(@D)
	$(Q)ln -sf ../$< $@

TEST_PROGRAMS := $(UNIT_PROGRAMS) $(TOOL_PROGRAMS) $(BENCH_PROGRAMS) $(CROWD) $(SKY)
# What these and the product are made of, for a compiler that is only asked what it thinks of it.
objects: $(call objects,$(sort $(filter-out %.bpf.c,$(LIBSNO_SRC) $(SNOCTL_SRC) $(PLAN_SRC) \
	$(CORE_AGENT_SRC) $(TERMINAL_AGENT_SRC) $(SAT_FORWARDER_SRC) $(UNIT_SRC) $(UNIT_SUPPORT_SRC) \
	$(KERNEL_FAKE_SRC) $(BENCH_SRC) $(CROWD_SRC) $(SKY_SRC) $(TOOL_SRC) $(NETNS_SRC)))) \
	$(O)/common/plan/page_text.o
unit-programs: $(UNIT_PROGRAMS)
test-programs: all $(TEST_PROGRAMS) $(TOOL_LINKS)
all: $(TOOL_PROGRAMS) $(BENCH_PROGRAMS) $(CROWD) $(SKY) $(TOOL_LINKS)

RUN_TESTS = SRCDIR=$(abspath $(srcdir)) BUILD=$(abspath $(O)) $(srcdir)/tests/run

check: test-programs
	@$(RUN_TESTS) all
check-unit: test-programs
	@$(RUN_TESTS) unit
check-static check-layers check-config check-plan check-netns check-uml: test-programs
	@$(RUN_TESTS) $(patsubst check-%,%,$@)

SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
ASAN_MAKE = $(MAKE) --no-print-directory O=$(O)/asan VARIANT_CFLAGS="$(SANITIZE)"
asan-programs:
	+@$(ASAN_MAKE) unit-programs
check-asan: asan-programs
	+@$(ASAN_MAKE) check-unit

bench: all $(BENCH_PROGRAMS)
	@$(RUN_TESTS) bench
bench-handover: all
	@SRCDIR=$(abspath $(srcdir)) BUILD=$(abspath $(O)) $(srcdir)/tests/bench/handovers
bench-plan: all
	@BUILD=$(abspath $(O)) $(srcdir)/tests/bench/plan-scale
bench-goals: all
	@BUILD=$(abspath $(O)) $(srcdir)/tests/bench/plan-goals
bench-crowd: all
	@SRCDIR=$(abspath $(srcdir)) BUILD=$(abspath $(O)) \
		BENCH_SIZES="$(or $(BENCH_SIZES),10 100 1000 10000)" BENCH_COUNT="$(or $(BENCH_COUNT),3)" \
		$(srcdir)/tests/bench/bench-crowd

# Each fuzz target runs for FUZZ_TIME seconds from its corpus tests/fuzz/NAME.corpus (of two
# targets that is made, and what was found beside it in NAME.found); what it finds beyond that stays in the build directory, crashes included.
FUZZ_PROGRAMS := $(patsubst %.c,$(O)/%,$(FUZZ_SRC))
$(FUZZ_PROGRAMS): $(O)/%: $(O)/%.o $(UNIT_SUPPORT) $(LIBSNO)
	$(call say,LINK,$@)
	$(Q)$(LINK) -fsanitize=fuzzer -o $@ $(filter %.o,$^) $(filter-out $(LIBSNO),$(filter %.a,$^)) \
		$(LIBSNO) $(CMOCKA_LIBS) $(PKG_LIBS) $(LIBS)
fuzz-programs: $(FUZZ_PROGRAMS)
fuzz:
	@$(MAKE) --no-print-directory O=$(O)/fuzz CC="$(FUZZ_CC)" HARDEN_CFLAGS= HARDEN_LDFLAGS= \
		VARIANT_CFLAGS="$(SANITIZE) -fsanitize=fuzzer-no-link" fuzz-programs
	@SRCDIR=$(abspath $(srcdir)) BUILD=$(abspath $(O)/fuzz) FUZZ_TIME=$(FUZZ_TIME) \
		$(srcdir)/tests/run fuzz

# Which lines of what reads octets from outside the corpora reach; fails where they are too few.
COVERAGE := -fprofile-instr-generate -fcoverage-mapping
LLVM_COV ?= llvm-cov
LLVM_PROFDATA ?= llvm-profdata
fuzz-coverage:
	@$(MAKE) --no-print-directory O=$(O)/coverage CC="$(FUZZ_CC)" HARDEN_CFLAGS= HARDEN_LDFLAGS= \
		VARIANT_CFLAGS="$(COVERAGE) -fsanitize=fuzzer-no-link" fuzz-programs
	@SRCDIR=$(abspath $(srcdir)) BUILD=$(abspath $(O)/coverage) LLVM_COV="$(LLVM_COV)" \
		LLVM_PROFDATA="$(LLVM_PROFDATA)" $(srcdir)/tests/fuzz-coverage

# --- static analysis ---------------------------------------------------------------------------

# Three tools read each file of the product, and read it again when it or a header of it changes: a
# finding is an error, a stamp below $(O)/analyze says that there is none. A finding that is none
# is answered beside its line, with the reason. What a tool is not asked at all:
#
# gcc		leaks, since its analyzer does not know that what is put into a table of uthash or
#		behind a pointer of the caller's is kept (check-asan looks for them), and what is
#		not initialised, since an array that a loop fills is that to it (-Wall and cppcheck
#		look for it). It gives up early on what branches a lot, or it would take minutes.
# clang-tidy	what .clang-tidy says.
# cppcheck	NULL as an argument after "...": it is a pointer in the C libraries we build on; and
#		headers of the system, but for those whose macros it must know.
ANALYZED := $(filter-out %.bpf.c,$(LIBSNO_SRC) $(SNOCTL_SRC) $(PLAN_SRC) $(CORE_AGENT_SRC) \
	$(TERMINAL_AGENT_SRC) $(SAT_FORWARDER_SRC))
ANALYZE_TIME ?= 120
ANALYZE = $(SNO_CPPFLAGS) -DSNO_GUARD_OBJECT='"guard.bpf.o"' -DSNO_GATE_OBJECT='"gate.bpf.o"' \
	$(CPPFLAGS)
GCC_ANALYZER = -O2 -fanalyzer -Wno-analyzer-malloc-leak \
	-Wno-analyzer-use-of-uninitialized-value --param analyzer-bb-explosion-factor=2 \
	--param analyzer-max-enodes-per-program-point=2
MACROS := uthash.h utlist.h sys/queue.h
CPPCHECK_FLAGS = -q --std=c11 --library=gnu,posix --enable=warning,performance,portability \
	--inline-suppr --error-exitcode=1 --template='{file}:{line}: {id}: {message}' \
	--suppress=varFuncNullUB --suppress='*:/usr/include/*' --suppress=missingInclude \
	$(foreach h,$(MACROS),--include=$(firstword $(wildcard /usr/include/$(h) /usr/include/*/$(h)))) \
	-D'LIBBPF_OPTS(type,name,...)=struct type name = {0}' \
	$(filter -I$(srcdir)% -D%,$(ANALYZE))
GCC ?= gcc
CLANG_TIDY ?= clang-tidy
CPPCHECK ?= cppcheck
stamps = $(patsubst %.c,$(O)/analyze/%.$(1),$(2))

analyze: analyze-gcc analyze-clang-tidy analyze-cppcheck
analyze-gcc: $(call stamps,gcc,$(ANALYZED))
analyze-clang-tidy: $(call stamps,tidy,$(ANALYZED))
analyze-cppcheck: $(call stamps,cppcheck,$(ANALYZED))

$(O)/analyze/%.gcc: $(srcdir)/%.c config.mk
	$(call say,GCC,$<)
	@mkdir -p $(@D)
	$(Q)timeout $(ANALYZE_TIME) $(GCC) -MMD -MP -MT $@ -MF $@.d $(ANALYZE) $(SNO_CFLAGS) \
		$(GCC_ANALYZER) -Werror -S -o /dev/null $<
	$(Q)touch $@
# The other two follow the headers that gcc has found.
$(O)/analyze/%.tidy: $(srcdir)/%.c $(O)/analyze/%.gcc $(srcdir)/.clang-tidy
	$(call say,TIDY,$<)
	$(Q)$(CLANG_TIDY) --quiet $< -- $(ANALYZE) -std=gnu11 >$@.log 2>&1 || { cat $@.log; exit 1; }
	$(Q)touch $@
$(O)/analyze/%.cppcheck: $(srcdir)/%.c $(O)/analyze/%.gcc
	$(call say,CPPCHECK,$<)
	$(Q)$(CPPCHECK) $(CPPCHECK_FLAGS) $<
	$(Q)touch $@

# --- installation ------------------------------------------------------------------------------

# A page that lies elsewhere describes what is not installed.
MAN_PAGES := $(call sources,$(foreach s,1 5 7 8,$(addsuffix /*.$(s),common $(DAEMON_DIRS))))
# conf/*.conf, *.csv and *.tle are the example configurations. A folder conf/NAME.d or conf/systemd
# holds drop-ins for another program; a file NAME.in has @sbindir@ and the like replaced. Of a unit
# there is one for an instance (-N) beside it, UNIT@.service.
EXAMPLES := $(call sources,conf/*.conf conf/*.csv conf/*.tle)
drop_ins = $(patsubst %.in,$(O)/%,$(call sources,conf/$(1)/*))
UNITS := $(if $(systemdsystemunitdir),$(foreach u,$(call drop_ins,systemd),$(u) $(u:.service=@.service)))
TMPFILES := $(call drop_ins,tmpfiles.d)
SYSUSERS := $(call drop_ins,sysusers.d)
SYSCTL := $(call drop_ins,sysctl.d)
RT_PROTOS := $(call drop_ins,rt_protos.d)
NETWORKD := $(call drop_ins,networkd.conf.d)
NETWORKMANAGER := $(call drop_ins,NetworkManager)
DOCS := README COPYING $(call sources,common/PROTOCOL)
GUIDE := $(call sources,common/guide/*)
COMPLETIONS := $(call sources,conf/bash-completion/*)
# For other programs, which are told where it is: the dissector, alerts, a dashboard.
SHARED := $(call sources,scripts/wireshark/sno.lua conf/prometheus/*.yml conf/grafana/*.json)

exampledir = $(docdir)/examples
confdir = $(sysconfdir)/sno
tmpfilesdir = $(prefix)/lib/tmpfiles.d
sysusersdir = $(prefix)/lib/sysusers.d
sysctldir = $(prefix)/lib/sysctl.d
networkddir = $(prefix)/lib/systemd/networkd.conf.d
rtprotosdir = $(sysconfdir)/iproute2/rt_protos.d
networkmanagerdir = $(sysconfdir)/NetworkManager/conf.d

fill_in = sed -e 's|@bindir@|$(bindir)|g' -e 's|@sbindir@|$(sbindir)|g' \
	-e 's|@sysconfdir@|$(sysconfdir)|g' -e 's|@runstatedir@|$(runstatedir)|g' \
	-e 's|@localstatedir@|$(localstatedir)|g'
$(O)/conf/systemd/%@.service: $(srcdir)/conf/systemd/%.service.in config.mk
	$(call say,SUBST,$@)
	@mkdir -p $(@D)
	$(Q)$(fill_in) -e 's|@titled@| %i|g' -e 's|@of_instance@|-%i|g' -e 's|@instance@| -N %i|g' $< > $@
$(O)/conf/%: $(srcdir)/conf/%.in config.mk
	$(call say,SUBST,$@)
	@mkdir -p $(@D)
	$(Q)$(fill_in) -e 's|@titled@||g' -e 's|@of_instance@||g' -e 's|@instance@||g' $< > $@
all: $(filter $(O)/%,$(UNITS) $(TMPFILES) $(SYSUSERS) $(SYSCTL) $(RT_PROTOS) $(NETWORKD) $(NETWORKMANAGER))

# One line per installed file: mode, directory, sources. Both install and uninstall read it.
# $(1) is called with (mode, directory, files).
define each_installed
$(call $(1),755,$(sbindir),$(SBIN_PROGRAMS))
$(call $(1),755,$(bindir),$(BIN_PROGRAMS))
$(call $(1),644,$(mandir)/man1,$(filter %.1,$(MAN_PAGES)))
$(call $(1),644,$(mandir)/man5,$(filter %.5,$(MAN_PAGES)))
$(call $(1),644,$(mandir)/man7,$(filter %.7,$(MAN_PAGES)))
$(call $(1),644,$(mandir)/man8,$(filter %.8,$(MAN_PAGES)))
$(call $(1),644,$(docdir),$(DOCS))
$(call $(1),644,$(docdir)/guide,$(GUIDE))
$(call $(1),644,$(datadir)/sno-mobility,$(SHARED))
$(call $(1),644,$(datadir)/bash-completion/completions,$(COMPLETIONS))
$(call $(1),644,$(exampledir),$(EXAMPLES))
$(call $(1),644,$(systemdsystemunitdir),$(UNITS))
$(call $(1),644,$(tmpfilesdir),$(TMPFILES))
$(call $(1),644,$(sysusersdir),$(SYSUSERS))
$(call $(1),644,$(sysctldir),$(SYSCTL))
$(call $(1),644,$(networkddir),$(NETWORKD))
$(call $(1),644,$(rtprotosdir),$(RT_PROTOS))
$(call $(1),644,$(networkmanagerdir),$(NETWORKMANAGER))
endef

# A built file is named from here, any other from the source tree.
located = $(foreach f,$(1),$(if $(filter $(O)/%,$(f)),$(f),$(srcdir)/$(f)))
define install_files
$(if $(strip $(3)),$(INSTALL) -d '$(DESTDIR)$(2)' && $(INSTALL) -m $(1) $(call located,$(3)) '$(DESTDIR)$(2)' || exit 1;)
endef
define uninstall_files
$(if $(strip $(3)),rm -f $(patsubst %,'$(DESTDIR)$(2)/%',$(notdir $(3)));)
endef
INSTALLED_EMPTY = $(exampledir) $(docdir)/guide $(docdir) $(datadir)/sno-mobility $(confdir)

install: all
	$(Q)$(strip $(call each_installed,install_files))
	$(Q)$(INSTALL) -d -m 750 '$(DESTDIR)$(confdir)'

install-strip: install
	$(Q)$(STRIP) $(patsubst %,'$(DESTDIR)$(sbindir)/%',$(notdir $(SBIN_PROGRAMS))) \
		$(patsubst %,'$(DESTDIR)$(bindir)/%',$(notdir $(BIN_PROGRAMS)))

# Takes away what install put there, and the directories that are ours and now empty.
# Configurations that the administrator wrote stay.
uninstall:
	$(Q)$(strip $(call each_installed,uninstall_files))
	$(Q)for dir in $(INSTALLED_EMPTY); do \
		if [ -d "$(DESTDIR)$$dir" ]; then rmdir --ignore-fail-on-non-empty "$(DESTDIR)$$dir"; fi; \
	done

installcheck:
	@SBINDIR='$(DESTDIR)$(sbindir)' BINDIR='$(DESTDIR)$(bindir)' \
		EXAMPLEDIR='$(DESTDIR)$(exampledir)' MANDIR='$(DESTDIR)$(mandir)' VERSION='$(VERSION)' \
		PROGRAMS='$(notdir $(PROGRAMS))' $(srcdir)/tests/installcheck

# --- distribution ------------------------------------------------------------------------------

DIST := $(PACKAGE)-$(VERSION)
# A checkout ships what git tracks; an unpacked release ships all it has but what is built.
dist_files = cd $(srcdir) && if [ -e .git ]; then git ls-files; else \
	find . -type f ! -path './$(O)/*' ! -path './autom4te.cache/*' ! -path './$(DIST)/*' \
	! -name '*.tar.gz' ! -name config.mk ! -name config.status ! -name config.log \
	! -path './configure' | sed 's|^\./||' | LC_ALL=C sort; fi

dist: $(DIST).tar.gz
$(DIST).tar.gz: $(srcdir)/configure FORCE
	$(call say,DIST,$@)
	$(Q)rm -rf $(DIST) && mkdir $(DIST)
	$(Q)($(dist_files)) | tar -C $(srcdir) -cf - -T - | tar -C $(DIST) -xf -
	$(Q)cp $(srcdir)/configure $(DIST)/configure && touch $(DIST)/configure
	$(Q)tar --sort=name --owner=0 --group=0 --numeric-owner -czf $@ $(DIST)
	$(Q)rm -rf $(DIST)

# Unpacks the release read-only, builds it outside its tree, tests, installs, checks what is
# installed, and proves that uninstall and distclean leave nothing behind.
distcheck: dist
	@V=$(V) DIST=$(DIST) MAKE='$(MAKE)' $(srcdir)/tests/distcheck $(abspath $(O))/distcheck

# A Debian package of this tree, below $(O)/deb: what `make dist` packs, with conf/debian beside it.
deb: dist
	$(Q)rm -rf $(O)/deb && mkdir -p $(O)/deb
	$(Q)tar -C $(O)/deb -xzf $(DIST).tar.gz
	$(Q)cp -r $(O)/deb/$(DIST)/conf/debian $(O)/deb/$(DIST)/debian
	$(Q)sed -e 's/@VERSION@/$(VERSION)/' \
		-e "s/@DATE@/$$(date -Ru -d @$${SOURCE_DATE_EPOCH:-$$(date +%s)})/" \
		$(srcdir)/conf/debian/changelog.in > $(O)/deb/$(DIST)/debian/changelog
	$(Q)rm $(O)/deb/$(DIST)/debian/changelog.in
	$(call say,DEB,$(O)/deb)
	$(Q)cd $(O)/deb/$(DIST) && unset MAKEFLAGS MFLAGS MAKELEVEL && \
		dpkg-buildpackage --no-sign --build=binary > ../build.log 2>&1 || \
		{ tail -n 30 ../build.log; exit 1; }
	@ls $(O)/deb/*.deb

# --- upkeep ------------------------------------------------------------------------------------

$(srcdir)/configure: $(srcdir)/configure.ac
	$(call say,AUTOCONF,$@)
	$(Q)cd $(srcdir) && autoconf && rm -rf autom4te.cache
ifneq ($(srcdir),.)
configure: $(srcdir)/configure
endif
ifneq ($(wildcard config.status),)
config.mk: $(srcdir)/common/config.mk.in config.status
	$(Q)./config.status --quiet
config.status: $(srcdir)/configure
	$(Q)./config.status --quiet --recheck
endif

clean:
	$(Q)rm -rf $(O)
	$(Q)rm -f $(TOOL_LINKS)

distclean: clean
	$(Q)rm -rf autom4te.cache $(DIST)
	$(Q)rm -f config.mk config.status config.log $(DIST).tar.gz
	$(Q)if [ -L Makefile ]; then rm -f Makefile; rmdir tests 2>/dev/null || :; fi

help:
	@sed -n 's/^#: //p' $(srcdir)/Makefile

#: make                 build the daemons, snoctl and the test tools into build/
#: make configure       write ./configure (in a checkout; needs autoconf)
#: make check           every test: unit, configuration, layers, style, planner, namespaces, UML
#: make check-unit      unit tests only; runs anywhere, as any user
#: make check-config    the example configurations and the broken ones in tests/config
#: make check-plan      sno-plan as its users see it
#: make check-layers    which code may use what
#: make check-static    layers, shellcheck and clang-format
#: make check-netns     namespace tests on this kernel (root)
#: make check-uml       the same tests inside user-mode Linux (root)
#: make check-asan      unit tests with address and undefined-behaviour sanitizers
#: make fuzz            each fuzz target for FUZZ_TIME=20 seconds (clang)
#: make analyze         gcc -fanalyzer, clang-tidy and cppcheck find nothing in the product
#: make deb             a Debian package (debhelper), into build/deb
#: make fuzz-coverage   which lines of the parsers the corpora reach: at least 95% (clang, llvm)
#: make bench           benchmarks
#: make bench-handover  what each handover mode costs, in user-mode Linux (root); see its head
#:                      (tests/bench/handovers) for how to run a part
#: make bench-plan      how time and memory of sno-plan grow with what is planned
#: make bench-goals     how good plans are on the scenarios of ../shared/data
#: make bench-crowd     what it takes until the last terminal of a crowd is served (root); likewise
#: make install         with DESTDIR and every GNU directory variable
#: make install-strip uninstall installcheck
#: make dist distcheck  release tarball; build, test, install and remove it
#: make clean distclean
#:
#: V=1 shows the commands. REQUIRE_NETNS=1 and REQUIRE_UML=1 turn skipped namespace and UML
#: tests into failures. TESTS="pattern ..." limits a check to the tests so named.

.PHONY: all deb objects test-programs unit-programs asan-programs check check-unit check-config check-layers check-static check-plan \
	check-netns check-uml check-asan bench bench-handover bench-plan bench-goals bench-crowd fuzz fuzz-programs fuzz-coverage analyze analyze-gcc analyze-clang-tidy analyze-cppcheck install install-strip uninstall installcheck \
	dist distcheck clean distclean help FORCE

-include $(wildcard $(addprefix $(O)/,common/*.d common/*/*.d $(addsuffix /*.d,$(DAEMON_DIRS)) tests/*.d tests/*/*.d tests/*/*/*.d analyze/*/*.d analyze/*/*/*.d))
