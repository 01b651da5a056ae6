# VA4, VA5, VA7, VA10: who holds the horizon, what a crash leaves unknown, who counts as a connection; and views of
# health while somebody has locked what they look at.
use strict;
use warnings;
use HaOps;
use Test::More;

my $server = HaOps->plain(options => "autovacuum = off\nfsync = off\nmax_replication_slots = 5\nwal_level = logical\n" .
	"superuser_reserved_connections = 2\nmax_connections = 30");

sub sql { return $server->sql('n1', $_[0]) }

# Who holds the horizon, in a line.
sub holders
{
	return sql("SELECT string_agg(concat_ws(':', kind, coalesce(name, application)), ' ' ORDER BY xid_age DESC, kind)
		FROM haops.horizon") // '';
}

sql('CREATE EXTENSION pg_haops; CREATE TABLE t (i int); INSERT INTO t SELECT generate_series(1, 1000)');
is(holders(), '', 'nobody holds the horizon');

# ---- VA4 ----

my $idle = $server->session('n1', application_name => 'idle');
$idle->do('BEGIN; SELECT count(*) FROM t; SAVEPOINT s; UPDATE t SET i = 0 WHERE i = -1');
is(holders(), '', 'VA4 idle in a transaction, with reads, a savepoint, an UPDATE of nothing: holds nothing');
is(sql("SELECT concat_ws('|', state, has_written, holds_horizon)
	FROM haops.long_transactions WHERE application = 'idle'"),
	'idle in transaction|f|f', 'VA4 ... and the list of transactions says so');
$idle->do('DECLARE c CURSOR FOR SELECT * FROM t; FETCH c');
is(holders(), 'session:idle', 'VA4 an open cursor holds it');
$idle->do('COMMIT');
$idle->do('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM t');
is(holders(), 'session:idle', 'VA4 so does a repeatable snapshot');
$idle->do('COMMIT');
$idle->do('BEGIN; UPDATE t SET i = 0 WHERE i = 1');
is(holders(), 'session:idle', 'VA4 and a row that was written');
is(sql("SELECT concat_ws('|', is_oldest, remedy)
	FROM haops.horizon"), 't|SELECT pg_terminate_backend(' . $idle->pid . ')',
	'VA4 ... and what would end it');

# ---- VA5 ----

sql("BEGIN; UPDATE t SET i = 0 WHERE i = 2; PREPARE TRANSACTION 'left over'");
$idle->do('COMMIT');
is(holders(), 'prepared transaction:left over', 'VA5 a prepared transaction');
is(sql('SELECT remedy FROM haops.horizon'), "ROLLBACK PREPARED 'left over'", 'VA5 ... and its remedy');
sql("ROLLBACK PREPARED 'left over'");
$server->plain_standby('n2', 'n1', "hot_standby_feedback = on\nwal_receiver_status_interval = 1s");
my $reader = $server->session('n2');
$reader->do('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM t');
$server->until_true(sub { holders() eq 'slot:n2' }, 'the feedback of a standby with a slot');
is(sql("SELECT concat_ws('|', state, coalesce(remedy, '-')) FROM haops.horizon"), 'active|-',
	'VA5 the feedback of a standby, by its slot');
is($server->sql('n2', "SELECT kind FROM haops.horizon"), 'session',
	'VA5 ... and on the standby itself the session behind it');
$reader->do('COMMIT');
$server->stop('n2');
$server->until_true(sub { sql("SELECT count(*) FROM haops.horizon WHERE kind = 'slot' AND state = 'inactive'") eq '1' },
	'the slot is left');
is(sql('SELECT remedy FROM haops.horizon'), "SELECT pg_drop_replication_slot('n2')", 'VA5 a slot that nobody reads');
sql("SELECT pg_drop_replication_slot('n2')");

# ---- VA10 ----

my @three = map { $server->session('n1') } 1 .. 3;
sql('ALTER DATABASE postgres CONNECTION LIMIT 10');
is(sql("SELECT string_agg(concat_ws(':', scope, name, used, \"limit\"), ' ' ORDER BY scope) FROM haops.connections"),
	'database:postgres:5:10 role:postgres:5 server:5:28', 'VA10 clients only, against what an ordinary role may use');
$_->close for @three;

# ---- Nobody waits ----

sql('CREATE SEQUENCE s');
sql("SELECT nextval('s')");
$idle->do('BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE; DROP SEQUENCE s');
is(sql("SET lock_timeout = '1ms'; SELECT concat_ws('|', last_value, note) FROM haops.sequences WHERE sequence = 's'"),
	'locked by somebody', 'a sequence that somebody has locked: said, not waited for');
is(sql("SET lock_timeout = '1ms'; SELECT count(*) FROM haops.table_age WHERE \"table\" = 't'"), '1',
	'a table, likewise');
$idle->do('ROLLBACK');

# ---- VA7 ----

sql('VACUUM t');
sql('DELETE FROM t');
$server->until_true(sub { sql("SELECT count(*)
	FROM haops.autovacuum_queue WHERE \"table\" = 't' AND 'dead rows' = ANY (due)") eq '1' }, 'dead rows');
$server->kill_postmaster('n1');
$server->start('n1');
is(sql("SELECT concat_ws('|', dead_rows, note) FROM haops.autovacuum_queue WHERE \"table\" = 't'"),
	'statistics were lost, in a crash or by a reset: unknown until the next VACUUM',
	'VA7 after a crash dead rows are unknown');
sql('VACUUM t');
is(sql("SELECT count(*) FROM haops.autovacuum_queue WHERE \"table\" = 't'"), '0', 'VA7 ... until the next VACUUM');
done_testing();
