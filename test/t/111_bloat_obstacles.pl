# haops.relation_bloat() and the rankings where something stands in the way: locks, old snapshots, other sessions'
# temporary tables, a standby, damaged files. Never a wait, never an error of the whole, nothing written.
use strict;
use warnings;
use Fcntl qw(SEEK_SET);
use HaOps;
use Test::More;

use constant PAGE => 8192;

my $server = HaOps->plain(
	options => "autovacuum = off\nfsync = off\nwal_log_hints = on\nstatement_timeout = 0\n",
	initdb => ['-k']);
sub sql { return $server->sql('n1', @_) }

# Each answer may take this long at most: what waits for a lock waits longer.
my $limit = "SET statement_timeout = '5s';";
sub bloat
{
	my ($of, $what, $where) = @_;
	return sql("$limit SELECT $what FROM haops.relation_bloat('$of') WHERE $where");
}

# But for the pages by which a table was extended in advance, as 16 and later do.
my $almost_nothing = 'reclaimable_bytes - deleted_pages_bytes < bytes / 50';

sql(<<'SQL');
CREATE EXTENSION pg_haops;
CREATE EXTENSION pageinspect;
CREATE EXTENSION pg_buffercache;
CREATE ROLE watcher LOGIN IN ROLE pg_monitor;
CREATE TABLE t AS SELECT g AS id, md5(g::text) AS v, ARRAY[g % 100] AS a, point(g % 1000, g) AS p
FROM generate_series(1, 20000) AS g;
CREATE INDEX t_btree ON t (id);
CREATE INDEX t_gin ON t USING gin (a) WITH (fastupdate = off);
CREATE INDEX t_gist ON t USING gist (p);
CREATE INDEX t_spgist ON t USING spgist (p);
CREATE INDEX t_hash ON t USING hash (id);
CREATE INDEX t_brin ON t USING brin (id) WITH (pages_per_range = 1);
CREATE UNLOGGED TABLE u AS SELECT * FROM t;
CREATE TABLE part (id int) PARTITION BY RANGE (id);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (1000);
CREATE TABLE part_2 PARTITION OF part FOR VALUES FROM (1000) TO (2000);
INSERT INTO part SELECT g FROM generate_series(1, 1999) AS g;
SQL
sql('VACUUM ANALYZE');

# Nothing is written: no hint bit, no dirty page; although no row here has its hint bits.
sql('CREATE TABLE unhinted AS SELECT * FROM t WITH NO DATA');
sql('INSERT INTO unhinted SELECT * FROM t');
sql('DELETE FROM unhinted WHERE id % 2 = 0');
my $bits = <<'SQL';
	SELECT md5(string_agg(t_infomask::text, ' ' ORDER BY b, lp))
	FROM generate_series(0, pg_relation_size('unhinted') / 8192 - 1) AS b,
		heap_page_items(get_raw_page('unhinted', b::int))
SQL
my $before = sql($bits);
sql('CHECKPOINT');
cmp_ok(bloat('unhinted', 'dead_bytes', q(part = 'table')), '>', 500_000, 'rows without hint bits are known to be dead');
is(sql($bits), $before, 'BL no hint bit is written');
is(sql("SELECT count(*) FILTER (WHERE isdirty), count(*) > 100 FROM pg_buffercache
	WHERE relfilenode = pg_relation_filenode('unhinted') AND relforknumber = 0"), '0|t', 'BL no page is dirty');

# What an old snapshot may still see is held, not dead.
my $old = $server->session('n1');
$old->do('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
sql('CREATE TABLE held AS SELECT * FROM t');
sql('DELETE FROM held WHERE id <= 10000');
is(bloat('held', "held_bytes > 500000, dead_bytes, $almost_nothing", q(part = 'table')), 't|0|t',
	'BL deleted rows that a snapshot may see are held');
$old->do('COMMIT');
is(bloat('held', 'held_bytes, dead_bytes > 500000, reclaimable_by', q(part = 'table')), '0|t|vacuum',
	'BL they are dead when it is gone');

# A transaction that is still at work deletes nothing yet; an updater hidden behind a multixact is found.
$old->do('BEGIN; DELETE FROM held WHERE id > 10000');
is(bloat('held', 'held_bytes', q(part = 'table')), 0, 'BL what may still be rolled back is live');
$old->do('ROLLBACK');
sql('CREATE TABLE multi AS SELECT * FROM t');
my $other = $server->session('n1');
$_->do('BEGIN; SELECT count(*) FROM (SELECT 1 FROM multi WHERE id <= 10000 FOR KEY SHARE) AS k') for $old, $other;
$old->do('UPDATE multi SET v = v WHERE id <= 10000');
$_->do('COMMIT') for $other, $old;
is(sql(q(SELECT count(*) > 0 FROM heap_page_items(get_raw_page('multi', 0)) WHERE t_infomask & 4096 <> 0)), 't',
	'there are multixacts');
is(bloat('multi', 'held_bytes, dead_bytes > 500000', q(part = 'table')), '0|t', 'BL an update behind a multixact');

# BL12 a table under an exclusive lock is skipped at once; so is one for which somebody waits in the queue.
$old->do('BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE');
is(bloat('t', 'part, method, bytes, reclaimable_percent, note', q(part = 'table')),
	'table|skipped|||locked by another session: not read', 'BL12 a locked table is skipped');
is(bloat('t', 'method, note', q(part = 'total')), 'skipped|without 1 of 1 relations, which were not read',
	'BL12 and there is no sum of it');
is(bloat('t_btree', 'method', 'true'), 'read', 'BL12 an index of it can be read all the same');
is(sql("$limit SELECT method FROM haops.table_bloat WHERE relation = 't'::regclass"), 'estimate',
	'BL12 the ranking of tables does not wait');
is(sql("$limit SELECT count(*) FROM haops.index_bloat WHERE \"table\" = 't'"), 6,
	'BL12 neither does the one of indexes');
$old->do('COMMIT');
$old->do('BEGIN; SELECT 1 FROM t LIMIT 1');
$other->begin('BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE');
$other->until_waiting;
is(bloat('t', 'method', q(part = 'table')), 'skipped', 'BL12 nobody queues behind one who waits for the table');
$old->do('COMMIT');
$other->finish;
$other->do('COMMIT');
$old->do('BEGIN; LOCK TABLE part_1 IN ACCESS EXCLUSIVE MODE');
is(bloat('part', 'part, method, note', 'true'), 'partitions|read|without 1 of 2 relations, which were not read',
	'BL12 a locked partition is left out of the sum, which says so');
$old->do('COMMIT');
is(bloat('t', 'count(DISTINCT method)', 'true'), 1, 'and everything is read when it is free again');
is(sql("SELECT count(*) FROM pg_locks WHERE relation = 't'::regclass"), 0, 'no lock is kept');

# In a transaction no lock is kept either.
$old->do('BEGIN');
$old->do(q(SELECT count(*) FROM haops.relation_bloat('t')));
is($old->do(q(SELECT count(*) FROM pg_locks WHERE relation = 't'::regclass)), 0, 'not until the end of a transaction');
$old->do('COMMIT');

# BL13 temporary tables of another session.
$old->do('CREATE TEMP TABLE mine AS SELECT * FROM t');
is(sql(q(SELECT method, note FROM haops.relation_bloat((SELECT oid FROM pg_class WHERE relname = 'mine'))
	WHERE part = 'table')),
	"not estimated|a temporary table of another session: its pages are in that session's memory",
	'BL13 a temporary table of another session');
is($old->do(q(SELECT method FROM haops.relation_bloat('mine') WHERE part = 'table')), 'read', 'BL13 its own');
is(sql(q(SELECT count(*) FROM haops.table_bloat WHERE "table" = 'mine')), 1, 'BL13 the ranking has it');
$old->close;
$other->close;

# A member of pg_monitor, and nothing else.
my $watcher = $server->session('n1', user => 'watcher');
is($watcher->do(q(SELECT count(*) FROM haops.relation_bloat('t') WHERE method = 'read')), 10,
	'pg_monitor may read of tables that it may not read');
$watcher->close;

# BL13 a standby says the same, and of unlogged tables that it has none.
sql('CHECKPOINT');
$server->plain_standby('n2', 'n1');
my $all = <<'SQL';
	SELECT relation, part, live_bytes, free_bytes, deleted_pages_bytes, reclaimable_bytes, method
	FROM haops.relation_bloat('t') ORDER BY 1, 2
SQL
$server->until_true(sub { ($server->sql('n2', $all) // '') eq sql($all) }, 'RT4 the standby says the same');
pass('RT4 the standby says the same');
is($server->sql('n2', q(SELECT method, note FROM haops.relation_bloat('u') WHERE part = 'table')),
	'not estimated|unlogged: a standby does not have it', 'BL13 an unlogged table on a standby');
is($server->sql('n2', q(SELECT method FROM haops.relation_bloat('unhinted') WHERE part = 'table' AND dead_bytes > 500000
	AND note LIKE 'a standby: %')), 'read', 'BL13 dead rows on a standby, with what is not known of them');
is($server->sql('n2', q(SELECT count(*) > 0 FROM haops.table_bloat)), 't', 'the ranking works on a standby');
$server->stop('n2');

# Damage: pages with a wrong checksum, garbage within pages, a file cut short, a file that is gone.
sub path { return $server->data('n1') . '/' . sql("SELECT pg_relation_filepath('$_[0]')") }
srand(4711);
sql('CREATE TABLE cut AS SELECT * FROM t');
sql('CREATE TABLE gone AS SELECT * FROM t');
sql('CREATE TABLE checked AS SELECT * FROM t');
sql('CREATE TABLE empty AS SELECT * FROM t');
my %file = map { $_ => path($_) } qw(cut gone empty);
my @scribbled = qw(t t_btree t_gin t_gist t_spgist t_hash t_brin held multi);
my %file_of = map { $_ => path($_) } @scribbled, 'checked';
my @jobs = map { my $name = $_; sub { scribble_file($file_of{$name}, 1) } } @scribbled;
sub scribble_file
{
	my ($path, $each) = @_;

	open(my $file, '+<:raw', $path) or die "$path: $!";
	for (my $page = 0; $page < (-s $path) / PAGE; $page += $each)
	{
		# Anywhere behind the part of the header that PostgreSQL itself looks at, mostly among the line pointers.
		for my $at (map { 24 + int(rand($_ % 2 ? 400 : PAGE - 24)) } 1 .. 12)
		{
			seek($file, $page * PAGE + $at, SEEK_SET);
			print $file chr(int(rand(256)));
		}
	}
	close $file;
	return;
}
$server->stop('n1');
$_->() for @jobs;
scribble_file($file_of{checked}, 7);
truncate($file{cut}, 5 * PAGE + 100) or die $!;
truncate($file{empty}, 0) or die $!;
unlink($file{gone}) or die $!;
$server->start('n1');

like(bloat('checked', 'method, note', q(part = 'table')), qr/^read\|\d+ pages are damaged or can't be read$/,
	'pages with a wrong checksum are counted');
is(bloat('checked', $almost_nothing, q(part = 'table')), 't', 'and the others are believed');
like(bloat('gone', 'method, note', q(part = 'table')), qr/^not estimated\|1 pages are damaged or can't be read$/,
	'a file that is gone');
is(bloat('empty', 'method, bytes', q(part = 'table')), 'read|0', 'a file that is empty');
is(bloat('cut', 'pages_total', q(part = 'table')), 5, 'a file that was cut short');

# Without checksums the garbage comes through: it is found or counted wrong, and the server lives.
my $postmaster = $server->postmaster('n1');
my $session = $server->session('n1');
$session->do('SET ignore_checksum_failure = on; SET client_min_messages = error');
my $damaged = 0;
for my $name (@scribbled)
{
	my $line = $session->do("SELECT coalesce(sum((substring(note FROM '^[0-9]+'))::int), 0), count(*)
		FROM haops.relation_bloat('$name') WHERE relation = '$name'::regclass AND part <> 'total'");
	my ($pages, $rows) = split /\|/, $line;

	is($rows, 1, "garbage in $name: a row");
	$damaged += $pages;
}
cmp_ok($damaged, '>', 100, 'damaged pages were found');
$session->close;
is($server->postmaster('n1'), $postmaster, 'the server lives');
unlike($server->log_of('n1'), qr/was terminated by signal|PANIC/, 'no session crashed');

done_testing();
