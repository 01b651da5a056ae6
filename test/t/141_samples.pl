# The samples of statements, when pg_stat_statements throws entries out, when the server starts anew, and when they are
# old: what was added is never guessed, and never below nothing.
use strict;
use warnings;
use HaOps;
use Test::More;

my $server = HaOps->plain(options => "shared_preload_libraries = 'pg_haops, pg_stat_statements'\n" .
	"fsync = off\nautovacuum = off\npg_haops.monitor = off\npg_stat_statements.max = 100\n");

sub sql { return $server->sql('n1', $_[0]) }

sub run_counted { sql('SELECT count(*) FROM counted') for 1 .. $_[0]; return }

sub take { return sql('SET pg_stat_statements.track = none; SELECT haops.statement_take()') }

my $of = "queryid = (SELECT queryid FROM haops.statement_text WHERE query LIKE 'SELECT count(*) FROM counted%')";

# The last sample of the statement.
sub added { return sql("SELECT calls, partial FROM haops.statement_sample WHERE $of ORDER BY taken_at DESC LIMIT 1") }

sub samples { return sql("SELECT count(*) FROM haops.statement_sample WHERE $of") }

# Other statements, each of another shape, until there is no room for ours.
sub churn
{
	my $round = 0;
	my $shapes = join(";\n", map { 'SELECT ' . join(', ', (1) x $_) } 1 .. 150);

	$server->until_true(sub {
			sql("$shapes;\n$shapes") if $round++ < 20;
			return sql("SET pg_stat_statements.track = none; SELECT count(*) FROM pg_stat_statements WHERE $of") eq '0';
		}, 'the statement is thrown out');
	return;
}

sql('CREATE EXTENSION pg_haops; CREATE EXTENSION pg_stat_statements; CREATE TABLE counted AS SELECT 1 AS i');

# ---- Eviction ----

run_counted(5);
take();
run_counted(2);
take();
is(added(), '2|f', 'ST2 what was added');
churn();
run_counted(3);
take();
is(added(), '3|t', 'ST2 thrown out and back, with less than it had: counted from nothing, and partial');
churn();
run_counted(9);
take();
is(added(), '9|t', 'ST2 with more than it had: counted from nothing where that can be known')
  if sql("SHOW server_version_num") >= 170000;
like(added(), qr/^\d+\|t$/, 'ST2 partial in any case');
is(sql('SELECT count(*) FROM haops.statement_sample WHERE least(calls, rows, exec_ms, plan_ms, blocks_hit, blocks_read,
	blocks_dirtied, temp_blocks, wal_bytes) < 0'), '0', 'ST2 nothing is negative');
is(sql("SELECT bool_or(partial) FROM haops.statement_activity('1 hour') WHERE $of"), 't', 'ST2 and the sum says so');
churn();
take();
is(sql("SELECT count(*) FROM haops.statement_last WHERE $of"), '0', 'ST2 what is gone is forgotten');

# ---- A server that starts anew ----

run_counted(6);
take();
my $before = samples();
$server->stop('n1');
$server->start('n1');
run_counted(4);
take();
is(samples(), $before, 'ST2 after a start the first take is where counting begins');
run_counted(3);
take();
is(added(), '3|f', 'ST2 and the next one says what was added');

# ---- Age ----

sql("UPDATE haops.statement_sample SET taken_at = taken_at - interval '8 days', since = since - interval '8 days'
	WHERE $of; UPDATE haops.statement_text SET seen_at = seen_at - interval '8 days'");
run_counted(1);
take();
is(samples(), '1', 'ST2 samples are kept for a week');
is(sql('SELECT count(*) FROM haops.statement_text t WHERE NOT EXISTS (SELECT FROM haops.statement_last l
	WHERE l.queryid = t.queryid) AND NOT EXISTS (SELECT FROM haops.statement_sample s WHERE s.queryid = t.queryid)'),
	'0', 'ST2 texts as long as something has them');
is(sql("SELECT count(*) FROM haops.statement_text WHERE $of"), '1', 'ST2 one that is in use stays, however old');

# ---- Texts, which cost much more than counters ----

sql('SET pg_stat_statements.track = none;
	ALTER EXTENSION pg_stat_statements DROP VIEW pg_stat_statements; DROP VIEW pg_stat_statements;
	ALTER EXTENSION pg_stat_statements DROP FUNCTION pg_stat_statements(boolean);
	ALTER FUNCTION pg_stat_statements(boolean) RENAME TO counters;
	CREATE TABLE shape AS SELECT * FROM counters(false) LIMIT 0; CREATE TABLE asked (texts boolean);
	CREATE FUNCTION pg_stat_statements(boolean) RETURNS SETOF shape LANGUAGE plpgsql AS
		$$ BEGIN INSERT INTO public.asked VALUES ($1); RETURN QUERY SELECT * FROM public.counters($1); END $$;
	ALTER EXTENSION pg_stat_statements ADD FUNCTION pg_stat_statements(boolean)');

sub asked
{
	return sql('SET pg_stat_statements.track = none; TRUNCATE asked; SELECT haops.statement_take();
		SELECT string_agg(texts::text, $$ $$) FROM asked') =~ s/^\n//r;
}

take();
run_counted(1);
is(asked(), 'false', 'ST13 texts are not read where all of them are known');
sql('SELECT count(*), count(i) FROM counted');
is(asked(), 'false true', 'ST13 but where one is not');

# ---- Parallel plans ----

sql('CREATE TABLE rows AS SELECT i FROM generate_series(1, 20000) i; ANALYZE rows');
is(sql('SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
	SELECT count(*) FROM rows WHERE i = 5 AND EXISTS (SELECT FROM haops.slow_statements)'), '1',
	'ST12 beside a parallel plan, which may catch no error');

done_testing();
