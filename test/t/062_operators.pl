# S53, S55, S56: two nodes and a witness. Hand-overs with a transaction that does not end, a second operator, a
# target that does not get the WAL or dies: each has one outcome, soon, and a client is told the truth.
use strict;
use warnings;
use Test::More;
use HaOps;

my $cluster = HaOps->new(nodes => 2, witnesses => 1,
	options => "pg_haops.promise = 2s\npg_haops.beat = 100ms\npg_haops.fence_wait = 3s");

sub switchover
{
	my ($from, $to) = @_;
	my $job = { out => '', err => '' };

	$job->{run} = IPC::Run::start([ 'pg_haops', 'switchover', '--to', $to, '--data', $cluster->data($from) ],
		'<', '/dev/null', '>', \$job->{out}, '2>', \$job->{err});
	return $job;
}

# The exit code of a command that has ended.
sub code { my ($job) = @_; return $job->{run}->full_result(0) >> 8 }

sub role_of { return ($cluster->status($_[0]) // {})->{role} // '' }
sub term { return $cluster->status($_[0])->{term} }

# The target gets no more WAL, and there is some that it does not have.
sub hold_back
{
	my ($from) = @_;
	my $sender = $cluster->sql($from, 'SELECT pid FROM pg_stat_replication');

	kill 'STOP', $sender;
	$cluster->sql($from, 'INSERT INTO t SELECT 0 FROM generate_series(1, 1000)');
	return $sender;
}

# Begins a hand-over, and waits until it is under way.
sub hand_over
{
	my ($from, $to) = @_;
	my $offset = length $cluster->log_of($from);
	my $job = switchover($from, $to);

	$cluster->until_logged($from, qr/the leadership is being handed over to/, $offset);
	return $job;
}

my $leader = $cluster->until_writable;
my ($target) = $cluster->others($leader);
$cluster->sql($leader, 'CREATE EXTENSION pg_haops');
$cluster->sql($leader, 'CREATE TABLE t (i int)');
$cluster->until_streaming($target, $leader);

# ---- S56, S53: the target gets no WAL. Meanwhile there is no second hand-over; the first is taken back ----
{
	my $term = term($leader);
	my $postmaster = $cluster->postmaster($leader);
	my $sender = hold_back($leader);
	my $job = hand_over($leader, $target);
	my $client = $cluster->client($leader, 'INSERT INTO t VALUES (1) RETURNING i');
	$job->{run}->finish;
	is(code($job), 1, 'S53: a target that does not get the WAL: no hand-over');
	like($job->{err}, qr/error: $leader goes on leading: nobody took over in time\n/, 'S53: the operator is told');
	$client->{run}->finish;
	is($client->{out}, "1\n", 'S53: a commit that waited meanwhile is acknowledged');
	is(role_of($leader) . ' ' . term($leader), "leader $term", 'S53: the same leader in the same term');
	is($cluster->postmaster($leader), $postmaster, 'S53: without a restart');

	# A second one while the first is under way, which is a second at most: the second operator may come too late.
	my $second;
	$cluster->until_true(
		sub {
			$job = hand_over($leader, $target);
			my $answer = $cluster->sql_or_error($leader, 'SELECT haops.switchover()');
			$job->{run}->finish;
			return !defined $answer;
		}, 'a second operator came in time');
	like($cluster->{error}, qr/^ERROR:  the cluster refused: another change, or a hand-over, is under way$/m,
		'S56: a second operator is refused, and told');
	like($cluster->{error}, qr/^HINT:  Ask again when it is over/m, 'S56: and what to do');
	$cluster->until_true(
		sub {
			$job = hand_over($leader, $target);
			$second = switchover($leader, $target);
			$_->{run}->finish for $job, $second;
			return $second->{err} =~ /under way/;
		}, 'a second operator came in time with the program');
	is(code($second), 1, 'S56: the program refuses, too');
	like($second->{err}, qr/error: a hand-over from $leader to $target is under way\n/, 'S56: and says why');
	like($second->{err}, qr/hint: pg_haops status [^\n]+ ask again/, 'S56: and what to do');
	is(role_of($leader) . ' ' . term($leader), "leader $term", 'S56: and has changed nothing');
	kill 'CONT', $sender;
}

# ---- S55: the target dies in the middle ----
{
	my $term = term($leader);
	my $sender = hold_back($leader);
	my $job = hand_over($leader, $target);

	$cluster->kill_postmaster($target);
	kill 'CONT', $sender;
	$job->{run}->finish;
	is(code($job), 1, 'S55: the target dies: no hand-over');
	is($cluster->until_writable(20, $leader), $leader, 'S55: the old leader goes on');
	is(term($leader), $term, 'S55: in the same term');
	is($cluster->sql($leader, "SELECT string_agg(kind, ' ') FROM (SELECT kind FROM haops.events"
			  . " WHERE kind LIKE 'hand-over%' LIMIT 2) AS e"), 'hand-over-aborted hand-over',
		'S55: one outcome is recorded');
	$cluster->start($target);
	$cluster->until_streaming($target, $leader);
}

# ---- S53: a transaction that does not end ----
{
	my $idle = $cluster->client($leader, 'BEGIN; INSERT INTO t VALUES (666); SELECT pg_sleep(600); COMMIT');

	$cluster->until_true(
		sub { $cluster->sql($leader, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") eq '1' },
		'a transaction is open');
	my $job = switchover($leader, $target);
	$job->{run}->finish;
	is(code($job), 0, 'S53: a transaction that does not end does not hold up a hand-over') or diag $job->{err};
	is($cluster->until_writable(20, $target), $target, 'S53: the target leads');
	$idle->{run}->finish;
	like($idle->{err}, qr/terminating connection|closed the connection/, 'S53: its client is disconnected');
	$cluster->until_streaming($leader, $target);
	is($cluster->sql($leader, 'SELECT count(*) FROM t WHERE i = 666'), '0', 'S53: and nothing of it is there');
	($leader, $target) = ($target, $leader);
}

# ---- S56: two operators at once, each from another node ----
{
	my $from = length $cluster->log_of($leader);
	my @jobs = map { switchover($_, $target) } $leader, $target;

	$_->{run}->finish for @jobs;
	is($cluster->until_writable(20), $target, 'S56: two at once: the member that both wanted leads');
	ok(scalar(grep { code($_) == 0 } @jobs), 'S56: one of them is told so');
	is(scalar(grep { $_->{out} !~ /^$target leads now/ && $_->{err} !~ /: error: [^\n]+\n/ } @jobs), 0,
		'S56: the other one too, or why not') or diag map { "$_->{out} $_->{err}" } @jobs;
	is(scalar(() = substr($cluster->log_of($leader), $from) =~ /the leadership is being handed over to/g), 1,
		'S56: there was one hand-over');
}

undef $cluster;
done_testing();
