# LK1-LK14: who waits for whom. Each case is made with real sessions on a server without a cluster, and a standby of it.
use strict;
use warnings;
use HaOps;
use Test::More;

my $server = HaOps->plain(options => "deadlock_timeout = 60s\nautovacuum = off\nmax_connections = 400\nfsync = off\n" .
	"client_connection_check_interval = 50ms\n" .
	"max_standby_streaming_delay = -1\nhot_standby_feedback = off");
my %session;

sub sql { return $server->sql('n1', $_[0]) }

# The session of this name, made when it is first asked for.
sub at
{
	my ($name, $node, %options) = @_;
	return $session{$name} //= $server->session($node // 'n1', application_name => $name, %options);
}

# What stands in the way, by application names: "waiter<nearest<root".
sub chains
{
	my ($node) = @_;
	return $server->sql($node // 'n1', "SELECT string_agg(w.application || '<' ||
		coalesce(w.blocker_application, w.blocker_gid, w.blocker_kind, '?') || '<' ||
		coalesce(r.application_name, w.root_gid, r.backend_type, '?') || ':' || w.depth, ' ' ORDER BY w.wait_age DESC)
		FROM haops.lock_waits w LEFT JOIN pg_stat_activity r ON r.pid = w.root_pid");
}

sub waits
{
	my ($columns, $where) = @_;
	return sql("SELECT concat_ws('|', $columns) FROM haops.lock_waits WHERE " . ($where // 'true') .
		' ORDER BY wait_age DESC');
}

sub over
{
	$_->close for values %session;
	%session = ();
	$server->until_true(sub { sql('SELECT count(*) FROM haops.lock_waits') eq '0' }, 'nobody waits');
	return;
}

sql('CREATE EXTENSION pg_haops; CREATE TABLE t (i int PRIMARY KEY, t text); INSERT INTO t VALUES (1), (2);
	CREATE ROLE watcher LOGIN IN ROLE pg_monitor; CREATE ROLE nobody_special LOGIN');
is(sql('SELECT count(*) FROM haops.lock_waits'), '0', 'nobody waits, no row');
is(sql('SELECT count(*) FROM haops.blockers'), '0', 'nobody is in the way, no row');

# ---- A row and its queue ----

at('holder')->do('BEGIN; UPDATE t SET t = 1 WHERE i = 1');
for my $waiter (qw(first second third))
{
	at($waiter)->begin('UPDATE t SET t = 2 WHERE i = 1');
	at($waiter)->until_waiting;
}
is(chains(), 'first<holder<holder:1 second<first<holder:2 third<second<holder:3',
	'LK1 the queue of a row: one root, each behind the one in front of it');
is(waits('lock_type'), "transactionid\ntuple\ntuple", 'LK6 a wait for a transaction counts like any other');
is(waits('target', "lock_type = 'tuple'"), "row (0,1) of public.t\nrow (0,1) of public.t", 'LK7 a row by its place');
is(waits('target_row', "lock_type = 'transactionid'"), 'row (0,1) of public.t',
	'LK7 ... and of a transaction the row, too');
like(waits('target', "lock_type = 'transactionid'"), qr/^transaction \d+$/, 'LK7 a transaction');
is(waits("blocker_state, blocker_query_is, blocker_query", 'depth = 1'),
	'idle in transaction|last statement|UPDATE t SET t = 1 WHERE i = 1;', 'LK9 of an idle blocker: the last statement');

is(waits('wait_age BETWEEN interval \'0\' AND interval \'1 minute\' AND wait_age = max(wait_age) OVER ()',
	'depth = 1'), 't',
	'LK8 the age of a wait counts from its own beginning');
my ($tree) = $server->sql('n1', 'SELECT tree FROM haops.lock_tree');
is($tree, at('holder')->pid . "\n└ " . at('first')->pid . "\n  └ " . at('second')->pid . "\n    └ " . at('third')->pid,
	'the tree as it is drawn');
is(sql('SELECT concat_ws(\'|\', pid, held_up, remedy) FROM haops.blockers'),
	at('holder')->pid . '|3|SELECT pg_terminate_backend(' . at('holder')->pid . ')',
		'a blocker, and what would end it');
is(at('watcher', 'n1', user => 'watcher')->do("SELECT count(blocker_query) FROM haops.lock_waits"), '3',
	'a member of pg_monitor sees the texts');
like(at('nobody', 'n1', user => 'nobody_special')->error('SELECT * FROM haops.lock_waits'), qr/permission denied/,
	'others see nothing');
over();

# ---- The queue of a table ----

at('reader')->do('BEGIN; SELECT count(*) FROM t');
at('alter')->begin('ALTER TABLE t ADD COLUMN later int');
at('alter')->until_waiting;
at('select')->begin('SELECT count(*) FROM t');
at('select')->until_waiting;
at('insert')->begin('INSERT INTO t VALUES (3)');
at('insert')->until_waiting;
is(chains(), 'alter<reader<reader:1 select<alter<reader:2 insert<alter<reader:2',
	'LK2 a reader behind an ALTER waits for the ALTER, whose reader is the root');
is(waits('blocker_waits_in_front, mode, blocker_mode',
	"application = 'select'"), 't|AccessShareLock|AccessExclusiveLock',
	'LK2 ... which stands in front of it in the queue');
is(sql("SELECT string_agg(held_up::text, ',') FROM haops.blockers"), '3', 'LK2 one root holds up three');
over();

# LK14: the reader's lock was a fast-path one, which no look at the shared table would have found.
at('fast')->do('BEGIN; SELECT count(*) FROM t');
is(sql("SELECT string_agg(fastpath::text,
	',') FROM pg_locks WHERE relation = 't'::regclass AND pid = " . at('fast')->pid), 'true',
	'LK14 a lock by the fast path');
at('strong')->begin('BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE');
at('strong')->until_waiting;
is(chains(), 'strong<fast<fast:1', 'LK14 ... is found when somebody waits for it');
over();

# ---- Prepared transactions, snapshots, and other things that are locked ----

sql('BEGIN; UPDATE t SET t = 9 WHERE i = 2; PREPARE TRANSACTION \'it\'\'s\'');
at('victim')->begin('UPDATE t SET t = 8 WHERE i = 2');
at('victim')->until_waiting;
is(chains(), "victim<it's<it's:1", 'LK3 a prepared transaction is the root, by its name');
is(sql("SELECT concat_ws('|', pid, gid, username, kind, held_up, xact_age < interval '1 minute', remedy)
	FROM haops.blockers"),
	"it's|postgres|prepared transaction|1|t|ROLLBACK PREPARED 'it''s'", 'LK3 ... with owner, age and what ends it');
like(sql('SELECT tree FROM haops.lock_tree LIMIT 1'), qr/^prepared 'it''s'$/, 'LK3 ... and in the tree');
sql('ROLLBACK PREPARED \'it\'\'s\'');
over();

at('writer')->do('BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT count(*) FROM t; UPDATE t SET t = 1 WHERE i = 1');
at('deferrable')->begin('BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE; SELECT 1');
at('deferrable')->until_waiting('SafeSnapshot');
is(chains(), 'deferrable<writer<writer:1', 'LK4 who waits for a safe snapshot is in the tree');
over();

at('keys')->do('BEGIN; SELECT pg_advisory_xact_lock(42), pg_advisory_xact_lock(-1, 7), pg_advisory_xact_lock(-5)');
at('one')->begin('SELECT pg_advisory_lock(42)');
at('one')->until_waiting;
at('two')->begin('SELECT pg_advisory_lock(-1, 7)');
at('two')->until_waiting;
at('three')->begin('SELECT pg_advisory_lock(-5)');
at('three')->until_waiting;
is(waits('target'), "advisory lock 42\nadvisory lock (-1, 7)\nadvisory lock -5",
	'LK7 advisory locks, as they were asked for');
over();

sql('CREATE SCHEMA s');
at('dropper')->do('BEGIN; DROP SCHEMA s');
at('creator')->begin('CREATE TABLE s.t ()');
at('creator')->until_waiting;
is(waits('target'), 'schema s', 'LK7 an object of the catalog');
over();

sql('CREATE DATABASE other');
at('there', 'n1', dbname => 'other')->do('CREATE TABLE of_other (i int); BEGIN; LOCK TABLE of_other');
at('there too', 'n1', dbname => 'other')->begin('SELECT * FROM of_other');
at('there too')->until_waiting;
like(waits('target, database'), qr/^relation \d+ in database other\|other$/,
	'LK13 a lock of another database names it');
over();

# ---- Autovacuum ----

sql('CREATE TABLE old (i int) WITH (autovacuum_freeze_max_age = 100000, autovacuum_vacuum_cost_delay = 100,
	autovacuum_vacuum_cost_limit = 1); INSERT INTO old SELECT g FROM generate_series(1, 200000) g');
sql('DO $$ BEGIN FOR i IN 1 .. 100100 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$');
sql("ALTER SYSTEM SET $_") for 'autovacuum_naptime = 1', 'autovacuum = on';
sql('SELECT pg_reload_conf()');
$server->until_true(sub { sql("SELECT count(*)
	FROM pg_stat_progress_vacuum WHERE relid = 'old'::regclass") eq '1' }, 'it is vacuumed');
at('impatient')->begin('ALTER TABLE old ADD COLUMN later int');
at('impatient')->until_waiting;
is(waits('blocker_kind'), 'autovacuum worker (to prevent wraparound)',
	'LK10 autovacuum is a blocker like others, and says whether it yields');
is(sql("SELECT remedy IS NULL, remedy_note FROM haops.blockers"), 't|let it end: it would be started anew at once',
	'LK10 ... and that ending it is no use');
$session{impatient}->close;
sql('ALTER SYSTEM SET autovacuum = off');
sql('SELECT pg_reload_conf()');
over();

# ---- A circle, and many ----

at('a')->do('BEGIN; SELECT pg_advisory_xact_lock(1)');
at('b')->do('BEGIN; SELECT pg_advisory_xact_lock(2)');
at('a')->begin('SELECT pg_advisory_xact_lock(2)');
at('a')->until_waiting;
at('b')->begin('SELECT pg_advisory_xact_lock(1)');
at('b')->until_waiting;
at('c')->begin('SELECT pg_advisory_lock(1)');
at('c')->until_waiting;
is(sql("SELECT concat_ws('|', count(*), bool_and(circle), count(root_pid)) FROM haops.lock_waits"), '3|t|0',
	'LK12 a deadlock that was not found yet: a circle without a root');
is(sql('SELECT count(*) FROM haops.lock_tree'), '3', 'LK12 ... of which each is drawn once');
is(sql('SELECT remedy_note FROM haops.blockers'), 'a deadlock: PostgreSQL ends one of them after deadlock_timeout',
	'LK12 ... and which ends by itself');
over();

at('one')->do('BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE');
my @clients = map { $server->client('n1', 'SELECT count(*) FROM t') } 1 .. 300;
$server->until_true(sub { sql("SELECT count(*) FROM pg_locks WHERE NOT granted") eq '300' }, 'three hundred wait');
is(sql('SELECT count(*), count(DISTINCT pid), count(DISTINCT root_pid), max(depth) FROM haops.lock_waits'),
	'300|300|1|1',
	'LK11 three hundred waiters: three hundred edges, one root');
$session{one}->do('COMMIT');
$_->{run}->finish for @clients;
over();

# ---- A standby ----

$server->plain_standby('n2', 'n1', "max_standby_streaming_delay = -1\nhot_standby_feedback = off");
sql('CREATE TABLE seen (i int)');
$server->until_true(sub { defined $server->sql_or_error('n2', 'SELECT count(*) FROM seen') }, 'the standby has it');
at('query', 'n2')->do('BEGIN; SELECT count(*) FROM seen');
sql('DROP TABLE seen');
$server->until_true(sub { $server->sql('n2',
	"SELECT count(*) FROM pg_locks WHERE NOT granted") eq '1' }, 'replay waits');
at('behind', 'n2')->begin('SELECT count(*) FROM seen');
at('behind')->until_waiting;
is($server->sql('n2',
	"SELECT string_agg(concat_ws('<', coalesce(nullif(application, ''), kind), nullif(blocker_application, '')), ' '
	ORDER BY depth) FROM haops.lock_waits"), 'startup<query behind',
	'LK5 the startup process waits for a query, and is in its way');
is($server->sql('n2',
	"SELECT string_agg(blocker_kind, ' ' ORDER BY depth) FROM haops.lock_waits"), 'client backend startup',
	'LK5 ... and holds up the next one');
is($server->sql('n2', 'SELECT concat_ws(\'|\', pid, held_up) FROM haops.blockers'), at('query')->pid . '|2',
	'LK5 the root is the query');
like($server->sql('n2',
	'SELECT array_to_string(pg_blocking_pids(pid), \',\') FROM pg_stat_activity WHERE backend_type = \'startup\''),
	qr/^$/, 'LK5 ... of which pg_blocking_pids() knows nothing');
$session{query}->do('COMMIT');
$_->close for values %session;
%session = ();

# A conflict of another kind: WAL that removes rows which a snapshot still sees.
at('old snapshot', 'n2')->do('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM t');
sql('DELETE FROM t WHERE i = 1');
sql('VACUUM t');
$server->until_true(sub { $server->sql('n2', 'SELECT count(*) FROM haops.lock_waits') eq '1' },
	'replay waits for a snapshot');
is($server->sql('n2', "SELECT concat_ws('|', kind, lock_type, blocker_application) FROM haops.lock_waits"),
	'startup|recovery conflict|old snapshot', 'LK5 a conflict over rows: the oldest snapshot is named');
$_->close for values %session;
%session = ();
done_testing();
