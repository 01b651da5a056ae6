#
# The story behind test/soak/valgrind, which sets its environment up: three nodes under valgrind; the primary's
# postmaster is killed; another node takes over, the old one comes back as a standby; all stop. Then the reports are
# read: valgrind.pl DIR-OF-REPORTS.
#
use strict;
use warnings;
use HaOps;

my ($folder) = @ARGV;
my $options = <<'END';
pg_haops.promise = 20s
pg_haops.beat = 2s
wal_receiver_status_interval = 1s
wal_sender_timeout = 120s
wal_receiver_timeout = 120s
authentication_timeout = 120s
shared_buffers = 16MB
autovacuum = off
log_min_messages = debug3
END

my $begin = time;

sub say_now
{
	printf "%4d s  %s\n", time - $begin, join(' ', @_);
	return;
}

sub fail_over
{
	my $cluster = HaOps->new(nodes => 3, options => $options);
	my $first = $cluster->until_writable;

	say_now("three nodes, $first leads");
	$cluster->sql($first, 'CREATE EXTENSION pg_haops');
	$cluster->sql($first, 'CREATE TABLE t (i int)');
	$cluster->sql($first, "INSERT INTO t VALUES ($_)") for 1 .. 3;
	$cluster->sql($first, 'BEGIN; INSERT INTO t VALUES (4); PREPARE TRANSACTION \'p\'');
	$cluster->sql($first, 'COMMIT PREPARED \'p\'');
	$cluster->kill_postmaster($first);
	my $next = $cluster->until_writable(undef, grep { $_ ne $first } $cluster->names);
	say_now("$first was killed, $next leads");
	$cluster->sql($next, 'INSERT INTO t VALUES (5)');
	$cluster->start($first);
	$cluster->until_streaming($first, $next);
	$cluster->until_true(sub { ($cluster->sql_or_error($first, 'SELECT count(*) FROM t') // '') eq '5' },
		"$first has all rows");
	$cluster->sql($_, 'SELECT * FROM haops.cluster') for $cluster->names;
	say_now("$first is a standby of $next");
	for my $name ($cluster->names)
	{
		$cluster->stop($name);
		$cluster->until_true(sub { !$cluster->postmaster($name) }, "$name is gone");
	}
	say_now('all have stopped');
	return worker_pids($cluster->dir);
}

# Every process says goodbye in the log at its end, with its kind: {pid => kind} of our workers.
sub worker_pids
{
	my ($dir) = @_;
	my %kind;

	for my $log (glob "$dir/*.log")
	{
		open(my $in, '<', $log) or die "$log: $!\n";
		while (<$in>)
		{
			$kind{$1} = $2 if /\[(\d+)\] pg_haops (ha|keeper|sender) DEBUG:\s+proc_exit\(/;
		}
	}
	return %kind;
}

# One line for each error with a frame of ours: its kind, and the functions from the innermost.
sub our_errors
{
	my ($text) = @_;
	my @ours;
	my $others = 0;

	while ($text =~ m{<error>(.*?)</error>}sg)
	{
		my $error = $1;
		my ($kind) = $error =~ m{<kind>(\w+)</kind>};
		my ($what) = $error =~ m{<(?:text|what)>([^<]*)<};

		$what =~ s/ in loss record.*//;
		if ($error !~ m{<obj>[^<]*/pg_haops(?:\.so)?</obj>})
		{
			$others++;
			next;
		}
		my @frames;
		while ($error =~ m{<frame>(.*?)</frame>|<auxwhat>(.*?)</auxwhat>}sg)
		{
			my ($frame, $aux) = ($1, $2);
			push(@frames, "[$aux]"), next if defined $aux;
			my ($function) = $frame =~ m{<fn>(.*?)</fn>};
			my ($file) = $frame =~ m{<file>(.*?)</file>};
			my ($line) = $frame =~ m{<line>(.*?)</line>};
			push @frames, ($function // '?') . (defined $file ? "($file:$line)" : '');
		}
		push @ours, "$kind $what: @frames";
	}
	return (\@ours, $others);
}

my %worker = fail_over();
my (%checked, %seen);
my ($reports, $whole, $others) = (0, 0, 0);

for my $path (glob "$folder/*.xml")
{
	open(my $in, '<', $path) or die "$path: $!\n";
	my $text = do { local $/; <$in> };
	my ($pid) = $text =~ m{<pid>(\d+)</pid>};
	my ($ours, $count) = our_errors($text);

	$reports++;
	$others += $count;
	$seen{$_}++ for @$ours;
	next unless $text =~ m{</valgrindoutput>};
	$whole++;
	$checked{ $worker{$pid} }++ if defined $pid && exists $worker{$pid};
}

print "$_" . ($seen{$_} > 1 ? " ($seen{$_} times)" : '') . "\n" for sort keys %seen;
printf "valgrind: %d processes, %d of them to their leak check (ha %d, keeper %d, sender %d); "
  . "errors: %d of ours, %d of PostgreSQL's own; %d s\n", $reports, $whole,
  (map { $checked{$_} // 0 } qw(ha keeper sender)), scalar(keys %seen), $others, time - $begin;
for my $kind (qw(ha keeper sender))
{
	next if ($checked{$kind} // 0) >= 3;
	print "too few workers \"$kind\" came to their leak check\n";
	$seen{$kind} = 1;
}
exit(%seen ? 1 : 0);
