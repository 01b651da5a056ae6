#
# The second half of test/soak/elections, which sets its environment up: elections.pl SWITCHOVERS.
#
# Three nodes and a witness. The leadership goes to and fro between n1 and n2; their workers are new after each
# demotion, because the server starts over. n3's ha worker, keeper and sender and the witness live through all of it.
# After each tenth switchover, when all has settled: their private memory (Private_Clean and Private_Dirty of
# smaps_rollup: pages that no other process maps) and their open descriptors.
#
# Allowed, between the tenth switchover and any later one, are 128 kB: a page of the postmaster's or of shared memory
# becomes private when it is touched, or when the last other process that mapped it ends, and the heap keeps what it
# needed at its fullest; 64 kB come and go. What is lost with each message of a few a second is more within the two
# minutes that 40 switchovers take. And one descriptor for each other member, for a connection that is just being made
# anew.
#
use strict;
use warnings;
use HaOps;

use constant EVERY => 10;
use constant ALLOWED_KB => 128;
use constant ALLOWED_DESCRIPTORS => 3;

my ($wanted) = @ARGV;
my $begin = time;
my $cluster = HaOps->new(nodes => 3, witnesses => 1);
my $grew = 0;
my (%pid, %first);

sub find_workers
{
	my $postmaster = $cluster->postmaster('n3');

	for (`ps -o pid=,args= --ppid $postmaster`)
	{
		$pid{"n3 $2"} = $1 if /^\s*(\d+) .*pg_haops (ha|keeper|sender)\b/;
	}
	$pid{witness} = $cluster->{witnesses}{w1}{pid};
	die "not all workers were found: @{[sort keys %pid]}\n" if keys %pid != 4;
	return;
}

# Private memory in kB and the number of open descriptors; dies when the process is gone.
sub look_at
{
	my ($name) = @_;
	my $kb = 0;

	open(my $in, '<', "/proc/$pid{$name}/smaps_rollup") or die "$name: $!\n";
	while (<$in>)
	{
		$kb += $1 if /^Private_(?:Clean|Dirty):\s+(\d+) kB/;
	}
	my @descriptors = glob "/proc/$pid{$name}/fd/*";
	return ($kb, scalar @descriptors);
}

sub sample
{
	my ($number) = @_;
	my @texts;

	for my $name (sort keys %pid)
	{
		my ($kb, $descriptors) = look_at($name);

		$first{$name} //= [ $kb, $descriptors ];
		$grew = 1 if $kb > $first{$name}[0] + ALLOWED_KB;
		$grew = 1 if $descriptors > $first{$name}[1] + ALLOWED_DESCRIPTORS;
		push @texts, "$name $kb kB, $descriptors descriptors";
	}
	printf "switchovers: %4d, %4d s: %s\n", $number, time - $begin, join('; ', @texts);
	return;
}

# One after which the old leader streams from the new one.
sub switch_over
{
	my ($from, $to) = @_;

	$cluster->until_true(
		sub { ($cluster->run('pg_haops', 'switchover', '--to', $to, '--data', $cluster->data($from)))[0] == 0 },
		"$from hands over to $to");
	$cluster->until_writable(undef, $to);
	$cluster->until_true(
		sub {
			$cluster->start($from) unless $cluster->postmaster($from);
			($cluster->sql_or_error($to, 'SELECT count(*) FROM pg_stat_replication WHERE state = \'streaming\'')
				  // 0) eq 2;
		}, "all stream from $to");
	return;
}

$| = 1;
find_workers();
sample(0);
%first = ();				# the first elections still fill their buffers
for my $number (1 .. $wanted)
{
	my @pair = $number % 2 ? qw(n1 n2) : qw(n2 n1);

	switch_over(@pair);
	sample($number) if $number % EVERY == 0;
}
print "switchovers: $wanted, " . ($grew ? 'memory or descriptors grew' : 'no growth') . "\n";
undef $cluster;
exit $grew;
