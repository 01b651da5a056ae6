# Which indexes nobody uses: on a server alone, with what its counters can and cannot say, and in a cluster, where a
# standby may be the only one that uses an index, or may not be heard.
use strict;
use warnings;
use HaOps;
use Test::More;

my $cluster = HaOps->plain(options => "shared_preload_libraries = 'pg_haops'\nautovacuum = off\n" .
	"pg_haops.monitor = off\n");
my $node = 'n1';

sub sql { return $cluster->sql($node, $_[0]) }

# What is said of an index, when it must not have been used for so long.
sub verdict
{
	my ($index, $after) = @_;
	$after //= '0';
	return sql("SET pg_haops.unused_index_after = '$after';
		SELECT verdict FROM haops.unused_indexes WHERE index = '$index'");
}

sub field
{
	my ($field, $index) = @_;
	return sql("SET pg_haops.unused_index_after = 0; SELECT $field FROM haops.unused_indexes WHERE index = '$index'");
}

# What sessions counted is in shared memory when they have ended; then a sample.
sub take { return sql('SELECT haops.index_usage_take()') }

sql(<<'SQL');
CREATE EXTENSION pg_haops;
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE t (id int PRIMARY KEY, u int UNIQUE, a int, b int, c int, d int, e int REFERENCES parent, f int,
	EXCLUDE USING btree (f WITH =));
INSERT INTO t SELECT g, g, g, g, g, g FROM generate_series(1, 10000) AS g;
CREATE INDEX t_a ON t (a);
CREATE INDEX t_b ON t (b);
CREATE INDEX t_planned ON t (c);
CREATE INDEX t_e ON t (e);
CREATE INDEX "t_expr'""ession" ON t ((d + 1)) WHERE d > 5;
CREATE UNIQUE INDEX t_d ON t (d);
ALTER TABLE t ALTER d SET NOT NULL;
CREATE UNIQUE INDEX t_identity ON t (d, id);
ALTER TABLE t REPLICA IDENTITY USING INDEX t_d;
CREATE TABLE parted (i int, j int) PARTITION BY RANGE (i);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (10) TO (20) PARTITION BY LIST (j);
CREATE TABLE parted_2_1 PARTITION OF parted_2 DEFAULT;
INSERT INTO parted SELECT g % 20, g FROM generate_series(1, 10000) AS g;
CREATE INDEX parted_i ON parted (i);
CREATE INDEX parted_j ON parted (j);
ANALYZE;
SQL
is(verdict('t_a'), 'insufficient history', 'UN6 an index that no sample has seen');
like(field('why', 't_a'), qr/^no sample has seen it yet/, 'UN6 and why');
take();
is(verdict('t_a'), 'unused', 'no scan');
is(verdict('t_a', '1h'), 'insufficient history', 'UN6 counters that are younger than the window');
is(field('drop_statement', 't_a'), 'DROP INDEX CONCURRENTLY public.t_a', 'and what drops it');
is(sql("SELECT string_agg(index, ' ') FROM haops.unused_indexes WHERE index IN ('t_pkey', 't_u_key', 't_d',
	't_identity', 't_f_excl', 'parent_pkey')"), '', 'UN2 unique, primary, exclusion, replica identity: not listed');
is(verdict('t_e'), 'serves a foreign key', 'UN8 the index of a foreign key');
is(field('drop_statement', 't_e'), '', 'UN8 nothing drops it');
is(sql("SELECT count(*) FROM haops.unused_indexes WHERE index LIKE 'parted%'"), '2', 'UN7 a parent once');
is(verdict('parted_i'), 'unused', 'UN7 no partition was scanned');
is(field('drop_statement', 'parted_i'), 'DROP INDEX public.parted_i', 'UN7 a parent is not dropped concurrently');
my $odd = "SET pg_haops.unused_index_after = 0; SELECT %s FROM haops.unused_indexes WHERE index LIKE 't\\_expr%%'";
is(sql(sprintf($odd, 'warnings[1]')), 'the statistics of its expressions go with it', 'what to think of first');
is(sql(sprintf($odd, 'drop_statement')), qq{DROP INDEX CONCURRENTLY public."t_expr'""ession"}, 'an odd name');
like(sql(sprintf($odd, 'create_statement')),
	qr/^CREATE INDEX CONCURRENTLY "t_expr'""ession" ON .*\(\(d \+ 1\)\).*\(d > 5\)/,
	'and what brings it back');

sql('SELECT * FROM t WHERE b = 5; SET enable_seqscan = off; SELECT count(*) FROM t WHERE b < 500');
sql('SET enable_seqscan = off; SELECT count(*) FROM parted WHERE i = 15');
sql('EXPLAIN SELECT * FROM t WHERE c > 9990') for 1 .. 3;
take();
is(verdict('t_b'), '', 'an index that is used is not listed');
is(verdict('parted_i'), '', 'UN7 a scan of one partition is use of the parent');
is(verdict('parted_j'), 'unused', 'UN7 the other one was not');
cmp_ok(sql("SELECT scans FROM haops.index_usage WHERE index_relation = 't_planned'::regclass"), '>', 0,
	'UN5 planning alone counts as scans');
is(verdict('t_planned'), 'hardly scanned', 'UN5 and is not taken for use');
like(field('why', 't_planned'), qr/the planner's looks/, 'UN5 it says why');
is(sql("SELECT count(*) FROM haops.index_usage WHERE last_scan IS NOT NULL") > 0 ? 'last' : 'no last',
	sql("SHOW server_version_num") >= 160000 ? 'last' : 'no last', 'UN12 the last scan where the server knows it');
sql('CREATE INDEX t_young ON t (a, b)');
my $before = sql('SELECT clock_timestamp()');
take();
like(field('why', 't_young'), qr/^not scanned/, 'UN6 an index that has just been made, when no time is asked for');
is(sql("SET pg_haops.unused_index_after = '1s'; SELECT bool_and(counted_since >= '$before')
	FROM haops.unused_indexes WHERE index = 't_young'"), 't', 'UN6 its own age counts');
sql('DROP INDEX t_young');
take();
is(sql('SELECT count(*) FROM haops.index_seen s
	WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = s.index_relation)'), '0', 'what was dropped is forgotten');

# Counters that began anew say so, although pg_stat_database does not.
my $reset = sql('SELECT clock_timestamp()');
$cluster->kill_postmaster($node);
$cluster->start($node);
is(sql('SELECT stats_reset IS NULL FROM pg_stat_database WHERE datname = current_database()'), 't',
	'UN3 after a crash the database was never reset');
take();
is(sql("SELECT counted_since > '$reset' FROM haops.index_usage_member"), 't', 'UN3 but its counters begin there');
is(verdict('t_a', '1h'), 'insufficient history', 'UN3 and nothing is unused');
$reset = sql('SELECT clock_timestamp()');
sql('SELECT pg_stat_reset()');
take();
is(sql("SELECT counted_since > '$reset' FROM haops.index_usage_member"), 't', 'a reset by hand, too');
is(verdict('t_b'), 'unused', 'what was counted before is forgotten');
is($cluster->sql_or_error($node, "SELECT haops.index_usage_store('this server', '$_')"), undef, "no answer: $_")
	for 'x', '{"counted_s": 1, "indexes": [[]]}', '{"counted_s": "x", "indexes": []}', '{"indexes": [["1", 2]]}';
for my $answer ('{}', '3')
{
	sql("SELECT haops.index_usage_store('this server', '$answer')");
	is(verdict('t_a'), 'unknown', "an answer that says nothing: $answer");
}
undef $cluster;

# ---- A cluster of three ----

$cluster = HaOps->new(nodes => 3, options => "pg_haops.monitor = off\npg_haops.health_interval = 0\n" .
	"pg_haops.statements_interval = 0\npg_haops.indexes_interval = 1s\nautovacuum = off\n");
$node = $cluster->leader;
my ($standby, $other) = $cluster->others($node);
sql(<<'SQL');
CREATE TABLE t (a int, b int, c int);
INSERT INTO t SELECT g, g, g FROM generate_series(1, 10000) AS g;
CREATE INDEX t_a ON t (a);
CREATE INDEX t_b ON t (b);
CREATE INDEX t_c ON t (c);
ANALYZE t;
CREATE EXTENSION pg_haops;
SQL
# From here on: a database that is seen without the extension is not looked at again for a minute.
$cluster->sql($_, "ALTER SYSTEM SET pg_haops.monitor = on"), $cluster->sql($_, 'SELECT pg_reload_conf()')
	for $cluster->names;
$cluster->until_true(sub { verdict('t_a') eq 'unused' }, 'all members are heard');
is(sql("SELECT string_agg(member, ' ' ORDER BY member) FROM haops.index_usage_member
	WHERE counted_since IS NOT NULL AND fault IS NULL"), 'n1 n2 n3', 'the window of each member');
is(sql("SELECT member FROM haops.index_usage_member WHERE is_primary"), $node, 'and who the primary is');
$cluster->until_true(sub { $cluster->sql($standby, 'SELECT count(*) FROM t') eq '10000' }, 'the standby has the table');
$cluster->sql($standby, 'SET enable_seqscan = off; SELECT count(*) FROM t WHERE a < 500');
$cluster->until_true(sub { verdict('t_a') eq 'used on standbys only' }, 'the use on a standby is heard');
is(sql("SELECT scans_by_member FROM haops.unused_indexes WHERE index = 't_a'"), "{\"$standby\": 1}",
	'UN1 an index that only a standby uses is not unused, and it says who');
is(field('drop_statement', 't_a'), '', 'UN1 nothing drops it');
$cluster->until_true(sub { $cluster->sql($standby, "SELECT verdict FROM haops.unused_indexes WHERE index = 't_a'") eq
		'used on standbys only' }, 'the standby says the same');
pass('UN1 the same on a standby');
is(verdict('t_b'), 'unused', 'the other one is not used anywhere');

$cluster->kill_postmaster($other);
$cluster->until_true(sub { verdict('t_b') eq 'unknown' }, 'a member that is not heard');
like(field('why', 't_b'), qr/^$other was not heard the last time: no connection: /, 'UN4 unknown, and why');
is(field('drop_statement', 't_b'), '', 'UN4 nothing drops it');
is(verdict('t_a'), 'used on standbys only', 'UN4 what is known to be used stays so');
$cluster->start($other);
$cluster->until_true(sub { verdict('t_b') eq 'unused' }, 'it is heard again');
is(verdict('t_b', '1h'), 'insufficient history', 'UN3 a member that crashed counts anew');

# The next leader goes on with what it has, and asks the others.
$cluster->run_ok('pg_haops', 'switchover', '--data', $cluster->data($node), '--to', $standby);
$cluster->until_true(sub { $cluster->leader eq $standby }, 'the other one leads');
my $old = $node;
$node = $standby;
$cluster->until_writable;
$cluster->until_true(
	sub { sql("SELECT string_agg(member, ' ') FROM haops.index_usage_member WHERE is_primary") eq $node },
	'the new leader samples');
$cluster->until_true(sub { verdict('t_a') eq '' }, 'what the new primary uses is used');
pass('after a switchover the new primary is the one that counts');
$cluster->run_ok('pg_haops', 'leave', '--data', $cluster->data($other));
$cluster->until_true(sub { sql('SELECT count(*) FROM haops.index_usage_member') eq '2' },
	'a member that left is forgotten');
pass('a member that left is forgotten');
done_testing();
