# haops.explain(): plans of others' statements on one server, which give nobody a right, and what they look like.
#
# mallory makes what alice's statements use, and changes it once alice has run them. Whether anything of it runs is seen
# by a lock of the session, which no rollback takes back.
use strict;
use warnings;
use HaOps;
use Test::More;
use Time::HiRes ();

my $server = HaOps->plain(options => "shared_preload_libraries = 'pg_haops, pg_stat_statements'\n" .
	"fsync = off\nautovacuum = off\npg_haops.monitor = off\npg_stat_statements.track = all\n");

sub sql { return $server->sql('n1', $_[0]) }

sub id
{
	my ($text) = @_;
	return sql("SELECT queryid FROM pg_stat_statements WHERE query LIKE '$text' AND query NOT LIKE '%haops.%' LIMIT 1")
	  || die "no statement $text";
}

# As whom, what is asked for, of which statement.
sub explained
{
	my ($role, $column, $queryid) = @_;
	return sql("SET pg_stat_statements.track = none; SET ROLE $role; SELECT $column FROM haops.explain($queryid)");
}

sub refused { my ($text, $role) = @_; return explained($role // 'watcher', "state || ': ' || note", id($text)) }

sub plan_of { my ($text) = @_; return explained('watcher', 'coalesce(plan, note)', id($text)) }

# ---- Whose rights ----

sql(<<'SQL');
CREATE EXTENSION pg_haops; CREATE EXTENSION pg_stat_statements;
CREATE ROLE watcher LOGIN IN ROLE pg_monitor;
CREATE ROLE mallory LOGIN IN ROLE pg_monitor;
CREATE ROLE alice LOGIN;
CREATE SCHEMA mal AUTHORIZATION mallory;
GRANT USAGE ON SCHEMA mal TO alice;
CREATE TABLE t (a int, b text);
INSERT INTO t SELECT i, md5(i::text) FROM generate_series(1, 20000) i;
ANALYZE t;
GRANT SELECT, INSERT, UPDATE, DELETE ON t TO alice, mallory;
ALTER ROLE alice SET search_path = mal, public;
CREATE EXTENSION file_fdw;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE abroad (a int) SERVER files OPTIONS (filename '/dev/null');
GRANT SELECT ON abroad TO alice;
SQL

my $exported = $server->dir . '/exported';
my $harmless = 'CREATE OR REPLACE FUNCTION mal.imm() RETURNS int LANGUAGE plpgsql IMMUTABLE AS
		$$ BEGIN RETURN 1; END $$;
	CREATE OR REPLACE FUNCTION mal.imm(int, int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
		$$ BEGIN RETURN $1; END $$;';
# A function marked immutable may not write, but it may call one that does.
my $hostile = join("\n", map { "BEGIN $_; EXCEPTION WHEN OTHERS THEN NULL; END;" } (
		q{EXECUTE 'ALTER ROLE mallory SUPERUSER'}, q{EXECUTE 'RESET ROLE'}, q{EXECUTE 'SET ROLE postgres'},
		q{PERFORM set_config('session_authorization', 'postgres', false)},
		q{PERFORM set_config('role', 'postgres', false)}, q{EXECUTE 'RESET SESSION AUTHORIZATION'},
		q{EXECUTE 'DELETE FROM t'}, q{EXECUTE 'COPY t TO PROGRAM ''true'''},
		q{PERFORM set_config('transaction_read_only', 'off', false)},
		q{PERFORM set_config('work_mem', '99kB', false)}));
(my $armed = $harmless) =~ s/BEGIN RETURN/BEGIN PERFORM pg_advisory_lock(42); PERFORM mal.attack(); RETURN/g;
$armed .= "CREATE FUNCTION mal.attack() RETURNS void LANGUAGE plpgsql AS \$\$ BEGIN $hostile END \$\$;";

sql("SET ROLE mallory; $harmless" . <<'SQL');
CREATE OPERATOR mal.### (FUNCTION = mal.imm, LEFTARG = int, RIGHTARG = int);
CREATE FUNCTION mal.pair(OUT a int, OUT b int) LANGUAGE plpgsql STABLE AS $$ BEGIN a := 1; END $$;
CREATE TABLE mal.indexed (a int, b int);
CREATE INDEX ON mal.indexed ((a + mal.imm()));
CREATE TABLE mal.defaults (a int DEFAULT 1 OPERATOR(mal.###) 2, b int);
CREATE TABLE mal.generated (a int, b int GENERATED ALWAYS AS (a + (3 OPERATOR(mal.###) 4)) STORED);
CREATE TABLE mal.guarded (a int);
CREATE POLICY p ON mal.guarded USING (a = (1 OPERATOR(mal.###) 2));
ALTER TABLE mal.guarded ENABLE ROW LEVEL SECURITY;
CREATE VIEW mal.by_function AS SELECT * FROM t WHERE a = mal.imm();
CREATE VIEW mal.by_operator AS SELECT * FROM t WHERE a = (1 OPERATOR(mal.###) 2);
CREATE VIEW mal.by_domain AS SELECT * FROM t;
CREATE VIEW mal.by_query AS SELECT * FROM t;
CREATE VIEW mal.by_export AS SELECT * FROM t;
GRANT ALL ON ALL TABLES IN SCHEMA mal TO alice;
SQL

my %statement = (
	'a function' => ['SELECT 1 AS f1 FROM t WHERE a = mal.imm()', 'planned'],
	'one found by search_path' => ['SELECT 1 AS f2 FROM t WHERE a > imm()', 'planned'],
	'one with arguments' => ['SELECT 1 AS f3 FROM t WHERE a = mal.imm(1, 2)', 'planned'],
	'an operator' => ['SELECT 1 AS f4 FROM t WHERE a = 1 OPERATOR(mal.###) 2', 'planned'],
	'one in the select list' => ['SELECT 1 AS f5, imm() + imm()', 'planned'],
	'one in FROM' => ['SELECT 1 AS f12 FROM mal.pair()', 'planned'],
	'the function of a view' => ['SELECT 1 AS f6 FROM mal.by_function', 'planned'],
	'the operator of a view' => ['SELECT 1 AS f7 FROM mal.by_operator', 'refused', 'function mal.imm'],
	'the expression of an index' => ['SELECT 1 AS f8 FROM mal.indexed WHERE a = 1', 'refused', 'function mal.imm'],
	'a default' => ['INSERT INTO mal.defaults (b) VALUES (1)', 'refused', 'function mal.imm'],
	'a generated column' => ['UPDATE mal.generated SET a = 1', '(?:planned|refused)'],
	'a policy' => ['SELECT 1 AS f9 FROM mal.guarded', 'refused', 'function mal.imm'],
	'the CHECK of a domain' => ['SELECT 1 AS f10 FROM mal.by_domain', 'refused', 'pg_catalog.pg_try_advisory_lock'],
	'a query by table_to_xml' => ['SELECT 1 AS f11 FROM mal.by_query', 'refused', 'would run a query']);
sql("SET ROLE alice; SET search_path = mal, public; $_->[0]") for values %statement;
sql('SELECT 1 AS su FROM mal.by_export');
sql("SET ROLE mallory; $armed" . <<'SQL');
CREATE DOMAIN mal.d AS text CHECK (pg_try_advisory_lock(42) IS NOT NULL);
CREATE OR REPLACE VIEW mal.by_domain AS SELECT * FROM t WHERE b = ANY (('{' || 'x}')::mal.d[]::text[]);
CREATE VIEW mal.runs AS SELECT pg_try_advisory_lock(42);
GRANT SELECT ON mal.runs TO alice;
CREATE OR REPLACE VIEW mal.by_query AS SELECT * FROM t WHERE b = table_to_xml('mal.runs', false, false, '')::text;
SQL
sql("SELECT lo_from_bytea(4711, 'x'); SET ROLE mallory;
	CREATE DOMAIN mal.e AS text CHECK (lo_export(4711, '$exported') IS NOT NULL);
	CREATE OR REPLACE VIEW mal.by_export AS SELECT * FROM t WHERE b = ANY (('{' || 'x}')::mal.e[]::text[])");

for my $what (sort keys %statement)
{
	my ($text, $expected, $because) = @{ $statement{$what} };
	(my $like = $text) =~ s/\b\d+\b/%/g;
	my $queryid = id($like);

	for my $caller ('postgres', 'watcher')
	{
		my $answer = sql("SET ROLE $caller; SELECT state, note FROM haops.explain($queryid)");
		like($answer, defined $because ? qr/^$expected\|.*\Q$because\E/ : qr/^$expected\|/,
			"ST5 $what, asked by $caller");
		my $after = sql("SET ROLE $caller; SELECT count(*) FROM haops.explain($queryid);
			SELECT count(*) FROM pg_locks WHERE locktype = 'advisory';
			SELECT current_user = '$caller', session_user = 'postgres', current_setting('work_mem')");
		is($after, "1\n0\nt|t|4MB", "ST5 $what: nothing ran, and the session is as it was");
	}
}
is(sql("SELECT rolsuper FROM pg_roles WHERE rolname = 'mallory'"), 'f', 'ST5 mallory gained nothing');
is(sql('SELECT count(*) FROM t'), '20000', 'ST5 and nothing was lost');

like(refused('SELECT % AS su FROM mal.by_export', 'mallory'), qr/^refused: a superuser ran it/,
	q{ST5 a superuser's statement is not for a monitor});
like(refused('SELECT % AS su FROM mal.by_export', 'postgres'), qr/^refused: .*lo_export/,
	q{ST5 for a superuser neither, when something would run});
ok(!-e $exported, 'ST5 nothing was exported');

sql('SET ROLE alice; SELECT 1 AS foreign_one FROM abroad');
like(refused('%foreign_one FROM abroad'), qr/^refused: .*foreign table public.abroad/, 'ST5 no other server is asked');
sql('CREATE TABLE lost (a int); GRANT SELECT ON lost TO alice; SET ROLE alice; SELECT 1 AS lost_one FROM lost');
sql('REVOKE SELECT ON lost FROM alice');
like(refused('%lost_one FROM lost'), qr/permission denied for table lost/, 'ST5 with the rights of the role itself');
is(explained('postgres', 'state', id('%lost_one FROM lost')), 'refused', 'ST5 and not with those of the caller');

# ---- Nothing is executed, and nothing stays ----

sql('CREATE SEQUENCE s; GRANT USAGE ON s TO alice; SET ROLE alice; SET search_path = public;
	WITH d AS (DELETE FROM t WHERE a = -1 RETURNING a) INSERT INTO t SELECT a FROM d;
	UPDATE t SET b = b WHERE a = -1; DELETE FROM t WHERE a = -2; SELECT nextval($$s$$), 1 AS drawn;
	MERGE INTO t USING (SELECT -5 AS x) AS x ON a = x WHEN MATCHED THEN DELETE');
for my $like ('WITH d AS (DELETE%', 'UPDATE t SET%', 'DELETE FROM t WHERE%', 'SELECT nextval%', 'MERGE INTO t%')
{
	like(plan_of($like), qr/cost=/, "ST6 a plan: $like");
}
is(sql('SELECT count(*), (SELECT last_value FROM s) FROM t'), '20000|1', 'ST6 and no row changed by it');
is(sql("BEGIN; PREPARE mine AS SELECT 1; SELECT count(*) FROM haops.explain(@{[id('UPDATE t SET%')]});
	SELECT current_setting('search_path'), current_setting('transaction_read_only'), current_setting('lock_timeout'),
		current_setting('row_security'), current_setting('pg_stat_statements.track'), current_user;
	SELECT count(*) FROM pg_locks WHERE relation = 't'::regclass;
	INSERT INTO t VALUES (-7, 'after'); EXECUTE mine; ROLLBACK"),
	qq{1\n"\$user", public|off|0|on|all|postgres\n0\n1},
	'ST15 prepared statements, settings and locks are as they were');
my $own = id('UPDATE t SET%');
my $calls = sql("SELECT calls FROM pg_stat_statements WHERE queryid = $own");
sql("SELECT count(*) FROM haops.explain($own)") for 1 .. 3;
is(sql("SELECT calls FROM pg_stat_statements WHERE queryid = $own"), $calls, 'ST11 planning counts nothing');

# ---- Texts without their constants ----

sql('CREATE TABLE days (d date, tz timestamptz, ts timestamp, tm time, i interval, n numeric, u uuid, j jsonb, v text);
	GRANT SELECT ON days TO alice');
my @texts = (
	"SELECT 1 FROM days WHERE d > date '2020-01-01'",
	"SELECT 2 FROM days WHERE tz > now() - interval '1 day'",
	"SELECT 3 FROM days WHERE tz > now() - interval '1' day AND i > interval(3) '1.5 s'",
	"SELECT 4 FROM days WHERE extract(year FROM tz) = 2020 AND extract(epoch FROM i) > 5",
	"SELECT 5 FROM days WHERE tz = timestamp with time zone '2020-01-01' AND tm < time '12:00'",
	"SELECT 6 FROM days WHERE ts = timestamp(3) without time zone '2020-01-01' AT TIME ZONE 'UTC'",
	"SELECT 7 FROM days WHERE u = uuid 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11' AND n > double precision '1.5'",
	"SELECT 8 FROM days WHERE v LIKE 'x%' ESCAPE 'y' AND j \@> jsonb '{}' AND v = character varying(5) 'abc'",
	"SELECT 9, 1 + 2, generate_series(1, 5), json_build_object('a', 1), count('x') FROM days GROUP BY 1 LIMIT 5",
	"SELECT 10 FROM days WHERE n IN (1, 2, 3, 4) AND n BETWEEN 1 AND 5 ORDER BY d + interval '2 d' LIMIT 3",
	"SELECT 11, CASE WHEN n > 1 THEN 'a' ELSE 'b' END, pg_catalog.date '2020-01-01' FROM days /* a comment \$1 */",
	"SELECT 12, sum(n) OVER (ORDER BY n ROWS 2 PRECEDING), \$\$ date \$1 \$\$, trim(both 'x' from v) FROM days",
	"SELECT 13 FROM days, LATERAL (VALUES (1, 'a'), (2, 'b')) AS l (x, y) WHERE position('a' in v) > 0");
sql('CREATE TABLE explained (queryid bigint)');
for my $text (@texts)
{
	sql("SET ROLE alice; SET search_path = public; $text");
	my $queryid = sql("SELECT queryid FROM pg_stat_statements JOIN pg_roles r ON r.oid = userid
		WHERE rolname = 'alice' AND query LIKE '% days%' AND queryid NOT IN (SELECT queryid FROM explained) LIMIT 1");
	my $answer = sql("INSERT INTO explained VALUES ($queryid); SET pg_stat_statements.track = none;
		SET ROLE watcher; SELECT state, coalesce(plan, note) FROM haops.explain($queryid)");
	like($answer, qr/^planned\|.*cost=/, "ST9 $text");
}
like(plan_of('SELECT%n IN (%'), qr/ANY|\$/, 'ST10 a list of constants');
like(explained('watcher', 'note', id('SELECT%generate_series%days%')), qr/is taken as integer/,
	'ST9 what was guessed is said');

sql('CREATE TABLE parts (k int, v text) PARTITION BY RANGE (k);
	CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
	CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (10) TO (20);
	GRANT SELECT ON parts TO alice; SET ROLE alice; SELECT count(*) AS parted FROM parts WHERE k = 5');
my $parted = plan_of('%AS parted FROM parts%');
ok($parted =~ /parts_1/ && $parted =~ /parts_2/, 'ST8 each partition that the parameter may choose is in the plan');
unlike($parted, qr/Subplans Removed/, 'ST8 none is hidden');

# ---- Locks ----

my $altering = $server->session('n1');
$altering->do('BEGIN; ALTER TABLE days ADD COLUMN x int');
my $begun = Time::HiRes::time();
like(refused('SELECT % FROM days WHERE d > date%'), qr/^refused: canceling statement due to lock timeout/,
	'ST14 a marked row');
cmp_ok(Time::HiRes::time() - $begun, '<', 4, 'ST14 soon');
like(sql("SET lock_timeout = '10ms'; SELECT note FROM haops.explain(@{[id('SELECT % FROM days WHERE d > date%')]})"),
	qr/lock timeout/, q{ST14 the session's own limit holds when it is shorter});
my $asking = $server->session('n1');
$asking->do("SET statement_timeout = '200ms'");
like($asking->error("SELECT * FROM haops.explain(@{[id('SELECT % FROM days WHERE d > date%')]})"),
	qr/canceling statement due to statement timeout/, q{ST14 the session's statement_timeout ends the whole});
sql('CREATE FUNCTION seven() RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN 7; END $$');
is($asking->do('SELECT current_user, seven() FROM pg_class LIMIT 1'), 'postgres|7', 'ST14 and functions run again');
$asking->close;
$altering->do('ROLLBACK');

# Fifteen tables in any order are more than a planner gets through.
my @joined = map { "j$_" } 1 .. 15;
sql(join(';', map { "CREATE TABLE $_ (a int, b int); GRANT SELECT ON $_ TO alice" } @joined));
sql('SET ROLE alice; SET search_path = public; SET geqo_threshold = 2; SELECT count(*) AS joined FROM ' .
	join(', ', @joined) . ' WHERE ' . join(' AND ', map { "j1.a = $_.a AND j2.b < $_.b" } @joined[1 .. 14]));
my $any_order = 'SET geqo = off; SET join_collapse_limit = 100; SET from_collapse_limit = 100;';
$begun = Time::HiRes::time();
is(sql("$any_order SELECT state, note FROM haops.explain(@{[id('%AS joined FROM j1%')]})"),
	'refused|it took longer than 5 s', 'ST14 planning itself has a limit');
cmp_ok(Time::HiRes::time() - $begun, '<', 12, 'ST14 that is kept');

# ---- On a standby ----

$server->plain_standby('n2', 'n1');
sub on_standby { return $server->sql('n2', $_[0]) }
on_standby('SET ROLE alice; SELECT count(*) AS far FROM public.t WHERE a = 5');
like(on_standby(q{SET ROLE watcher; SELECT state, plan FROM haops.explain((SELECT queryid FROM pg_stat_statements
	WHERE query LIKE '%AS far FROM%' AND query NOT LIKE '%haops.%'))}), qr/^planned\|.*cost=/, 'ST6 on a standby');

# ---- What can't be ----

ok(!defined $server->sql_or_error('n1', 'SELECT * FROM haops.explain(4711)'), 'ST7 an unknown queryid is an error');
like($server->{error}, qr/no statement has the queryid 4711\nHINT:/, 'ST7 with a hint');
sql('CREATE ROLE operator LOGIN IN ROLE haops_operator');
ok(!defined $server->sql_or_error('n1', "SET ROLE operator; SELECT * FROM haops.explain($own)"),
	'ST5 who may not see the text may not see the plan');
like($server->{error}, qr/pg_read_all_stats/, 'ST5 and is told why');
sql('CREATE ROLE bob; GRANT SELECT ON t TO bob; SET ROLE bob; SELECT count(*) AS twice FROM t WHERE a = 1');
sql('SET ROLE alice; SELECT count(*) AS twice FROM public.t WHERE a = 1; SELECT count(*) AS twice FROM t WHERE a = 1');
is(explained('watcher', '"user"', id('%AS twice FROM t%')), "alice\nbob", 'ST5 a row a role');
sql('REVOKE ALL ON t FROM bob; DROP ROLE bob');
like(refused('%AS twice FROM t%'), qr/^refused: the role that ran it was dropped/m,
	'ST5 nobody is left whose rights it could have');

# Texts that no session leaves behind: the extension's function is one of ours from here on.
sql(<<'SQL');
CREATE TABLE texts (userid oid, dbid oid, queryid bigint, query text);
GRANT SELECT ON texts TO public;
ALTER EXTENSION pg_stat_statements DROP VIEW pg_stat_statements; DROP VIEW pg_stat_statements;
ALTER EXTENSION pg_stat_statements DROP FUNCTION pg_stat_statements(boolean); DROP FUNCTION pg_stat_statements(boolean);
CREATE FUNCTION pg_stat_statements(boolean) RETURNS SETOF texts LANGUAGE sql AS 'SELECT * FROM public.texts';
ALTER EXTENSION pg_stat_statements ADD FUNCTION pg_stat_statements(boolean);
SQL
my $next = 0;
my @bad = (
	['SELECT 1; DROP TABLE t', 'its text holds 2 statements'], ['', 'its text holds 0 statements'],
	["COPY t TO PROGRAM 'id'", 'it is a command'], ["DO 'BEGIN END'", 'it is a command'],
	['ALTER ROLE alice SUPERUSER', 'it is a command'], ['SELECT 1 INTO new FROM t', 'it is a command'],
	['CREATE TABLE x AS SELECT 1', 'it is a command'], ['EXPLAIN ANALYZE DELETE FROM t', 'it is a command'],
	['SELECT <insufficient privilege>', 'syntax error'],
	['SELECT $1 FROM nowhere', 'relation "nowhere" does not exist'],
	['SELECT $1, (((', 'syntax error'], ["SELECT 'no end", 'unterminated quoted string'],
	['SELECT $99999999999', 'too large|out of range|syntax error|parameter']);
for my $bad (@bad)
{
	my ($text, $reason) = @$bad;
	$next++;
	sql("INSERT INTO texts SELECT 'alice'::regrole, oid, $next, \$q\$$text\$q\$ FROM pg_database
		WHERE datname = current_database()");
	like(explained('watcher', "state || ': ' || note", $next), qr/^refused: .*(?:$reason)/, "ST7 refused: $text");
}
sql(q{INSERT INTO texts VALUES ('alice'::regrole, 1, 100, 'SELECT 1'), ('alice'::regrole, 4711, 103, 'SELECT 1');
	INSERT INTO texts SELECT 4711, oid, 101, 'SELECT 1' FROM pg_database WHERE datname = current_database();
	INSERT INTO texts SELECT 'alice'::regrole, oid, 102, NULL FROM pg_database WHERE datname = current_database()});
like(explained('watcher', 'note', 100), qr/it ran in database "template1": ask there/, 'ST7 another database');
like(explained('watcher', 'note', 101), qr/the role that ran it was dropped/, 'ST7 a role that is gone');
like(explained('watcher', 'note', 102), qr/lost its text/, 'ST7 a text that is gone');
like(explained('watcher', 'note', 103), qr/in a database that was dropped/, 'ST7 a database that is gone');
is(sql('SELECT count(*) FROM t'), '20000', 'ST7 none of them ran');
sql('DROP EXTENSION pg_stat_statements');
ok(!defined $server->sql_or_error('n1', 'SELECT * FROM haops.explain(1)'), 'ST7 without pg_stat_statements');
like($server->{error}, qr/pg_stat_statements is not installed.*\nHINT:/, 'ST7 a clear message');

done_testing();
