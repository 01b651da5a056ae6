# The views of statements on one server, with each version of pg_stat_statements that it has, from 1.8 on.
use strict;
use warnings;
use HaOps;
use Test::More;

my $server = HaOps->plain(options => "shared_preload_libraries = 'pg_haops, pg_stat_statements'\n" .
	"fsync = off\nautovacuum = off\npg_haops.monitor = off\npg_stat_statements.max = 100\n");

sub sql { return $server->sql('n1', $_[0]) }

my $of = q{
	queryid = (SELECT queryid FROM haops.statement_text WHERE query LIKE 'SELECT count(*) FROM counted%' LIMIT 1)};

sub added
{
	return sql("SELECT calls, partial FROM haops.statement_sample WHERE $of ORDER BY taken_at DESC LIMIT 1");
}

sub run_counted { sql('SELECT count(*) FROM counted') for 1 .. $_[0]; return }

sub take { return sql('SELECT haops.statement_take()') }

sql('CREATE EXTENSION pg_haops; CREATE ROLE watcher LOGIN IN ROLE pg_monitor; CREATE TABLE counted AS SELECT 1 AS i;
	CREATE FUNCTION calls_it() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN
		RETURN (SELECT count(*) FROM counted WHERE i = 1); END $$');
sql('CREATE TABLE planted_ran (i int);
	CREATE FUNCTION pg_stat_statements_info(OUT dealloc bigint,
		OUT stats_reset timestamptz)
	LANGUAGE sql AS $$ INSERT INTO planted_ran VALUES (1); SELECT 0::bigint, now() $$');
my @versions = grep { $_ ne '' } split /\n/, sql(q{SELECT version FROM pg_available_extension_versions
	WHERE name = 'pg_stat_statements' AND version IN ('1.8', '1.9', '1.10', '1.11', '1.12')
	ORDER BY string_to_array(version, '.')::int[]});
for my $version (@versions)
{
	sql('DROP FUNCTION pg_stat_statements_info()') if $version eq '1.9';
	sql("CREATE EXTENSION pg_stat_statements VERSION '$version'");
	run_counted(1);
	is(sql(q{SELECT count(*) >= 1 AND bool_and(calls > 0 AND mean_ms >= 0) FROM haops.slow_statements
		WHERE query LIKE 'SELECT count(*) FROM counted%'}), 't', "ST12 slow_statements with version $version");
	is(
		sql('SET ROLE watcher; SELECT count(*) > 0 FROM haops.slow_statements'), 't', "ST12 for a monitor, $version");
	take();
	is(sql('SELECT count(*) FROM planted_ran'), '0',
		"ST5 a function planted beside the extension does not run, $version");
	sql('DROP EXTENSION pg_stat_statements');
}

sql('CREATE EXTENSION pg_stat_statements; SET pg_stat_statements.track = none; SELECT pg_stat_statements_reset()');
run_counted(3);
take();
run_counted(4);
take();
is(added(), '4|f', 'ST2 what was added between two takes');
is(sql("SELECT calls FROM haops.statement_activity('1 hour') WHERE $of") >= 4, 1, 'ST2 activity sums it up');

my $before = sql("SELECT calls FROM pg_stat_statements WHERE $of");
take() for 1 .. 2;
is(sql("SELECT calls FROM pg_stat_statements WHERE $of"), $before, 'ST1 a take resets nothing');

sql("SELECT pg_stat_statements_reset(0, 0, queryid) FROM pg_stat_statements WHERE $of");
run_counted(2);
take();
is(added(), '2|t', 'ST2 reset in between: counted from nothing, and partial');
is(sql('SELECT count(*) FROM haops.statement_sample WHERE least(calls, rows, exec_ms, plan_ms, blocks_hit, blocks_read,
	blocks_dirtied, temp_blocks, wal_bytes) < 0'), '0', 'ST2 nothing is negative');

sql("SET pg_stat_statements.track = 'all'; SELECT calls_it(); SELECT count(*) FROM counted WHERE i = 1");
is(sql(q{SELECT count(DISTINCT toplevel) FROM haops.slow_statements WHERE query LIKE '%counted WHERE i = %'
	AND query NOT LIKE '%slow_statements%'}), '2', 'ST3 toplevel and not are two rows');
take();

sql('CREATE ROLE stranger LOGIN; GRANT haops_operator TO stranger');
is(sql('SET ROLE stranger; SELECT count(*) > 1 FROM haops.slow_statements WHERE queryid IS NULL'), 't',
	'ST4 rows without a queryid are all there');
is(sql('SET ROLE stranger; SELECT count(query) FROM haops.statement_texts'), '0', 'ST4 no text for who may not see it');

done_testing();
