# What the views say on a live cluster of three with a cascade, asked by SQL: the files of test/tap, each on the member
# that leads, by pgTAP. They set their own scenes on the other members, and ask them, by dblink.
use strict;
use warnings;
use FindBin;
use HaOps;
use TAP::Parser;
use Test::More;

my $cluster = HaOps->new(nodes => 3, options => "pg_haops.monitor = off\npg_haops.indexes_interval = 1s\n" .
	"pg_haops.health_interval = 1s\npg_haops.settings_interval = 1s\npg_haops.promise = 1s\n" .
	"pg_haops.beat = 100ms\nhot_standby_feedback = on\n" .
	"max_standby_streaming_delay = 100ms\nwal_receiver_status_interval = 1s\nautovacuum = off\n");
my $leader = $cluster->until_writable;
my ($middle, $other) = $cluster->others($leader);

# tap.server: who is there; ask(): the answer of one of them, which is "leader", "middle", "other" or "outside" (a
# cascade behind "middle", no member), in one text; eventually(): the test whether it becomes so within 30 seconds.
$cluster->sql($leader, <<'SQL');
CREATE EXTENSION pgtap;
CREATE EXTENSION dblink;
CREATE EXTENSION pg_haops;
CREATE SCHEMA tap;
CREATE TABLE tap.server (role text PRIMARY KEY, name text, conninfo text);
CREATE FUNCTION tap.ask(of_role text, query text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT string_agg(a.answer, ', ') FROM tap.server s,
		LATERAL dblink(s.conninfo, replace(query, ':middle', (
			SELECT quote_literal(m.name) FROM tap.server m WHERE m.role = 'middle'))) AS a (answer text)
		WHERE s.role = of_role);
EXCEPTION WHEN OTHERS THEN
	RETURN SQLERRM;
END
$$;
CREATE FUNCTION tap.eventually(of_role text, query text, wanted text, description text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	until timestamptz := clock_timestamp() + interval '30 seconds';
	got text;
BEGIN
	LOOP
		got := tap.ask(of_role, query);
		IF got = wanted OR clock_timestamp() > until THEN
			RETURN is(got, wanted, description);
		END IF;
		PERFORM pg_sleep(0.1);
	END LOOP;
END
$$;
SQL
$cluster->plain_standby('outside', $middle, "shared_preload_libraries = ''\ncluster_name = 'outside'");
my %role = (leader => $leader, middle => $middle, other => $other, outside => 'outside');
$cluster->sql($leader, "INSERT INTO tap.server VALUES ('$_', '$role{$_}', 'host=" . $cluster->dir . " port=" .
	$cluster->node($role{$_})->{port} . " dbname=postgres options=-cpg_haops.unused_index_after=0')")
	for sort keys %role;
# From here on: a database that is seen without the extension is not looked at again for a minute.
for my $name ($cluster->names)
{
	$cluster->sql($name, 'ALTER SYSTEM SET pg_haops.monitor = on');
	$cluster->sql($name, 'SELECT pg_reload_conf()');
}

for my $file (sort glob "$FindBin::Bin/../tap/*.sql")
{
	my ($name) = $file =~ m{([^/]+)\.sql$};
	my ($status, $out, $err) = $cluster->run('psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-h', $cluster->dir,
		'-p', $cluster->node($leader)->{port}, '-d', 'postgres', '-f', $file);
	my $parser = TAP::Parser->new({ tap => $out });

	while (my $result = $parser->next)
	{
		if ($result->is_test) { ok($result->is_ok, "$name: " . $result->description =~ s/^- //r) }
		elsif ($result->is_comment) { diag($result->comment) }
	}
	is($status, 0, "$name: runs to its end") or diag($err);
	ok(!$parser->has_problems, "$name: keeps its plan") or diag($parser->parse_errors);
}
done_testing();
