# haops.explain_findings() on one server: each finding where there is cause for it, and none where there is not.
use strict;
use warnings;
use HaOps;
use Test::More;

my $server = HaOps->plain(options => "shared_preload_libraries = 'pg_haops, pg_stat_statements'\n" .
	"fsync = off\nautovacuum = off\npg_haops.monitor = off\nmax_parallel_workers_per_gather = 0\njit = off\n");

sub sql { return $server->sql('n1', $_[0]) }

my $last = 0;

# What is found in a statement, run as alice with these settings; the figures only where they are asked for.
sub found
{
	my ($text, $columns, $settings) = @_;

	$last++;
	$settings //= '';
	$columns //= "finding || '|' || coalesce(object, '') || '|' || coalesce(statement, '')";
	sql('SELECT pg_stat_statements_reset()');
	sql("SET ROLE alice; $text /* number $last */");
	my $queryid = sql("SELECT queryid FROM pg_stat_statements WHERE query LIKE '%/* number $last */%' LIMIT 1");
	return sql("SET pg_stat_statements.track = none; $settings SET ROLE watcher;
		SELECT $columns FROM haops.explain_findings($queryid)");
}

sql(<<'SQL');
CREATE EXTENSION pg_haops; CREATE EXTENSION pg_stat_statements;
CREATE ROLE watcher LOGIN IN ROLE pg_monitor;
CREATE ROLE alice LOGIN;
CREATE TABLE big (id int PRIMARY KEY, few int, many int, day date, t text, "Odd name" int);
INSERT INTO big SELECT i, i % 10, i % 20000, date '2000-01-01' + i % 3000, md5(i::text), i
	FROM generate_series(1, 100000) i;
CREATE INDEX ON big (day);
CREATE TABLE other (id int, x int);
INSERT INTO other SELECT i, i % 100 FROM generate_series(1, 50000) i;
CREATE TABLE small (id int, x int);
INSERT INTO small SELECT i, i FROM generate_series(1, 500) i;
CREATE TABLE parts (k int, v int) PARTITION BY RANGE (k);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (30000);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (30000) TO (60000);
INSERT INTO parts SELECT i, i FROM generate_series(0, 59999) i;
GRANT SELECT, UPDATE ON ALL TABLES IN SCHEMA public TO alice;
ANALYZE;
SQL

# ---- Scans and indexes ----

my $index = 'CREATE INDEX CONCURRENTLY ON public.big';
is(found('SELECT t FROM big WHERE many = 5'), "sequential scan|public.big|\nmissing index|public.big|$index (many)",
	'ST16 a selective filter without an index');
is(found('SELECT t FROM big WHERE few = 3 AND 5 = many'),
	"sequential scan|public.big|\nmissing index|public.big|$index (many, few)", 'ST16 the most distinct column first');
is(found('SELECT t FROM big WHERE many = 7 AND "Odd name" BETWEEN 1 AND 5'),
	qq(sequential scan|public.big|\nmissing index|public.big|$index (many, "Odd name")), 'ST16 the range comes last');
is(found('SELECT t FROM big WHERE id = 5'), '', 'ST16 none where the index is used');
is(found('SELECT t FROM big WHERE few = 5'), '', 'ST16 none where the filter leaves a tenth');
is(found('SELECT x FROM small WHERE id = 5'), '', 'ST16 none on a small table');
is(found('SELECT count(*) FROM big'), '', 'ST16 none without a filter');
is(found("SELECT t FROM big WHERE length(t) = 5"), 'sequential scan|public.big|',
	'ST16 no plain index would serve an expression');
is(found('SELECT t FROM big WHERE many = few + 5 AND "Odd name" = few'), 'sequential scan|public.big|',
	'ST16 nor a comparison of two columns');
is(found("SELECT t FROM big WHERE day = '2001-01-01'", undef, 'SET enable_indexscan = off; SET enable_bitmapscan = off;
	SET enable_indexonlyscan = off;'), 'sequential scan|public.big|', 'ST16 an index that is there is not missing');
is(found('SELECT t FROM big WHERE many = 5 LIMIT 1', 'DISTINCT severity'), 'info',
	'ST16 below 100 MB it is information');
like(found('UPDATE big SET few = few WHERE many = -5'), qr/missing index\|public.big\|\Q$index\E \(many\)/,
	'ST16 of an UPDATE');
is(sql('SELECT count(*) FROM big'), '100000', 'ST16 which is not executed');
is(found('SELECT k FROM parts WHERE v = 5'),
	"sequential scan|public.parts|\nmissing index|public.parts|CREATE INDEX ON public.parts (v)",
	'ST16 partitions are one finding, with the statement for the whole');
like(found('SELECT k FROM parts WHERE v = 6', 'figure'), qr/and 1 more like it/, 'ST16 which says how many they are');
like(found('SELECT t FROM big WHERE many = 9', "string_agg(figure, ';')"), qr/estimated: 5 rows of 100000/,
	'ST16 the figure is an estimate, and says so');
like(found('SELECT t FROM big WHERE many = 10', 'figure', 'SET max_parallel_workers_per_gather = 2;
	SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;'),
	qr/estimated: 5 rows of 100000/, 'ST16 of all processes of a parallel scan');

# ---- Spills ----

like(found('SELECT * FROM big ORDER BY t'), qr/^spilling sort\|\|SET LOCAL work_mem = '\d+MB'$/,
	'ST16 a sort beyond work_mem');
my ($megabytes) = found('SELECT t, id FROM big ORDER BY t', 'statement') =~ /(\d+)MB/;
is(found('SELECT t, id FROM big ORDER BY t', undef, "SET work_mem = '${megabytes}MB';"), '',
	'ST16 what it advises suffices');
is(found('SELECT * FROM big ORDER BY t LIMIT 10'), '', 'ST16 none where a limit keeps few rows');
is(found('SELECT * FROM small ORDER BY x'), '', 'ST16 none where it fits');
like(found('SELECT b.t FROM big b JOIN big c ON b.t = c.t', undef, "SET enable_mergejoin = off; SET work_mem = '1MB';"),
	qr/^spilling hash\|\|SET LOCAL work_mem = '\d+MB'/, 'ST16 a hash beyond its memory');
is(found('SELECT b.t FROM big b JOIN small s ON s.id = b.few', undef, 'SET enable_nestloop = off;'), '',
	'ST16 none where it fits');
like(found('SELECT t, count(*) FROM big GROUP BY t', 'finding, node', "SET work_mem = '1MB'; SET enable_sort = off;"),
	qr/^spilling hash\|HashAggregate/m, 'ST16 groups beyond the memory');
is(found('SELECT few, count(*) FROM big GROUP BY few'), '', 'ST16 none for few groups');

# ---- Loops ----

like(found('SELECT count(*) FROM other a JOIN small s ON a.x < s.x', 'finding, severity, object, figure'),
	qr/^nested loop\|info\|public.small\|estimated: 50000 turns, each over 500 rows$/,
	'ST16 a nested loop over many rows');
is(found('SELECT count(*) FROM small a JOIN small s ON a.x < s.x'), '', 'ST16 none over few');
is(found('SELECT b.t FROM small s JOIN big b USING (id)', undef,
	'SET enable_hashjoin = off; SET enable_mergejoin = off;'), '', 'ST16 none by an index');

# ---- What was not planned, and HypoPG ----

sql('CREATE TABLE gone (a int); GRANT SELECT ON gone TO alice');
sql('SET ROLE alice; SELECT a AS gone_one FROM gone');
my $gone = sql("SELECT queryid FROM pg_stat_statements WHERE query LIKE '%gone_one%'");
sql('DROP TABLE gone');
is(sql("SELECT finding, severity, figure FROM haops.explain_findings($gone)"),
	'not planned|not checked|relation "gone" does not exist', 'ST16 what can not be planned is said');

SKIP:
{
	skip 'HypoPG is not installed here', 4
	  if sql("SELECT count(*) FROM pg_available_extensions WHERE name = 'hypopg'") eq '0';
	sql('CREATE SCHEMA "Hypo"; GRANT USAGE ON SCHEMA "Hypo" TO public; CREATE EXTENSION hypopg SCHEMA "Hypo"');
	my $figure = found('SELECT t FROM big WHERE many = 11', "string_agg(figure, ';')");
	like($figure, qr/HypoPG: cost of the statement \d+, with the index \d+/, 'ST16 what HypoPG says');
	my ($before, $after) = $figure =~ /statement (\d+), with the index (\d+)/;
	cmp_ok($after, '<', $before / 10, 'ST16 it would be used');
	like(found('SELECT k FROM parts WHERE v = 7', "string_agg(figure, ';')"), qr/HypoPG: cost/, 'ST16 of a partition');
	is(sql(q{SELECT count(*) FROM haops.explain_findings((SELECT queryid FROM pg_stat_statements
		WHERE query LIKE 'SELECT k FROM parts%')); SELECT count(*) FROM "Hypo".hypopg()}), "2\n0",
		'ST16 and no hypothetical index is left');
}

done_testing();
