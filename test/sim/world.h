/*
 * world.h: the simulated world: time, hosts, and who stands where in it.
 *
 * One schedule is one seed: a topology, a handful of hosts with their own clocks, a network, disks, a stand-in for
 * PostgreSQL, clients, an operator, and faults in random measure. The members' decisions are made by the very object
 * files that the server links. Nothing here reads a clock or any other source of chance than the seed, so a seed
 * always tells the same story. Times are microseconds of real time (SimUs) unless a host's clock is meant (HaUs).
 *
 * Who may include whom: everything sees world.h; check.h only looks and never changes the world.
 */
#ifndef HA_SIM_WORLD_H
#define HA_SIM_WORLD_H

#include "core/mutant.h"
#include "core/node.h"
#include "test/sim/check.h"
#include "test/sim/client.h"
#include "test/sim/disk.h"
#include "test/sim/fault.h"
#include "test/sim/net.h"
#include "test/sim/operator.h"
#include "test/sim/pg.h"
#include "test/sim/sim.h"
#include "test/sim/wal.h"

/* What a host is waiting for; each has one due time. */
typedef enum SimTimer
{
	SIM_TIMER_TURN,				/* the ha worker's next turn */
	SIM_TIMER_PERSIST,			/* a slow write of the state file ends */
	SIM_TIMER_WORKER,			/* the ha worker starts */
	SIM_TIMER_POWER,			/* the host boots, or the service manager starts what is down */
	SIM_TIMER_PG,				/* what PostgreSQL is doing now ends (pg.h) */
	SIM_TIMER_CONF,				/* changed settings come into force */
	SIM_TIMER_STREAM,			/* the WAL receiver connects, or WAL arrives */
	SIM_TIMER_FLUSH,
	SIM_TIMER_COMMIT,
	SIM_TIMER_CHECKPOINT,
	SIM_TIMER_COUNT
} SimTimer;

/*
 * A clock pair. It runs at rate millionths of real time since boot_at (mono_at); a moment in the future means that it
 * stands still until then.
 */
typedef struct SimClock
{
	HaUs boot_us;
	HaUs mono_us;
	SimUs boot_at;
	SimUs mono_at;
	int64_t rate;
} SimClock;

typedef struct SimHost
{
	uint32_t index;
	uint32_t life;				/* counts the incarnations of what runs here */
	HaId id;					/* as a member; 0 = it is none yet */
	bool witness;
	bool powered;
	bool out;					/* its state is gone or it was dropped: the operator must join it anew */
	SimClock clock;
	HaUs still_boot_us;			/* where the clock last stood still (VM pause), -1 = never */
	SimUs halted_until;			/* VM pause or SIGSTOP of everything here */
	SimUs worker_until;			/* SIGSTOP of the ha worker alone, or it waits for its disk */
	SimUs timer[SIM_TIMER_COUNT];
	SimUs rest_due;				/* the earliest but for TURN, which alone is set at every step */
	SimUs next_due;

	/* The ha worker */
	bool running;
	bool leaving;				/* the last will was said, or there is nothing to say: it ends */
	bool pending;				/* fx waits for the disk */
	uint32_t runs;
	HaNode node;
	HaEffects fx;
	HaTimes times;
	SimUs latch_at;				/* something asked for a turn then, SIM_NEVER = nothing did */
	HaPg told;					/* facts as last given to the node */
	bool drain_asked;			/* a gate was published and its DRAINED event is owed */
	uint64_t drain_seq;

	/* The disk */
	HaHard durable;
	bool saved_ok;				/* saved and saved_tip hold an older snapshot of the whole machine */
	HaHard saved;
	int saved_tip;
	SimUs slow_disk_until;
	uint32_t disk_trap;			/* SimDiskTrap: what the next persist meets */

	SimPg pg;
	SimFence fence;
} SimHost;

typedef struct SimWorld
{
	SimSetup setup;
	HaPrng prng;
	SimUs now;
	SimUs calm_from;			/* no faults from here on; SIM_NEVER = not yet */
	SimHost host[SIM_HOSTS_MAX];
	uint32_t host_count;
	SimWal wal;
	SimNet net;
	SimPlan plan;
	SimClients clients;
	SimOperator operator;
	SimCheck check;
	SimCounts counts;
	bool trace;
	uint64_t hash;
} SimWorld;

/* Runs one schedule to its end. True when nothing was violated; else w->check says what. */
extern bool sim_world_run(SimWorld *w, const SimSetup *setup, uint64_t seed);

/* ---- Chance ---- */
extern uint32_t sim_below(SimWorld *w, uint32_t n);
extern SimUs sim_between(SimWorld *w, SimUs from, SimUs to);
/* True n times in a thousand. */
extern bool sim_chance(SimWorld *w, uint32_t n);

/* ---- Clocks ---- */
extern HaNow sim_clock_now(const SimHost *h, SimUs now);
/* Real time at which the host's BOOTTIME shows this. */
extern SimUs sim_clock_when(const SimHost *h, HaUs boot_us);
extern void sim_clock_set_rate(SimWorld *w, SimHost *h, int64_t rate);
/* Both clocks (or MONOTONIC alone) stand still until then. */
extern void sim_clock_still(SimWorld *w, SimHost *h, SimUs until, bool boot_too);
extern void sim_clock_reboot(SimWorld *w, SimHost *h);

/* ---- Hosts (host.c) ---- */
extern void sim_hosts_begin(SimWorld *w);
/* SIM_TIMER_POWER: the machine boots, or the service manager starts what is down. */
extern void sim_host_power(SimWorld *w, SimHost *h);
/* Power is lost; it comes back after `down_for`. */
extern void sim_host_crash(SimWorld *w, SimHost *h, SimUs down_for);
/* Stands still with everything on it; the clocks too, when the machine is paused. */
extern void sim_host_halt(SimWorld *w, SimHost *h, SimUs length);
extern void sim_timer_set(SimHost *h, SimTimer timer, SimUs due);
/* Puts off all timers of the host by this much, because nothing on it runs. */
extern void sim_timer_put_off(SimHost *h, SimUs by);
extern SimHost *sim_host_by_incarnation(SimWorld *w, const HaUuid *incarnation);
/* The host that a member number means, by the sender's register or else by who bears it now; NULL = none. */
extern SimHost *sim_host_of(SimWorld *w, const HaRegister *reg, HaId id);
/* Where the address that the register gives for a member leads, whoever lives there by now. */
extern SimHost *sim_host_at(SimWorld *w, const HaRegister *reg, HaId id);
extern HaUuid sim_incarnation(const SimHost *h);
/* A host whose member leads, open or about to be, by its own lights; NULL = none. The highest term wins. */
extern SimHost *sim_leader(SimWorld *w);

/* ---- The ha worker ---- */
extern bool sim_worker_awake(const SimWorld *w, const SimHost *h);
extern void sim_worker_start(SimWorld *w, SimHost *h);
/* The process is gone, at once and without a word. */
extern void sim_worker_end(SimWorld *w, SimHost *h);
/* A turn of its loop: facts, then the event if any (its `now` is filled in), then what is owed. */
extern void sim_worker_turn(SimWorld *w, SimHost *h, HaEvent *event);
/* Something changed that wakes its latch. */
extern void sim_worker_wake(SimWorld *w, SimHost *h);
/* Carries on with effects whose persist has ended well (disk.c). */
extern void sim_worker_effects_rest(SimWorld *w, SimHost *h, const HaEffects *fx);

/* ---- Trace ---- */
extern void sim_say(const SimWorld *w, const SimHost *h, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
extern void sim_hash(SimWorld *w, uint64_t value);

#endif
