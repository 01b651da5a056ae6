# What haops.relation_bloat() says of relations of every kind, against the truth: their size after VACUUM FULL or
# REINDEX. Each has its own cause of bloat, or none.
use strict;
use warnings;
use HaOps;
use Test::More;

use constant { PAGES_MAX => 1000, ERROR_MAX => 3, PAGE => 8192 };

my $server = HaOps->plain(options => <<'CONF');
autovacuum = off
fsync = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
max_wal_size = 4GB
CONF
sub sql { return $server->sql('n1', @_) }

# Tables, each with one cause.
my @tables = qw(fresh padded filled wide half range dead dropped added toasty toast_half updated narrow);
sql(<<'SQL');
CREATE EXTENSION pg_haops;
CREATE EXTENSION pgstattuple;
CREATE TABLE fresh AS SELECT g AS id, md5(g::text) AS t FROM generate_series(1, 200000) AS g;
CREATE TABLE padded (a bool, b bigint, c bool, d bigint, e bool, f bigint);
INSERT INTO padded SELECT true, g, false, g, true, g FROM generate_series(1, 120000) AS g;
CREATE TABLE filled (id int, t text) WITH (fillfactor = 50);
INSERT INTO filled SELECT g, md5(g::text) FROM generate_series(1, 80000) AS g;
CREATE TABLE wide (id int, t text);
ALTER TABLE wide ALTER t SET STORAGE plain;
INSERT INTO wide SELECT g, repeat('x', 3000) FROM generate_series(1, 3000) AS g;
CREATE TABLE half AS SELECT * FROM fresh;
DELETE FROM half WHERE id % 2 = 0;
CREATE TABLE range AS SELECT * FROM fresh;
DELETE FROM range WHERE id BETWEEN 50000 AND 130000;
CREATE TABLE dropped (id int, x text, y int);
INSERT INTO dropped SELECT id, t, id FROM fresh;
ALTER TABLE dropped DROP x;
CREATE TABLE added (id int, x int);
INSERT INTO added SELECT id, id FROM fresh;
ALTER TABLE added ADD y text DEFAULT 'a default of some length';
CREATE TABLE toasty (id int, v text);
ALTER TABLE toasty ALTER v SET STORAGE external;
INSERT INTO toasty SELECT g, repeat(md5(g::text), 70) FROM generate_series(1, 6000) AS g;
CREATE TABLE toast_half (LIKE toasty INCLUDING STORAGE);
INSERT INTO toast_half SELECT * FROM toasty;
DELETE FROM toast_half WHERE id % 2 = 1;
CREATE TABLE updated AS SELECT id, 0 AS n, t FROM fresh WHERE id <= 80000;
UPDATE updated SET n = 1;
UPDATE updated SET n = 2 WHERE id % 2 = 0;
CREATE TABLE narrow (n "char") ;
INSERT INTO narrow SELECT 'a' FROM generate_series(1, 100000);
DELETE FROM narrow WHERE ctid::text ~ '[05]\)$';
SQL
sql('VACUUM');
sql(<<'SQL');
CREATE TABLE dead AS SELECT * FROM fresh;
DELETE FROM dead WHERE id % 3 = 0;
SQL

# The same indexes three times: fresh, after deletes, and filled by inserts in no order. An index that is left out of
# `known` gets denser or looser with the data: of it the truth must lie between low_percent and high_percent.
my %index = (
	seq => '(id)', random => '(r)', dedup => '(d)', name => '(n)', long => '(l)', hash => 'USING hash (id)',
	gin => 'USING gin (a)', keys => 'USING gin (j)', gist => 'USING gist (p)', spgist => 'USING spgist (p)',
	brin => 'USING brin (id) WITH (pages_per_range = 1)', boxes => 'USING gist (box(p, p))',
	texts => 'USING spgist (r)');
my %bounded = map { $_ => 1 } qw(spgist boxes texts);
sub create_indexes
{
	my ($table) = @_;
	return join '', map { "CREATE INDEX ${table}_$_ ON $table $index{$_};\n" } sort keys %index;
}
sql(<<'SQL' . create_indexes('built'));
SELECT setseed(0.4);
CREATE TABLE built AS SELECT g AS id, md5(g::text) AS r, g % 10 AS d, md5(g::text)::name AS n,
	CASE WHEN g % 20 = 0 THEN rpad(g::text, 900, 'x') END AS l, ARRAY[g % 1000, g % 77, g % 13] AS a,
	jsonb_build_object('a', g, 'b', g % 500) AS j, point(random() * 1000, random() * 1000) AS p
FROM generate_series(1, 100000) AS g;
SQL
sql("CREATE TABLE tail AS SELECT * FROM built;\n" . create_indexes('tail') .
	"DELETE FROM tail WHERE id <= 75000;");
sql("CREATE TABLE thin AS SELECT * FROM built;\n" . create_indexes('thin') .
	"DELETE FROM thin WHERE hashtext(r) % 10 <> 0;");
sql("CREATE TABLE grown (LIKE built);\n" . create_indexes('grown') .
	"INSERT INTO grown SELECT * FROM built WHERE id <= 60000 ORDER BY hashtext(r);");
sql('VACUUM built'); sql('VACUUM tail'); sql('VACUUM thin'); sql('VACUUM grown');
sql('CHECKPOINT');

# What is said, before anything is rewritten.
my (%said, @toast);
my $tables_list = join ', ', map { "('$_'::regclass)" } @tables, qw(built tail thin grown);
for my $line (split /\n/, sql(<<"SQL"))
	SELECT CASE part WHEN 'toast' THEN c.oid::regclass || ' (TOAST)' ELSE b.relation::text END, b.bytes,
		b.reclaimable_percent, b.low_percent, b.high_percent, b.pages_read, b.verdict, coalesce(b.reclaimable_by, ''),
		b.relation::oid, b.free_bytes + b.fillfactor_reserve_bytes, b.dead_bytes
	FROM (VALUES $tables_list) AS c (oid), haops.relation_bloat(c.oid) AS b
	WHERE b.part IN ('table', 'index') OR b.part = 'toast' AND b.bytes > 0
SQL
{
	my ($name, @figures) = split /\|/, $line;
	@{ $said{$name} }{qw(bytes percent low high pages verdict by oid free dead)} = @figures;
}
# pgstattuple does not count the line pointers that are free, nor what a dead row takes up besides its own length.
my $free = sql('SELECT free_percent FROM pgstattuple(\'half\')');
cmp_ok(abs($free - 100 * $said{half}{free} / $said{half}{bytes}), '<', ERROR_MAX, 'free as pgstattuple measures it');
my $dead = sql('SELECT 100.0 * (dead_tuple_len + dead_tuple_count * 7) / table_len FROM pgstattuple(\'dead\')');
cmp_ok(abs($dead - 100 * $said{dead}{dead} / $said{dead}{bytes}), '<', 1, 'dead rows as pgstattuple measures them');

# The truth.
sql("VACUUM FULL $_") for @tables;
sql("REINDEX TABLE $_") for qw(built tail thin grown);
my ($worst, $compared) = (0, 0);
note(sprintf('%-20s %8s %7s %7s %7s %7s %7s  %s', qw(relation kB said low high truth error verdict)));
for my $name (sort keys %said)
{
	my $s = $said{$name};
	next if $name =~ /^(?:built|tail|thin|grown)$/;
	my $new = sql("SELECT pg_relation_size($s->{oid})");
	my $truth = 100 * (1 - $new / $s->{bytes});
	my ($kind) = $name =~ /_(\w+)$/;
	$truth = 0 if $truth < 0;
	my $error = $s->{percent} - $truth;
	note(sprintf('%-20s %8d %7.1f %7.1f %7.1f %7.1f %7.1f  %s', $name, $s->{bytes} / 1024, $s->{percent}, $s->{low},
		$s->{high}, $truth, $error, "$s->{verdict} $s->{by}"));
	cmp_ok($s->{pages}, '<=', PAGES_MAX, "$name: at most " . PAGES_MAX . ' pages read');
	if ($bounded{ $kind // '' })
	{
		ok($s->{low} - ERROR_MAX <= $truth && $truth <= $s->{high} + ERROR_MAX, "$name: the truth is within bounds");
		next;
	}
	next if $name eq 'tail_brin';		# a few pages, most of whose ranges are empty: they get shorter
	$compared++;
	$worst = abs $error if abs $error > $worst;
	# Of a small file two pages are more than that.
	my $allowed = 100 * 2 * PAGE / $s->{bytes};
	$allowed = ERROR_MAX if $allowed < ERROR_MAX;
	cmp_ok(abs $error, '<=', $allowed, sprintf('%s: within %.1f points of the truth', $name, $allowed));
}
diag(sprintf('%d relations, the worst error is %.1f points', $compared, $worst));
cmp_ok($compared, '>=', 20, 'so many were compared');

# What nobody should be woken for, and what they should.
is($said{$_}{verdict}, 'ok', "$_ is well: " . $said{$_}{percent}) for
	qw(fresh padded filled wide added built_seq built_random built_name grown_random), 'toasty (TOAST)',
	qw(built_gin built_keys built_gist built_boxes built_spgist built_texts);
is($said{$_}{verdict}, 'bloated', "$_ is bloated: " . $said{$_}{percent}) for
	qw(half range dropped updated dead), 'toast_half (TOAST)', map { ("tail_$_", "thin_$_") } qw(seq random gin gist);
is($said{$_}{by}, 'rewrite', "BL2 $_: only a rewrite gives it back") for qw(half range dropped updated);
is($said{dead}{by}, 'vacuum', 'what is dead is for VACUUM first');

done_testing();
