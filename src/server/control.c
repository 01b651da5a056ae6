/*
 * control.c: see control.h.
 */
#include "server/compat.h"

#include "server/control.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "access/xlogrecovery.h"
#include "io/clock.h"
#include "lib/stringinfo.h"
#include "port.h"
#include "replication/walsender_private.h"
#include "server/facts.h"
#include "server/gate.h"
#include "server/guc.h"
#include "storage/fd.h"
#include "storage/spin.h"
#include "utils/guc.h"
#include "wire/receiver.h"

#define REPLICATION_USER "haops_replicator"
#define CONF_FILE "server.conf"
#define NEEDS_CLONE_FILE "needs_clone"	/* written and removed by the program */

#define PROMOTE_AGAIN_US (30 * HA_US_PER_MS)
#define RECEIVER_AGAIN_US (10 * HA_US_PER_MS)
#define CONF_AGAIN_US (200 * HA_US_PER_MS)
#define STOP_FAST_US (5000 * HA_US_PER_MS)

/* How soon a standby asks again for WAL; without an upstream each turn would only be a line in the log. */
#define RETRY_MS_FOLLOWING 250
#define RETRY_MS_ALONE 5000

static HaOrders wanted;			/* number 0: nothing was ordered yet */
static bool written;			/* `wanted` is in the file */
static HaUs conf_again_us;
static HaUs receiver_again_us;
static HaUs promote_again_us;	/* 0 = no promotion under way */
static HaUs stop_until_us;		/* of a rejoin; 0 = none */

/* ---- server.conf ---- */

/* A value in a conninfo string: in quotes, with quotes and backslashes escaped. */
static void
append_value(StringInfo text, const char *key, const char *value)
{
	appendStringInfo(text, "%s%s='", text->len > 0 ? " " : "", key);
	for (const char *c = value; *c != '\0'; c++)
	{
		if (*c == '\'' || *c == '\\')
			appendStringInfoChar(text, '\\');
		appendStringInfoChar(text, *c);
	}
	appendStringInfoChar(text, '\'');
}

static void
make_upstream(HaOrders *orders, const HaNode *node, const HaMember *upstream)
{
	const HaMember *self = ha_register_member(&node->hard.reg, node->hard.id);
	HaReceiver	receiver = {node->hard.joined_term, node->hard.incarnation};
	StringInfoData text;
	char		passfile[MAXPGPATH];
	char		option[HA_RECEIVER_SIZE];

	if (upstream == NULL || self == NULL || upstream->sql_host[0] == '\0')
		return;
	ha_guc_state_path("passfile", passfile);
	initStringInfo(&text);
	append_value(&text, "hostaddr", upstream->sql_host);
	appendStringInfo(&text, " port=%u user=" REPLICATION_USER, upstream->sql_port);
	append_value(&text, "application_name", self->name);
	append_value(&text, "passfile", passfile);
	appendStringInfo(&text, " connect_timeout=2 tcp_user_timeout=%u", node->times.promise_ms);
	appendStringInfoString(&text, " keepalives_idle=1 keepalives_interval=1 keepalives_count=3 gssencmode=disable");
	if (ha_guc_replication_options[0] != '\0')
		appendStringInfo(&text, " %s", ha_guc_replication_options);
	ha_receiver_print(&receiver, option);
	append_value(&text, "options", option);
	orders->upstream = upstream->id;
	strlcpy(orders->conninfo, text.data, sizeof(orders->conninfo));
	ha_gate_slot_name(self->name, orders->slot);
	pfree(text.data);
}

/* The rule that PostgreSQL's own wait follows: the strictest. The gate decides, this only does the sleeping. */
static void
make_sync_names(char *names, const HaNode *node)
{
	const HaRegister *reg = &node->hard.reg;
	const HaSyncRule *rule = node->gate.rule_count > 0 ? &node->gate.rule[0] : &reg->rule;
	StringInfoData text;
	int			count = 0;

	if (node->gate.rule_count > 1 && node->gate.rule[1].sync &&
		(!rule->sync || node->gate.rule[1].k > rule->k))
		rule = &node->gate.rule[1];
	names[0] = '\0';
	if (!rule->sync || rule->k == 0)
		return;

	initStringInfo(&text);
	appendStringInfo(&text, "ANY %u (", rule->k);
	for (uint32 i = 0; i < reg->member_count; i++)
	{
		const HaMember *member = &reg->member[i];

		if (member->id != node->hard.id && ha_set_has(rule->sync_set, member->id))
			appendStringInfo(&text, "%s\"%s\"", count++ > 0 ? ", " : "", member->name);
	}
	appendStringInfoChar(&text, ')');
	if (count > 0)
		strlcpy(names, text.data, HA_SYNC_NAMES_SIZE);
	pfree(text.data);
}

static void
append_setting(StringInfo text, const char *name, const char *value)
{
	char	   *escaped = escape_single_quotes_ascii(value);

	appendStringInfo(text, "%s = '%s'\n", name, escaped != NULL ? escaped : "");
	free(escaped);
}

static void
make_conf(StringInfo text, const HaOrders *orders)
{
	appendStringInfoString(text, "# Written by pg_haops whenever the leader changes. Do not edit: changes are lost.\n");
	append_setting(text, "primary_conninfo", orders->conninfo);
	append_setting(text, "primary_slot_name", orders->slot);
	append_setting(text, "recovery_target_timeline", "latest");
	appendStringInfo(text, "wal_retrieve_retry_interval = %d\n",
					 orders->upstream != 0 ? RETRY_MS_FOLLOWING : RETRY_MS_ALONE);
	if (orders->upstream == 0)
		append_setting(text, "restore_command", "");
	append_setting(text, "synchronous_standby_names", orders->sync_names);
	/* The last line: see control.h. */
	appendStringInfo(text, "pg_haops.orders_number = %u\n", orders->number);
}

/* Whole, by rename, without an fsync: it is written anew at every start. */
static bool
write_conf(const HaOrders *orders)
{
	StringInfoData text;
	char		path[MAXPGPATH];
	char		temporary[MAXPGPATH];
	int			fd;
	bool		ok;

	ha_guc_state_path(CONF_FILE, path);
	ha_guc_state_path(CONF_FILE ".new", temporary);
	initStringInfo(&text);
	make_conf(&text, orders);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
	ok = fd >= 0 && write(fd, text.data, text.len) == text.len;
	if (fd >= 0 && close(fd) != 0)
		ok = false;
	ok = ok && rename(temporary, path) == 0;
	pfree(text.data);
	return ok;
}

void
ha_control_write_first(void)
{
	HaOrders	none = {0};

	if (!write_conf(&none))
		ereport(FATAL,
				(errcode_for_file_access(),
				 errmsg("pg_haops: could not write \"%s\" in the state directory: %m", CONF_FILE)));
	/* The old file has been read already, and the startup process inherits what the postmaster holds. */
	SetConfigOption("primary_conninfo", "", PGC_SIGHUP, PGC_S_FILE);
	SetConfigOption("primary_slot_name", "", PGC_SIGHUP, PGC_S_FILE);
	SetConfigOption("restore_command", "", PGC_SIGHUP, PGC_S_FILE);
	SetConfigOption("wal_retrieve_retry_interval", psprintf("%d", RETRY_MS_ALONE), PGC_SIGHUP, PGC_S_FILE);
}

static void
issue_orders(void)
{
	written = write_conf(&wanted);
	conf_again_us = ha_clock_now().boot_us + CONF_AGAIN_US;
	if (!written)
	{
		ha_shmem_log(HA_SEVERITY_CRITICAL, "server.conf in the state directory can't be written");
		return;
	}
	ha_box_write(&ha_shmem->orders_box, ha_shmem->orders, &wanted, sizeof(wanted));
	kill(PostmasterPid, SIGHUP);
}

static bool
same_orders(const HaOrders *a, const HaOrders *b)
{
	return a->upstream == b->upstream && strcmp(a->slot, b->slot) == 0 && strcmp(a->conninfo, b->conninfo) == 0 &&
		strcmp(a->sync_names, b->sync_names) == 0;
}

void
ha_control_order(const HaNode *node, HaId upstream)
{
	HaOrders	orders = {0};

	make_upstream(&orders, node, ha_register_member(&node->hard.reg, upstream));
	make_sync_names(orders.sync_names, node);
	if (wanted.number != 0 && same_orders(&orders, &wanted))
		return;
	if (wanted.number == 0)
	{
		HaOrders	last;

		/* Numbers go on when only the ha worker was restarted. */
		ha_box_read(&ha_shmem->orders_box, ha_shmem->orders, &last, sizeof(last));
		wanted.number = last.number;
	}
	orders.number = wanted.number + 1;
	wanted = orders;
	issue_orders();
}

uint32_t
ha_control_orders_number(void)
{
	return wanted.number;
}

HaId
ha_control_orders_upstream(void)
{
	return wanted.upstream;
}

/* ---- Acts ---- */

static void
ask_for_promotion(void)
{
	int			fd = open(PROMOTE_SIGNAL_FILE, O_WRONLY | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);

	if (fd < 0)
		ha_shmem_log(HA_SEVERITY_CRITICAL, "the file that asks PostgreSQL for its promotion can't be made");
	else
		close(fd);
	kill(PostmasterPid, SIGUSR1);
	promote_again_us = ha_clock_now().boot_us + PROMOTE_AGAIN_US;
}

void
ha_control_promote(void)
{
	ask_for_promotion();
}

void
ha_control_checkpoint(void)
{
	pg_atomic_fetch_add_u32(&ha_shmem->checkpoint_asked, 1);
	ha_shmem_wake(&ha_shmem->keeper_proc);
}

static void
end_walsenders(void)
{
	for (int i = 0; i < max_wal_senders; i++)
	{
		WalSnd	   *walsnd = &WalSndCtl->walsnds[i];
		pid_t		pid;

		SpinLockAcquire(&walsnd->mutex);
		pid = walsnd->pid;
		SpinLockRelease(&walsnd->mutex);
		if (pid != 0)
			kill(pid, SIGTERM);
	}
}

/*
 * The program has found out that this standby must be cloned, and nobody has done it yet (S44): stopping again would
 * find the same. It stays as it is, and takes no part.
 */
static bool
waits_for_clone(HaComparison comparison)
{
	char		path[MAXPGPATH];

	ha_guc_state_path(NEEDS_CLONE_FILE, path);
	if (comparison.lineage == HA_LINEAGE_STREAM || !RecoveryInProgress() || access(path, F_OK) != 0)
		return false;
	ha_shmem_log(HA_SEVERITY_WARNING, "this member needs a clone: stop it and run \"pg_haops rejoin --clone\"");
	return true;
}

void
ha_control_rejoin(HaComparison comparison, HaId leader)
{
	if (waits_for_clone(comparison))
		return;
	ha_shmem->rejoin = comparison;
	ha_shmem->rejoin_leader = leader;
	pg_memory_barrier();
	pg_atomic_write_u32(&ha_shmem->rejoin_asked, 1);
	if (comparison.lineage == HA_LINEAGE_STREAM)
	{
		kill(PostmasterPid, SIGQUIT);
		return;
	}
	stop_until_us = ha_clock_now().boot_us + STOP_FAST_US;
	end_walsenders();
	kill(PostmasterPid, SIGINT);
}

/*
 * Is there a process that commits or serves, besides this one? Auxiliary processes end after us. A PGPROC may still
 * name the process that had it last, so the kernel is asked.
 */
static bool
others_left(void)
{
	for (int i = 0; i < MaxBackends; i++)
	{
		int			pid = ProcGlobal->allProcs[i].pid;

		if (pid != 0 && pid != MyProcPid && kill(pid, 0) == 0)
			return true;
	}
	return false;
}

bool
ha_control_may_leave(HaUs now_us)
{
	if (stop_until_us == 0 || !others_left())
		return true;
	if (now_us < stop_until_us)
		return false;
	kill(PostmasterPid, SIGQUIT);
	return true;
}

static HaUs
stop_receiver(HaUs now_us)
{
	int			pid = ha_facts_receiver_pid();

	/* Only when the startup process can't start another one by older settings. */
	if (wanted.upstream != 0 || pid == 0 || !ha_facts_orders_read(wanted.number))
		return HA_US_NEVER;
	if (now_us >= receiver_again_us)
	{
		kill(pid, SIGTERM);
		receiver_again_us = now_us + RECEIVER_AGAIN_US;
	}
	return receiver_again_us;
}

HaUs
ha_control_progress(HaUs now_us, bool promoting)
{
	HaUs		next_us = stop_receiver(now_us);

	if (wanted.number != 0 && !written)
	{
		if (now_us >= conf_again_us)
			issue_orders();
		next_us = Min(next_us, conf_again_us);
	}
	if (promote_again_us != 0)
	{
		if (!promoting || !RecoveryInProgress())
		{
			promote_again_us = 0;
			unlink(PROMOTE_SIGNAL_FILE);
		}
		else if (now_us >= promote_again_us)
			ask_for_promotion();
		next_us = promote_again_us != 0 ? Min(next_us, promote_again_us) : next_us;
	}
	return next_us;
}
