# Indexes that are redundant or invalid, and keys without one, where it takes several sessions or servers: what is being
# built, what was left behind by a command that failed, a table that somebody holds, a standby.
use strict;
use warnings;
use HaOps;
use Test::More;

my $server = HaOps->plain(options => "shared_preload_libraries = 'pg_haops'\nautovacuum = off\n" .
	"pg_haops.monitor = off\n");
$server->plain_standby('n2', 'n1');

sub sql { return $server->sql('n1', $_[0]) }

sub state_of
{
	my ($index, $node) = @_;
	return $server->sql($node // 'n1',
		"SELECT concat_ws(': ', state, why) FROM haops.invalid_indexes WHERE index = '$index'");
}

sub invalid { return sql("SELECT string_agg(index || ' ' || state, ', ' ORDER BY index) FROM haops.invalid_indexes") }

sql(<<'SQL');
CREATE EXTENSION pg_haops;
CREATE TABLE t (a int, b int, c int);
INSERT INTO t SELECT g, g % 10, g FROM generate_series(1, 10000) AS g;
CREATE INDEX t_a ON t (a);
CREATE INDEX t_a_b ON t (a, b);
CREATE INDEX t_ccnew ON t (c);
CREATE TABLE referenced (id int PRIMARY KEY);
CREATE TABLE referencing (id int REFERENCES referenced);
CREATE TABLE names (name text PRIMARY KEY);
CREATE TABLE named (name text REFERENCES names);
CREATE INDEX named_name ON named (name);
CREATE TABLE held (a int, b int REFERENCES referenced);
CREATE INDEX held_a ON held (a);
CREATE INDEX held_a_b ON held (a, b);
CREATE INDEX held_expression ON held ((a + b));
CREATE INDEX held_expression_2 ON held ((a + b), b);
SQL

# ---- Invalid ----

is(invalid(), '', 'nothing is invalid, whatever its name is');
# A writer keeps what is built from going on.
my $writer = $server->session('n1');
$writer->do('BEGIN; INSERT INTO t VALUES (0, 0, 0)');
my $builder = $server->session('n1');
$builder->begin('CREATE INDEX CONCURRENTLY t_slow ON t (b)');
$server->until_true(sub { state_of('t_slow') =~ /^building: / }, 'an index that is being built');
like(state_of('t_slow'), qr/^building: CREATE INDEX or REINDEX is at work: /, 'UN9 being built has not failed');
is(sql("SELECT drop_statement FROM haops.invalid_indexes WHERE index = 't_slow'"), '', 'UN9 nothing drops it');
$server->until_true(sub { ($server->sql_or_error('n2', "SELECT count(*) FROM haops.invalid_indexes") // 0) eq '1' },
	'the standby has it');
like(state_of('t_slow', 'n2'), qr/^unknown: being built, or left behind: only the primary knows/,
	'UN9 a standby can\'t know whether somebody is building it');
sql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONC%'");
like($builder->error, qr/canceling statement/, 'the build is ended');
is(state_of('t_slow'), 'failed: CREATE INDEX CONCURRENTLY failed', 'UN9 now it has failed');
$writer->do('ROLLBACK');
sql('DROP INDEX t_slow');

$server->sql_or_error('n1', 'CREATE UNIQUE INDEX CONCURRENTLY t_unique ON t (b)');
like(state_of('t_unique'), qr/^failed: .*duplicates/, 'UN9 a unique one that found duplicates');
is(sql("SELECT drop_statement || ' | ' || repair_statement FROM haops.invalid_indexes WHERE index = 't_unique'"),
	'DROP INDEX CONCURRENTLY public.t_unique | REINDEX INDEX CONCURRENTLY public.t_unique', 'UN9 both ways out');
is(sql("SELECT count(*) FROM haops.redundant_indexes WHERE 't_unique' IN (index, covered_by)"), '0',
	'IX18 an invalid one neither covers nor is redundant');
# VACUUM holds the lock that a build holds, perhaps for hours.
my $vacuum = $server->session('n1');
$vacuum->do('SET vacuum_cost_delay = 100; SET vacuum_cost_limit = 1');
$vacuum->begin('VACUUM (INDEX_CLEANUP off, TRUNCATE off, DISABLE_PAGE_SKIPPING) t');
my $seen = '';
$server->until_true(sub { ($seen = sql("SELECT (SELECT state FROM haops.invalid_indexes WHERE index = 't_unique')
	FROM pg_stat_progress_vacuum WHERE relid = 't'::regclass")) ne '' }, 'VACUUM is at work');
is($seen, 'failed', 'UN9 VACUUM is no build: what has failed stays failed');
sql("SELECT pg_cancel_backend(pid) FROM pg_stat_progress_vacuum");
$vacuum->error;
sql('DROP INDEX t_unique');

# A real leftover of REINDEX CONCURRENTLY, beside an index that has such a name by itself.
$writer->do('BEGIN; INSERT INTO t VALUES (0, 0, 0)');
$builder = $server->session('n1');
$builder->begin('REINDEX INDEX CONCURRENTLY t_a');
$server->until_true(sub { state_of('t_a_ccnew') ne '' }, 'the new one is there');
like(state_of('t_a_ccnew'), qr/^(?:building|in progress): /, 'UN11 REINDEX CONCURRENTLY at work');
sql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE 'REINDEX%'");
$builder->error;
like(state_of('t_a_ccnew'), qr/^leftover: REINDEX CONCURRENTLY failed .*; t_a is as it was$/, 'UN11 left behind');
is(sql("SELECT drop_statement FROM haops.invalid_indexes WHERE index = 't_a_ccnew'"),
	'DROP INDEX CONCURRENTLY public.t_a_ccnew', 'UN11 it can go');
is(invalid(), 't_a_ccnew leftover', 'UN11 the index named t_ccnew is well: names alone say nothing');
is(sql("SELECT count(*) FROM haops.redundant_indexes WHERE 't_a_ccnew' IN (index, covered_by)"), '0',
	'IX18 and covers nothing');
$writer->do('ROLLBACK');
sql('DROP INDEX t_a_ccnew');

# ---- A table that somebody holds, and what comes and goes ----

my $holder = $server->session('n1');
$holder->do('BEGIN; LOCK TABLE held IN ACCESS EXCLUSIVE MODE; DROP INDEX held_a');
is(sql("SET lock_timeout = 1; SELECT string_agg(index || ' ' || (create_statement IS NOT NULL), ', ' ORDER BY index)
	FROM haops.redundant_indexes WHERE \"table\" = 'held'"), 'held_a true, held_expression false',
	'nobody waits for a table that is held: NULL is what can\'t be written without a lock');
is(sql("SET lock_timeout = 1; SELECT string_agg(\"table\", ', ' ORDER BY \"table\") FROM haops.unindexed_foreign_keys"),
	'held, referencing', 'nor for its foreign keys');
is(sql('SET lock_timeout = 1; SELECT count(*) FROM haops.invalid_indexes'), '0', 'nor for what may be invalid');
$holder->do('ROLLBACK');
is(sql("SELECT string_agg(index || ' ' || (create_statement IS NOT NULL), ', ' ORDER BY index)
	FROM haops.redundant_indexes WHERE \"table\" = 'held'"), 'held_a true, held_expression true',
	'freed: it is written');

# The statement brings the same index back.
my $before = sql("SELECT pg_get_indexdef('held_expression'::regclass)");
my $statements = sql("SELECT drop_statement || '|' || create_statement FROM haops.redundant_indexes
	WHERE index = 'held_expression'");
sql($_) for split /\|/, $statements;
is(sql("SELECT pg_get_indexdef('held_expression'::regclass)"), $before, 'dropped and brought back: the same');

my $churn = $server->client('n1', 'DO $$ BEGIN FOR i IN 1 .. 300 LOOP
	CREATE TABLE going (a int, b int); CREATE INDEX going_a ON going (a); CREATE INDEX going_a_b ON going (a, b);
	CREATE TABLE going_key (a text REFERENCES names); CREATE INDEX ON going_key (a);
	COMMIT; DROP TABLE going, going_key; COMMIT; END LOOP; END $$');
my ($asked, $failed) = (0, 0);
while ($server->lives($churn->{run}{KIDS}[0]{PID}) && $asked < 200)
{
	$asked++;
	$failed++ unless defined $server->sql_or_error('n1',
		'SELECT count(*) FROM haops.redundant_indexes, haops.invalid_indexes,
		haops.unindexed_foreign_keys, haops.unused_indexes');
}
$churn->{run}->finish;
cmp_ok($asked, '>', 0, "asked $asked times");
is($failed, 0, 'while tables and indexes come and go, no view fails');

# What a transaction still sees may be gone for everybody else.
my $late = $server->session('n1');
$late->do('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
sql('DROP TABLE named');
is($late->do('SELECT string_agg("table", \', \' ORDER BY "table") FROM haops.unindexed_foreign_keys'),
	'held, referencing', 'a table that is gone, and whose index is still seen, fails nobody');
$late->do('SELECT count(*) FROM haops.redundant_indexes, haops.invalid_indexes; COMMIT');

SKIP: {
	skip 'keys that are not enforced: since 18', 1 if sql('SHOW server_version_num') < 180000;
	sql('CREATE TABLE unenforced (id int REFERENCES referenced NOT ENFORCED)');
	is(sql("SELECT count(*) FROM haops.unindexed_foreign_keys WHERE \"table\" = 'unenforced'"), '0',
		'a key that is not enforced looks for nothing');
}

# ---- The same on a standby ----

my $all = "SELECT string_agg(concat_ws(' ', index, covered_by, verdict, why, bytes, drop_statement, create_statement),
	'; ' ORDER BY index) FROM haops.redundant_indexes";
my $end = sql('SELECT pg_current_wal_lsn()');
$server->until_true(sub { $server->sql('n2', "SELECT pg_last_wal_replay_lsn() >= '$end'") eq 't' },
	'the standby is level');
is($server->sql('n2', $all), sql($all), 'a standby says the same of redundant indexes');
is($server->sql('n2', 'SELECT string_agg("table", \' \' ORDER BY "table") FROM haops.unindexed_foreign_keys'),
	'held referencing', 'and of foreign keys');
done_testing();
