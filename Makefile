#
# pg_haops is built with PostgreSQL's own extension makefiles (PGXS):
#
#     build/libhaops.a   floors 1 to 4, compiled without the server's include path
#     pg_haops.so        the extension: floors 5 and 6, linked with libhaops.a
#     pg_haops           the program: src/cli, linked with libhaops.a
#     pg_haops--1.0.sql  the install script, from its parts in src/api
#
# `make help` lists the targets. PG_CONFIG chooses the PostgreSQL to build against, WERROR= turns errors back
# into warnings.
#
# Every source file is named here, by its base name, so that a dead one is seen (make tidy).

# Floor 1: pure consensus. Floor 2: structs to bytes and back; pure decisions of operations.
CORE = candidate chain change follower handover leader lease node note quorum register roles round shift \
	voter
WIRE = checksum codec event frame receiver record status
OPS = alert argv bloat card card_bulletin episode hook lag lane members mute outbox readiness redundant \
	template text waits
# Floor 3: the outside world without the server. Floor 4: joins decisions to the world.
IO = address alertmanager binding channel channel_send child clock conffile dingtalk fault feishu files key \
	link login mac mail message operator peer peer_greet peer_link peer_listen peer_send pgconn pgdata private \
	process secret session slack socket spool statedir store webhook webhook_mail webhook_request wecom
DRIVE = aside ask builtin clone contact durable effects engine gossip local lost marker rejoin rejoin_rewind \
	rewind settings setup view witness
# Floor 5: the server, and the program. Floor 6: what SQL sees, C and SQL; API_SQL is the order of
# installation.
SERVER = alert_book alert_eval alert_members alert_news alert_post alert_rule archive control door event_spool facts \
	fence gate guc guc_monitor guc_sender hooks init lagring limit monitor_ask monitor_collect monitor_job \
	monitor_query poster poster_lanes poster_send preflight pulse requests samples shmem slots standby \
	timelines worker_alerts worker_ha worker_keeper worker_monitor worker_sender workers words world
CLI = cmd_create cmd_doctor cmd_failover cmd_join cmd_leave cmd_rejoin cmd_status cmd_switchover \
	cmd_witness command doctor_cluster doctor_local launch limits main reach
API = alerts bloat bloat_btree bloat_gin bloat_heap bloat_index bloat_sample bloat_widths cluster explain \
	explain_findings explain_guard explain_hypo explain_index explain_plan explain_text health indexes \
	indexes_keys indexes_read indexes_scan indexes_text inspect locks locks_collect locks_words monitor operate \
	replication replication_view replication_wal row sizes tables
API_SQL = 00_header 10_schema cluster operate monitor settings locks bloat indexes index_usage replication \
	statements explain tables health samples vacuum inspect_checks inspect alerts alert_flow alert_channels \
	alert_rules 99_grants
# Regression tests (sql/, expected/), in the order in which they run, one after the other.
REGRESS = roles settings cluster locks bloat indexes replication statements tables health inspect \
	alerts privileges comments

# How long the tests take: make check-sim SEEDS=1000000, make check-fuzz SECONDS=600.
SEEDS ?= 20000
SECONDS ?= 20

# --------------------------------------------------------------------------------------------------
# Compilers and flags
# --------------------------------------------------------------------------------------------------

PG_CONFIG ?= pg_config
PGXS := $(wildcard $(shell $(PG_CONFIG) --pgxs 2>/dev/null))
PG_VERSION := $(shell $(PG_CONFIG) --version 2>/dev/null)
PG_CLIENT_INCLUDE := $(shell $(PG_CONFIG) --includedir 2>/dev/null)
PG_SERVER_INCLUDE := $(shell $(PG_CONFIG) --includedir-server 2>/dev/null)

WERROR ?= -Werror
CLANG_FUZZ ?= clang
HAOPS_LIBS = -lcurl -ljansson -lpq -lssl -lcrypto

# Floors 1 and 2 have nothing but C11. Floor 3 and above see Linux and libpq, but not the server.
WARNINGS = -Wall -Wextra -Wmissing-prototypes -Wstrict-prototypes -Wpointer-arith -Wvla $(WERROR)
COMMON_FLAGS = -std=c11 -Isrc -g -fPIC -fvisibility=hidden -fno-omit-frame-pointer $(WARNINGS)
WORLD_FLAGS = -D_GNU_SOURCE -I$(PG_CLIENT_INCLUDE)
FLAGS_core =
FLAGS_wire =
FLAGS_ops =
FLAGS_io = $(WORLD_FLAGS)
FLAGS_drive = $(WORLD_FLAGS)
FLAGS_cli = $(WORLD_FLAGS)

# What tells the builds of the same sources apart: VARIANT_x, and the compiler CC_x where it is another one.
VARIANT_lib = -O2 -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
VARIANT_asan = -O1 -fsanitize=address,undefined -fno-sanitize-recover=all
VARIANT_mutant = -O2 -DHA_MUTANTS
VARIANT_fuzz = -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
CC_lib = $(CC)
CC_asan = $(CC)
CC_mutant = $(CC)
CC_fuzz = $(CLANG_FUZZ)

FLOORS = core wire ops io drive
VARIANTS = lib asan mutant fuzz
LIB_UNITS = $(CORE:%=core/%) $(WIRE:%=wire/%) $(OPS:%=ops/%) $(IO:%=io/%) $(DRIVE:%=drive/%)
LIBHAOPS = build/libhaops.a

# Test programs are found by their names; tidy holds that nothing else lies in these folders.
UNIT_TESTS = $(wildcard test/unit/test_*.c)
UNIT_SUPPORT = $(wildcard test/unit/support/*.c)
SIM_SOURCES = $(wildcard test/sim/*.c)
SOAK_TESTS = $(wildcard test/soak/*.c)
FUZZ_TESTS = $(wildcard test/fuzz/fuzz_*.c)
TAP_TESTS_FOUND = $(wildcard test/t/*.pl)
PGTAP_TESTS = $(wildcard test/tap/*.sql)

# --------------------------------------------------------------------------------------------------
# The extension, through PGXS
# --------------------------------------------------------------------------------------------------

.PHONY: all
all:

EXTENSION = pg_haops
MODULE_big = pg_haops
OBJS = $(SERVER:%=build/server/%.o) $(API:%=build/api/%.o)
DATA_built = pg_haops--1.0.sql
DATA = $(wildcard src/api/upgrade/pg_haops--*--*.sql)
DOCS = systemd/pg_haops.conf systemd/pg_haops-notify.service
EXTRA_CLEAN = build pg_haops
NO_INSTALLCHECK = 1
SHLIB_LINK = $(LIBHAOPS) $(HAOPS_LIBS)

# The server's headers are system headers here, so that -Wextra speaks of our code only. Floors 5 and 6 are
# not compiled with hidden visibility: in PostgreSQL 15 PGDLLEXPORT is empty, and even the magic block would
# be gone. There is no bitcode: nothing in this library is worth inlining into a query.
PG_CPPFLAGS = -Isrc -isystem $(PG_SERVER_INCLUDE) -isystem $(PG_CLIENT_INCLUDE)
PG_CFLAGS = -Wextra -Wno-unused-parameter -Wno-missing-field-initializers $(WERROR)
override with_llvm := no

ifneq ($(PGXS),)
include $(PGXS)
$(MODULE_big)$(DLSUFFIX): $(LIBHAOPS)
else
.PHONY: install uninstall clean no-server
all install uninstall: no-server
no-server:
	@echo "pg_haops: no PostgreSQL server development files found by $(PG_CONFIG)." \
		"Run test/setup build, or say PG_CONFIG=/path/to/pg_config." >&2
	@exit 1
clean:
	rm -rf $(EXTRA_CLEAN) $(DATA_built) pg_haops.so
endif

build/server/%.o: src/server/%.c build/server/version
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(CFLAGS_SL) $(CFLAGS_SL_MODULE) $(CPPFLAGS) -MMD -MP -c $< -o $@

build/api/%.o: src/api/%.c build/server/version
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(CFLAGS_SL) $(CFLAGS_SL_MODULE) $(CPPFLAGS) -MMD -MP -c $< -o $@

# Changes when another PostgreSQL is built against, and has floors 5 and 6 compiled anew.
build/server/version: FORCE
	@mkdir -p $(@D)
	@echo '$(PG_VERSION)' | cmp -s - $@ || echo '$(PG_VERSION)' >$@

pg_haops--1.0.sql: $(API_SQL:%=src/api/%.sql) Makefile
	@if grep -n -i -E 'OR[[:space:]]+REPLACE|IF[[:space:]]+NOT[[:space:]]+EXISTS' \
		/dev/null $(filter %.sql,$^); \
	then echo "pg_haops: an install script creates; it never replaces or skips" >&2; exit 1; fi
	cat /dev/null $(filter %.sql,$^) >$@

# --------------------------------------------------------------------------------------------------
# The library and the program
# --------------------------------------------------------------------------------------------------

define floor_rule
build/$(1)/$(2)/%.o: src/$(2)/%.c
	@mkdir -p $$(@D)
	$$(CC_$(1)) $$(COMMON_FLAGS) $$(FLAGS_$(2)) $$(VARIANT_$(1)) -MMD -MP -c $$< -o $$@
endef
$(foreach v,$(VARIANTS),$(foreach f,$(FLOORS) cli,$(eval $(call floor_rule,$(v),$(f)))))

# The archive is made anew, so that a source that left the lists leaves the archive too.
archive = rm -f $@ && ar crs $@ $(filter %.o,$^)

$(LIBHAOPS): $(LIB_UNITS:%=build/lib/%.o) Makefile
	@mkdir -p $(@D)
	$(archive)

build/%/libhaops.a: Makefile
	@mkdir -p $(@D)
	$(archive)
$(foreach v,asan mutant fuzz,$(eval build/$(v)/libhaops.a: $(LIB_UNITS:%=build/$(v)/%.o)))

PROGRAM_LINK = $(if $(CLI),pg_haops)
all: $(LIBHAOPS) $(PROGRAM_LINK)

pg_haops: $(CLI:%=build/lib/cli/%.o) $(LIBHAOPS)
	$(CC) $(LDFLAGS) -Wl,--as-needed -o $@ $(filter %.o,$^) $(LIBHAOPS) $(HAOPS_LIBS)

ifneq ($(PGXS),)
.PHONY: install-program uninstall-program
install: install-program
install-program: all
ifneq ($(PROGRAM_LINK),)
	$(MKDIR_P) '$(DESTDIR)$(bindir)'
	$(INSTALL_PROGRAM) pg_haops '$(DESTDIR)$(bindir)/pg_haops'
endif

uninstall: uninstall-program
uninstall-program:
	rm -f '$(DESTDIR)$(bindir)/pg_haops' \
		$(addprefix '$(DESTDIR)$(docdir)/$(docmoduledir)'/, $(notdir $(DOCS)))
endif

# --------------------------------------------------------------------------------------------------
# Tests that need no server
# --------------------------------------------------------------------------------------------------

.PHONY: check-unit check-sim check-model check-fuzz check-receiver tidy
.PHONY: unit-programs sim-programs fuzz-programs soak-programs
.SECONDARY:

TEST_FLAGS = $(COMMON_FLAGS) $(WORLD_FLAGS) -I.

UNIT_PROGRAMS = $(UNIT_TESTS:test/unit/%.c=build/asan/unit/%)
UNIT_SUPPORT_OBJS = $(UNIT_SUPPORT:test/unit/%.c=build/asan/unit/%.o)

build/asan/unit/%.o: test/unit/%.c
	@mkdir -p $(@D)
	$(CC) $(TEST_FLAGS) $(VARIANT_asan) -MMD -MP -c $< -o $@

$(UNIT_PROGRAMS): %: %.o $(UNIT_SUPPORT_OBJS) build/asan/libhaops.a
	$(CC) $(VARIANT_asan) -o $@ $^ -Wl,--as-needed -lcmocka $(HAOPS_LIBS)

unit-programs: $(UNIT_PROGRAMS)
check-unit: unit-programs
	@test/check-unit $(UNIT_PROGRAMS)

# Long runs of whole members (test/soak/elections), from the same parts as the unit tests.
build/asan/soak/%.o: test/soak/%.c
	@mkdir -p $(@D)
	$(CC) $(TEST_FLAGS) $(VARIANT_asan) -MMD -MP -c $< -o $@

SOAK_PROGRAMS = $(SOAK_TESTS:test/soak/%.c=build/asan/soak/%)
$(SOAK_PROGRAMS): %: %.o $(UNIT_SUPPORT_OBJS) build/asan/libhaops.a
	$(CC) $(VARIANT_asan) -o $@ $^ -Wl,--as-needed -lcmocka $(HAOPS_LIBS)

soak-programs: $(SOAK_PROGRAMS)

# Without sanitizers, for valgrind.
build/soak/deliveries: test/soak/deliveries.c $(LIBHAOPS)
	@mkdir -p $(@D)
	$(CC) $(TEST_FLAGS) -g -o $@ $^ -Wl,--as-needed $(HAOPS_LIBS)

# The simulator twice: over the very objects that the server links, and over those with the seeded bugs in
# them. Only the world around these objects is compiled for speed.
SIM_FLAGS = -O3 -flto=auto -fno-stack-protector -fomit-frame-pointer

build/lib/sim/%.o: test/sim/%.c
	@mkdir -p $(@D)
	$(CC) $(TEST_FLAGS) $(VARIANT_lib) $(SIM_FLAGS) -MMD -MP -c $< -o $@

build/mutant/sim/%.o: test/sim/%.c
	@mkdir -p $(@D)
	$(CC) $(TEST_FLAGS) $(VARIANT_mutant) $(SIM_FLAGS) -MMD -MP -c $< -o $@

build/lib/sim/sim: $(SIM_SOURCES:test/sim/%.c=build/lib/sim/%.o) $(LIBHAOPS)
	$(CC) $(SIM_FLAGS) -o $@ $^ -Wl,--as-needed $(HAOPS_LIBS) -lm

build/mutant/sim/sim: $(SIM_SOURCES:test/sim/%.c=build/mutant/sim/%.o) build/mutant/libhaops.a
	$(CC) $(SIM_FLAGS) -o $@ $^ -Wl,--as-needed $(HAOPS_LIBS) -lm

sim-programs: build/lib/sim/sim build/mutant/sim/sim
check-sim: sim-programs
	@test/sim/check build/lib/sim/sim build/mutant/sim/sim $(SEEDS)

check-model:
	@test/model/check

FUZZ_PROGRAMS = $(FUZZ_TESTS:test/fuzz/%.c=build/fuzz/%)

build/fuzz/%.o: test/fuzz/%.c
	@mkdir -p $(@D)
	$(CLANG_FUZZ) $(TEST_FLAGS) -Wno-missing-prototypes $(VARIANT_fuzz) -MMD -MP -c $< -o $@

$(FUZZ_PROGRAMS): %: %.o build/fuzz/libhaops.a
	$(CLANG_FUZZ) $(VARIANT_fuzz) -fsanitize=fuzzer -o $@ $^ -Wl,--as-needed $(HAOPS_LIBS)

fuzz-programs: $(FUZZ_PROGRAMS)
check-fuzz: fuzz-programs
	@test/check-fuzz $(SECONDS) $(FUZZ_PROGRAMS)

# The receiver of alerts that the stories use, tested itself.
check-receiver:
	@test/receiver/selftest

tidy:
	@test/tidy/selftest
	@test/tidy/run

# --------------------------------------------------------------------------------------------------
# Tests on real servers, and the rest
# --------------------------------------------------------------------------------------------------

.PHONY: installcheck check-tap test demo demo-stop format help list-sources list-tests FORCE
FORCE:

# Both install into a private copy of PostgreSQL and touch nothing of the system's.
installcheck: all
	@PG_CONFIG='$(PG_CONFIG)' test/installcheck $(REGRESS)

check-tap: all
	@PG_CONFIG='$(PG_CONFIG)' test/check-tap $(or $(TESTS),$(TAP_TESTS_FOUND))

test:
	@test/run

demo:
	@test/setup build
	@$(MAKE) --no-print-directory -s all
	@PG_CONFIG='$(PG_CONFIG)' demo/run

demo-stop:
	@demo/run stop

format:
	clang-format -i $(wildcard $(addsuffix /*.[ch],src/* test/unit test/unit/support test/sim test/fuzz test/soak))

# What tidy holds against the files that it finds.
list-sources:
	@printf '%s\n' $(LIB_UNITS:%=src/%.c) $(SERVER:%=src/server/%.c) $(CLI:%=src/cli/%.c) \
		$(API:%=src/api/%.c) $(API_SQL:%=src/api/%.sql) $(DATA)

list-tests:
	@printf '%s\n' $(UNIT_TESTS) $(UNIT_SUPPORT) $(SIM_SOURCES) $(FUZZ_TESTS) $(SOAK_TESTS) $(TAP_TESTS_FOUND) \
		$(PGTAP_TESTS) $(REGRESS:%=sql/%.sql)

help:
	@echo 'make                       the library, the extension, the program'
	@echo 'make install               into the PostgreSQL that PG_CONFIG names (DESTDIR= works)'
	@echo 'make demo, make demo-stop  a cluster on this machine that fails over before your eyes; remove it'
	@echo 'make test                  all tests, with their own set-up'
	@echo 'make check-unit            unit tests, under ASan and UBSan'
	@echo 'make check-sim SEEDS=n     the simulator, n schedules a topology, and the seeded bugs'
	@echo 'make check-model           the Spin models'
	@echo 'make check-fuzz SECONDS=n  libFuzzer, n seconds a target'
	@echo 'make check-receiver        the strict receiver of alerts that the stories use'
	@echo 'make installcheck          regression tests on a server of their own'
	@echo 'make check-tap TESTS=...   stories on real servers (test/t/*.pl, or those named)'
	@echo 'make tidy                  the rules of the house'
	@echo 'make format                clang-format'
	@echo 'make clean'

.DELETE_ON_ERROR:
-include $(wildcard build/*/*.d build/*/*/*.d build/*/*/*/*.d)
