# R33, E7: WAL for members is given by the leader of the term that they have joined, to members alone; and nobody but
# the member itself, in its present life, counts as the holder of what it has flushed, whoever uses its slot.
use strict;
use warnings;
use Test::More;
use HaOps;

my $cluster = HaOps->new(
	nodes => 3, sync => 1,
	options => "pg_haops.promise = 1s\npg_haops.beat = 100ms\npg_haops.fence_wait = 200ms\nwal_sender_timeout = 0");
my $leader = $cluster->until_writable;
my ($one, $other) = grep { $_ ne $leader } $cluster->names;

# Asks the node as the members' role for what only a walsender knows. Returns the answer or the error.
sub knock
{
	my ($name, $options, $replication) = @_;
	my $passfile = $cluster->data($name) . '/pg_haops/pgsql_tmp/passfile';
	my $conninfo = sprintf("host=127.0.0.1 port=%d user=haops_replicator dbname=postgres replication=%s%s%s",
		$cluster->node($name)->{port}, $replication // 'true', " passfile='$passfile'",
		$options ne '' ? " options='-c pg_haops.receiver=$options'" : '');
	my ($status, $out, $err) = $cluster->run('psql', '-XAtq', '-d', $conninfo, '-c',
		($replication // '') eq 'false' ? 'SELECT 1' : 'IDENTIFY_SYSTEM');

	return $status == 0 ? $out : $err;
}

sub receiver_of
{
	my ($name) = @_;
	my ($told) = $cluster->sql($name, 'SHOW primary_conninfo') =~ /pg_haops\.receiver=(\d+\/[0-9a-f]{32})/;

	return $told // '';
}

sub process
{
	my ($name, $title) = @_;
	my $postmaster = $cluster->postmaster($name);
	my ($pid) = map { /(\d+)/ } grep { /$title/ } `ps -o pid=,args= --ppid $postmaster`;

	return $pid // 0;
}

$cluster->until_streaming($_, $leader) for $one, $other;
$cluster->sql($leader, 'CREATE EXTENSION pg_haops');
$cluster->sql($leader, 'CREATE TABLE t (i int)');

# ---- Who is let in ----

my $term = $cluster->sql($leader, 'SELECT term FROM haops.fence');
my $life = receiver_of($one);
my ($incarnation) = $life =~ /\/(.*)/;
is($life, "$term/$incarnation", 'R33: a standby says which term it has joined');
like(knock($leader, ''), qr/this connection does not say which one it is/, 'R33: a stranger is refused');
like(knock($leader, $_), qr/does not say which one it is/, "R33: \"$_\" is refused")
  for "$term", "$term/", "$term/12", "$term/${incarnation}0", "-1/$incarnation", "99999999999999999999999/$incarnation";
like(knock($leader, ($term + 1) . "/$incarnation"),
	qr/the member has joined term @{[$term + 1]}, this server leads in term $term/, 'R33: another term is refused');
like(knock($leader, '0/' . $incarnation), qr/the member has joined term 0/, 'R33: an older term is refused');
like(knock($leader, "$term/" . 'f' x 32), qr/this is no member of the cluster/, 'R4: another life is refused');
like(knock($one, $life), qr/this server does not lead the cluster/, 'R33: a standby gives no WAL');
is(knock($leader, '', 'false'), "1\n", 'questions by SQL are answered: pg_rewind');
like(knock($leader, $life), qr/^\d+\|/, 'R33: the member itself is let in');
$cluster->until_streaming($one, $leader);
my $unknown = $cluster->sql_or_error($leader, "SHOW pg_haops.receiver");
is($unknown, '', 'a session that brought nothing along has nothing');

# ---- Who counts ----

# The one gets no WAL, and its slot is free; the other one gets it, and says nothing.
my @frozen = (process($one, 'startup'), process($other, 'walreceiver'));
kill 'STOP', @frozen;
kill 'TERM', process($one, 'walreceiver');
my $slot = "pg_haops_$one";
$cluster->until_true(
	sub { $cluster->sql($leader, "SELECT active FROM pg_replication_slots WHERE slot_name = '$slot'") eq 'f' },
	'the slot is free');
my ($in, $out, $err) = ('', '', '');
my $client = IPC::Run::start(['psql', '-XAt', '-h', $cluster->dir, '-p', $cluster->node($leader)->{port},
		'-d', 'postgres', '-c', 'INSERT INTO t VALUES (1)'], '<', \$in, '>', \$out, '2>', \$err);
$cluster->until_true(
	sub { $cluster->sql($leader, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'") },
	'a commit waits');
my $dir = $cluster->dir . '/stolen';
mkdir $dir;
for my $try (1 .. 3)
{
	my ($status, undef, $why) = $cluster->run('pg_receivewal', '--no-loop', '--synchronous', '-S', $slot, '-D', $dir,
		'-d', 'host=' . $cluster->dir . ' port=' . $cluster->node($leader)->{port} . " application_name=$one");

	like($why, qr/terminating connection due to administrator command/, "R33: a stranger on a member's slot is ended");
}
$client->pump_nb;
ok(scalar(glob "$dir/*"), 'it had got WAL, and said so');
is($out, '', "E7, R31: what it has flushed counts for nothing");
kill 'CONT', @frozen;
$client->finish;
is($out, "INSERT 0 1\n", 'the members have it: acknowledged');
$cluster->until_streaming($one, $leader);

# ---- A member that was taken out, and one that has its name ----

$cluster->run_ok('pg_haops', 'leave', '--data', $cluster->data($one));
$cluster->until_true(sub { knock($leader, $life) =~ /this is no member of the cluster/ }, 'it is refused');
pass('R33: who was taken out is refused');

undef $cluster;
done_testing();
