# Every view of the schema, whatever stands in the catalog: it answers, for a superuser and for a member of pg_monitor
# alone, on a primary and on its standby, without waiting for anybody's lock (lock_timeout is a millisecond here): with
# odd names, 1,600 columns, 10,000 partitions, foreign tables, others' temporary tables, a table that somebody holds
# exclusively, and while tables come and go.
use strict;
use warnings;
use HaOps;
use Test::More;

use constant PARTITIONS => 10_000;

my $server = HaOps->plain(options => "shared_preload_libraries = 'pg_haops, pg_stat_statements'\n" .
	"fsync = off\nmax_locks_per_transaction = 512\nautovacuum = off\npg_haops.monitor = off\n");

sub sql { return $server->sql('n1', $_[0]) }

# ---- A catalog of oddities ----

sql('CREATE EXTENSION pg_haops; CREATE ROLE watcher LOGIN IN ROLE pg_monitor');
sql('CREATE TABLE wide (' . join(', ', map { "c$_ boolean" } 1 .. 1600) . '); INSERT INTO wide DEFAULT VALUES');
sql('CREATE TABLE parted (id int) PARTITION BY LIST (id); CREATE INDEX ON parted (id)');
for (my $first = 1; $first <= PARTITIONS; $first += 500)
{
	my $last = $first + 499;
	sql("DO \$\$ BEGIN FOR i IN $first .. $last LOOP
		EXECUTE format('CREATE TABLE parted_%s PARTITION OF parted FOR VALUES IN (%s)', i, i); END LOOP; END \$\$");
}
sql(<<'SQL');
CREATE SCHEMA "s ""chema'; DROP TABLE wide; --";
SET search_path = "s ""chema'; DROP TABLE wide; --";
CREATE TABLE "<script>alert(1)</script>
second line" ("a""b" int PRIMARY KEY, "日本" text UNIQUE, "c'd" int);
ALTER TABLE "<script>alert(1)</script>
second line" ADD FOREIGN KEY ("c'd") REFERENCES "<script>alert(1)</script>
second line";
CREATE INDEX "i'x""y" ON "<script>alert(1)</script>
second line" ("c'd", lower("日本")) WHERE "a""b" > 0;
RESET search_path;
CREATE UNLOGGED TABLE unlogged AS SELECT 1 AS i;
CREATE MATERIALIZED VIEW material AS SELECT 1 AS i WITH NO DATA;
CREATE TABLE empty_toast (t text);
CREATE TABLE no_columns ();
CREATE TABLE every_index (a int, b int[], c text, d point, e int4range);
CREATE INDEX ON every_index USING hash (a);
CREATE INDEX ON every_index USING gin (b);
CREATE INDEX ON every_index USING gist (d);
CREATE INDEX ON every_index USING spgist (c);
CREATE INDEX ON every_index USING brin (a);
CREATE TABLE broken (i int);
INSERT INTO broken VALUES (1), (1);
CREATE TABLE held (i int PRIMARY KEY, t text);
INSERT INTO held SELECT g, g::text FROM generate_series(1, 1000) AS g;
CREATE EXTENSION file_fdw;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE abroad (t text) SERVER files OPTIONS (filename '/nowhere/at/all');
CREATE SEQUENCE cycling AS smallint CYCLE;
CREATE SEQUENCE descending INCREMENT -1;
SQL
sql("BEGIN; INSERT INTO broken VALUES (2); PREPARE TRANSACTION 'odd '' gid'");

$server->plain_standby('n2', 'n1', "max_standby_streaming_delay = 100ms\nhot_standby_feedback = on");
my $other = $server->session('n1');
$other->do('CREATE TEMP TABLE of_another (i int PRIMARY KEY, t text); INSERT INTO of_another VALUES (1)');
my $holder = $server->session('n1');
$holder->do('BEGIN; LOCK TABLE held, every_index, parted_1 IN ACCESS EXCLUSIVE MODE; SELECT pg_current_xact_id()');
my $waiter = $server->session('n1');
$waiter->begin('SELECT * FROM held');
$waiter->until_waiting;

my @views = split /\n/, sql("SELECT relname FROM pg_class WHERE relnamespace = 'haops'::regnamespace AND relkind = 'v'
	ORDER BY 1");
cmp_ok(scalar @views, '>=', 5, 'there are views: ' . scalar @views);

# ---- Every view, on both, by both ----

sub every_view
{
	my ($node, $user, $what) = @_;
	my $session = $server->session($node, user => $user);
	my @failed;

	$session->do("SET lock_timeout = '1ms'; SET statement_timeout = '30s'");
	for my $view (@views)
	{
		my $error = $session->error("SELECT count(v) FROM (SELECT * FROM haops.$view OFFSET 0) AS v");
		push @failed, "$view: $error" if $error =~ /^(?:ERROR|FATAL|PANIC)/m;
		last if $error =~ /session is gone/;
	}
	$session->close;
	is(join('', @failed), '', "$what: every view answers, and none waits");
	return;
}

every_view('n1', 'postgres', 'primary, superuser, without pg_stat_statements');
sql('CREATE EXTENSION pg_stat_statements');
every_view('n1', 'postgres', 'primary, superuser');
every_view('n1', 'watcher', 'primary, pg_monitor');
every_view('n2', 'postgres', 'standby, superuser');
every_view('n2', 'watcher', 'standby, pg_monitor');

# ---- While tables come and go ----

my $churn = $server->session('n1');
$churn->begin(<<'SQL');
DO $$
BEGIN
	FOR i IN 1 .. 2000 LOOP
		EXECUTE 'CREATE TABLE churn (i int PRIMARY KEY, t text, UNIQUE (t, i))';
		EXECUTE 'CREATE INDEX ON churn (t)';
		EXECUTE 'INSERT INTO churn SELECT g, g::text FROM generate_series(1, 20) AS g';
		COMMIT;
		EXECUTE 'DROP TABLE churn';
		COMMIT;
	END LOOP;
END
$$
SQL
every_view('n1', 'watcher', 'tables come and go') for 1 .. 3;
$churn->close;

$holder->do('COMMIT');
$waiter->finish;
done_testing();
