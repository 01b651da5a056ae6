#
# The measurement behind bench/catalog, which sets its environment up; see there.
#
use strict;
use warnings;
use FindBin;
use Getopt::Long;
use HaOps;
use JSON::PP;
use Time::HiRes ();

use constant { BATCH => 500, BUILDERS => 2 };

my %option = (tables => 100_000, 'indexes-each' => 3, rounds => 3, limit => 300, only => '');
GetOptions(\%option, 'tables=i', 'indexes-each=i', 'rounds=i', 'limit=i', 'only=s', 'json') or exit 2;
die "usage: see bench/catalog\n" if @ARGV || grep { !/^[1-9]\d*$/ } @option{qw(tables indexes-each rounds limit)};
$HaOps::DEADLINE = $option{limit} + 60;
$| = 1;

my $server = HaOps->plain(options => <<'CONF');
shared_preload_libraries = 'pg_haops'
pg_haops.monitor = off
autovacuum = off
fsync = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
max_wal_size = 8GB
checkpoint_timeout = 1h
max_locks_per_transaction = 256
CONF

sub say_error { print STDERR @_, "\n"; return }

#
# The catalog
#

# Tables in batches of one transaction each, each with a primary key and further indexes. One in twenty has an index
# that a longer one makes redundant, one in ten a foreign key, half of these without an index that serves it.
sub build
{
	my $more = $option{'indexes-each'} - 1;
	my @sessions = map { $server->session('n1') } 1 .. BUILDERS;
	my $began = Time::HiRes::time();

	# A parent of many takes ever longer to get one more: these share some.
	$server->sql('n1', "CREATE EXTENSION pg_haops; DO \$\$ BEGIN FOR i IN 0 .. $option{tables} / 1000 LOOP
		EXECUTE format('CREATE TABLE parent_%s (id int PRIMARY KEY); INSERT INTO parent_%s
			SELECT generate_series(0, 4)', i, i); END LOOP; END \$\$");
	for (my $first = 1; $first <= $option{tables}; $first += BATCH)
	{
		my $session = $sessions[ int($first / BATCH) % BUILDERS ];
		my $last = $first + BATCH - 1 < $option{tables} ? $first + BATCH - 1 : $option{tables};

		$session->finish if $session->{mark};
		$session->begin(<<"SQL");
DO \$\$
BEGIN
	FOR i IN $first .. $last LOOP
		EXECUTE format('CREATE TABLE t%s (id bigint PRIMARY KEY, a integer, b integer, c text)', i);
		FOR k IN 1 .. $more LOOP
			EXECUTE format('CREATE INDEX ON t%s (%s)', i, CASE WHEN k = 2 AND i % 20 = 0 THEN 'a'
				ELSE (ARRAY['a, b', 'b, c', 'c, a', 'b, a', 'c, b', 'a, c', 'id, a', 'id, b',
					'id, c'])[1 + (k - 1) % 9] END);
		END LOOP;
		IF i % 10 = 0 THEN
			EXECUTE format('ALTER TABLE t%s ADD FOREIGN KEY (%s) REFERENCES parent_%s', i,
				CASE i % 20 WHEN 0 THEN 'b' ELSE 'a' END, i / 1000);
		END IF;
		EXECUTE format('INSERT INTO t%s SELECT g, g %% 3, g %% 5, md5(g::text) FROM generate_series(1, 20) AS g', i);
	END LOOP;
END
\$\$
SQL
		say_error(sprintf('%d tables, %.0f s', $last, Time::HiRes::time() - $began)) if $last % 10_000 == 0;
	}
	$_->{mark} && $_->finish for @sessions;
	$_->close for @sessions;
	$server->run_ok('vacuumdb', '-h', $server->dir, '-p', $server->node('n1')->{port}, '-Z', '-q', '-j', 2, 'postgres');
	$server->sql('n1', 'VACUUM pg_class, pg_attribute, pg_index, pg_statistic, pg_constraint, pg_depend, pg_type');
	$server->sql('n1', 'CHECKPOINT');
	say_error(sprintf('built and analyzed, %.0f s', Time::HiRes::time() - $began));
	return;
}

#
# The questions
#

sub query_of
{
	my ($name) = @_;
	open(my $file, '<', "$FindBin::Bin/queries/$name.sql") or die "catalog: $name: $!\n";
	local $/ = undef;
	return <$file> =~ s/;\s*\z//r;
}

# Milliseconds, bytes of the session afterwards, and rows; undef when it took too long.
sub ask
{
	my ($query) = @_;
	my $session = $server->session('n1');
	my $limit_ms = $option{limit} * 1000;

	$session->do("SET statement_timeout = $limit_ms");
	$session->do('SELECT 1 FROM pg_class LIMIT 1');
	# By the server's clock, from the statement's arrival on: a session is only looked at every now and then.
	$session->begin("SELECT count(q) || ' ' || extract(epoch FROM clock_timestamp() - statement_timestamp()) * 1000
		FROM ($query OFFSET 0) AS q");
	my ($rows, $took_ms) = split ' ', $session->answer;
	if ($session->{error} ne '')
	{
		say_error($session->{error}) unless $session->{error} =~ /statement timeout/;
		$session->close;
		return;
	}
	my $bytes = $session->do('SELECT sum(total_bytes) FROM pg_backend_memory_contexts');
	$session->close;
	return [ $took_ms, $bytes, $rows ];
}

sub median
{
	my @sorted = sort { $a <=> $b } @_;
	return $sorted[ $#sorted / 2 ];
}

# The system calls that give the sizes of all files of the database, and nothing else: milliseconds.
sub sizes_floor
{
	my $folder = $server->sql('n1', "SELECT current_setting('data_directory') || '/base/' || oid FROM pg_database
		WHERE datname = current_database()");
	my $began = Time::HiRes::time();

	die "catalog: $ENV{STATS} failed\n" if system($ENV{STATS}, $folder) != 0;
	my $took_ms = (Time::HiRes::time() - $began) * 1000;
	say_error(sprintf('sizes of all files and nothing else: %.0f ms', $took_ms));
	return $took_ms;
}

# The first is ours; the others are published.
my %source = (
	redundant_indexes => [qw(redundant_ours redundant_wiki redundant_pgx redundant_pgx_fuzzy redundant_pg_utils
		  redundant_index_health redundant_index_health_prefixes redundant_pghero redundant_postgres_dba)],
	table_stats => [qw(tables_ours tables_exporter)],
	bloat => [qw(bloat_ours bloat_ioguix)],
	foreign_keys => [qw(foreign_keys_ours foreign_keys_by_arrays)],
	unused_indexes => [qw(unused_ours unused_by_counters)],
);
# What is asked in the same turns, to be seen beside them.
my %beside = (redundant_indexes => [qw(redundant_by_key_text redundant_by_self_join redundant_floor)]);

# Each in its turn, round by round; what took too long once is not asked again.
sub ask_in_turns
{
	my (@names) = @_;
	my (%taken, %figure);

	for my $round (1 .. $option{rounds})
	{
		for my $name (@names)
		{
			next if exists $taken{$name} && !defined $taken{$name};
			my $one = $name eq 'floor' ? [ sizes_floor(), 0, 0 ] : ask(query_of($name));
			if (!defined $one) { $taken{$name} = undef; next }
			push @{ $taken{$name} }, $one;
			say_error(sprintf('%s, round %d: %.0f ms, %.1f MB, %d rows', $name, $round, $one->[0], $one->[1] / 1e6,
				$one->[2]));
		}
	}
	for my $name (@names)
	{
		$figure{$name} = { ms => undef, limit_s => $option{limit} };
		next unless defined $taken{$name};
		my ($ms, $bytes, $rows) = map { my $i = $_; median(map { $_->[$i] } @{ $taken{$name} }) } 0 .. 2;
		$figure{$name} = { ms => sprintf('%.0f', $ms) + 0, memory_bytes => $bytes + 0, rows => $rows + 0 };
	}
	return %figure;
}

# How many times as fast as the fastest of the others.
sub ratio
{
	my ($figure, $ours, @others) = @_;
	my ($best) = sort { $a <=> $b } map { $figure->{$_}{ms} } @others;

	return defined $best && $figure->{$ours}{ms} ? (sprintf('%.1f', $best / $figure->{$ours}{ms}) + 0) : ();
}

build();
$server->sql('n1', 'SELECT haops.index_usage_take()');
my %figure;
for my $question (sort keys %source)
{
	next if $option{only} ne '' && ",$option{only}," !~ /,$question,/;
	my ($ours, @theirs) = @{ $source{$question} };
	my %asked = ask_in_turns($ours, @theirs, @{ $beside{$question} || [] }, $question eq 'table_stats' ? 'floor' : ());
	my @known = grep { defined $asked{$_}{ms} } @theirs;

	$figure{floor_ms} = delete($asked{floor})->{ms} if $asked{floor};
	%figure = (%figure, %asked);
	($figure{"${question}_times"}) = ratio(\%asked, $ours, @known);
	# What finds nothing is soon done.
	($figure{"${question}_found_times"}) = ratio(\%asked, $ours, grep { $asked{$_}{rows} > 0 } @known);
}
# Every view once, for its time alone.
my %view;
for my $name ($option{only} eq '' ? split(/\n/, $server->sql('n1', "SELECT viewname FROM pg_views
	WHERE schemaname = 'haops' ORDER BY viewname")) : ())
{
	my $one = ask("SELECT * FROM haops.$name");
	$view{$name} = $one ? { ms => sprintf('%.1f', $one->[0]) + 0, memory_bytes => $one->[1] + 0 } : { ms => undef };
	say_error(sprintf('haops.%s: %.1f ms, %.1f MB', $name, $one->[0], $one->[1] / 1e6)) if $one;
}
my %summary = (views => \%view, tables => $option{tables}, indexes => $option{tables} * $option{'indexes-each'},
	rounds => $option{rounds}, %figure);
if ($option{json})
{
	print JSON::PP->new->canonical->encode(\%summary), "\n";
}
else
{
	for my $name (sort keys %figure)
	{
		my $one = $figure{$name};
		print !ref $one
		  ? sprintf("%-32s %8.1f%s\n", $name, $one, $name =~ /_times$/ ? ' times as fast as the fastest other' : '')
		  : defined $one->{ms}
		  ? sprintf("%-32s %8.0f ms %8.1f MB %8d rows\n", $name, $one->{ms}, $one->{memory_bytes} / 1e6, $one->{rows})
		  : sprintf("%-32s more than %d s\n", $name, $one->{limit_s});
	}
}
