# The program from create to leave: a cluster is made, looked at, handed over, paused, and taken apart again, with
# nothing but its own commands. S11 (planned hand-over), S46 (a copy keeps nothing of the copied member's identity).
use strict;
use warnings;
use Test::More;
use JSON::PP ();
use HaOps;

my $cluster = HaOps->new(nodes => 2, witnesses => 1);
my $dir = $cluster->dir;

sub pg_haops { return $cluster->run('pg_haops', @_) }

sub status_of
{
	my ($status, $out) = pg_haops('status', '--json', '--data', $cluster->data($_[0]));
	return JSON::PP::decode_json($out);
}

sub members { return { map { $_->{name} => $_ } @{ $_[0]{members} } } }

# A leader, and everybody where he should be.
sub all_well { return pg_haops('status', '--wait', 60, '--data', $cluster->data('n1')) }

# ---- What there is ----

my ($status, $out, $err) = all_well();
is($status, 0, 'status: all is well') or diag "$out$err";
like($out, qr/n1 leads, lease \d+ ms; asynchronous/, 'status: names the leader and the mode');
like($out, qr/^ready: .* to n2$/m, 'status: who would take over');

my $view = status_of('n2');
is($view->{role}, 'follower', 'status --json: what the asked member is');
is($view->{leader}, 'n1', 'status --json: who leads');
ok($view->{well} && $view->{ready}, 'status --json: all is well');
my $members = members($view);
is(join(',', sort keys %$members), 'n1,n2,w1', 'status --json: all members');
is($members->{w1}{kind}, 'witness', 'status --json: the witness is one');
is($members->{n2}{timeline}, $members->{n1}{timeline}, 'status --json: the standby is on the timeline of the leader');

my $key = $cluster->key;
($status, $out) = pg_haops('status', '--through', '127.0.0.1:' . $cluster->node('n2')->{peer}, '--key', $key);
is($status, 0, 'status --through: asks by address and key');
($status, $out) = pg_haops('status', '--data', $cluster->data('w1'));
is($status, 0, 'status --data: works on a witness');
($status, $out) = pg_haops('status', '--events', '--data', $cluster->data('n1'));
like($out, qr/member-added\s+member "n2" was added/, 'status --events: what happened');

# ---- What create and join have made ----

is((stat $cluster->data($_) . '/pg_haops/pgsql_tmp')[2] & 0777, 0700, "$_: its state directory is its own")
  for qw(n1 n2);
is((stat $cluster->data('n2') . "/pg_haops/pgsql_tmp/$_")[2] & 0777, 0600, "n2: $_ is its own")
  for qw(key passfile state);
is($cluster->sql('n2', 'SHOW cluster_name'), 'story', 'join: the name of the cluster came with the copy');
is($cluster->sql('n2', 'SHOW port'), $cluster->node('n2')->{port}, 'join: the port did not');
is($cluster->sql('n1', "SELECT rolsuper::text || rolreplication FROM pg_roles WHERE rolname = 'haops_replicator'"),
	'falsetrue', 'create: the role may replicate and is no superuser');
is($cluster->sql('n1', 'SELECT count(*) FROM pg_hba_file_rules WHERE error IS NOT NULL'), '0',
	'create: pg_hba is whole');

# ---- doctor ----

($status, $out) = pg_haops('doctor', '--data', $cluster->data('n2'));
is($status, 0, 'doctor: nothing stands against a failover') or diag $out;
unlike($out, qr/^BAD/m, 'doctor: nothing is bad');
like($out, qr/all that answer reach each other, both ways/, 'doctor: reach');
($status, $out) = pg_haops('doctor', '--json', '--data', $cluster->data('n1'));
ok(eval { @{ JSON::PP::decode_json($out)->{findings} } > 8 }, 'doctor --json: findings');

# ---- switchover, pause, resume ----

$cluster->sql('n1', 'CREATE TABLE t AS SELECT 1 AS i');
($status, $out, $err) = pg_haops('switchover', '--data', $cluster->data('n1'));
is($status, 0, 'switchover: done') or diag $err;
like($out, qr/^n2 leads now, in term \d+, after \d+ ms$/, 'switchover: says who and how fast');
$cluster->sql('n2', 'INSERT INTO t VALUES (2)');
($status, $out, $err) = pg_haops('switchover', '--data', $cluster->data('n1'), '--to', 'n2');
is($status, 1, 'switchover: to the leader');
like($err, qr/error: n2 leads already/, 'switchover: says so');
($status, $out, $err) = pg_haops('switchover', '--data', $cluster->data('n1'), '--to', 'n9');
like($err, qr/no member is called "n9"; there are n1, w1, n2|no member is called "n9"; there are n1, n2, w1/,
	'switchover: to nobody');
is((all_well())[0], 0, 'switchover: the old leader follows, by itself');
is($cluster->sql('n1', 'SELECT count(*) FROM t'), '2', 'switchover: with the same rows');
is($cluster->sql('n1', 'SELECT pg_is_in_recovery()'), 't', 'switchover: as a standby');

is((pg_haops('pause', '--data', $cluster->data('n1')))[0], 0, 'pause');
($status, $out) = pg_haops('status', '--data', $cluster->data('n1'));
is($status, 3, 'status: a pause is not well');
like($out, qr/automatic failover is PAUSED/, 'status: says so');
is((pg_haops('resume', '--data', $cluster->data('n1')))[0], 0, 'resume');
is((all_well())[0], 0, 'resume: all is well again');

# ---- A member that is away ----

$cluster->stop('n1');
$view = status_of('n1');
is($view->{role}, 'down', 'status --json: the asked member is down');
is($view->{told_by}, 'n2', 'status --json: another one tells');
$cluster->until_true(sub { !status_of('n1')->{ready} }, 'the next failure would not fail over');
($status, $out) = pg_haops('doctor', '--data', $cluster->data('n1'));
is($status, 3, 'doctor: a server that is down is bad');
like($out, qr/^BAD\s+the server of this member does not run\n\s+-> start it$/m, 'doctor: and what to do');

# ---- leave, and come back by --adopt ----

($status, $out, $err) = pg_haops('leave', '--data', $cluster->data('n2'));
is($status, 1, 'leave: the leader stays');
like($err, qr/n2 leads\n.*hint: hand over first/, 'leave: and is told what to do');
$cluster->start('n1');
is((all_well())[0], 0, 'n1 is back');
($status, $out, $err) = pg_haops('leave', '--data', $cluster->data('n1'));
is($status, 0, 'leave: done') or diag $err;
like($out, qr/^n1 is no member of the cluster any more$/m, 'leave: says so');
$cluster->until_true(sub { !members(status_of('n2'))->{n1} }, 'n1 is gone');
$cluster->stop('n1');
($status, $out, $err) = pg_haops('join', '--adopt', '--data', $cluster->data('n1'), '--name', 'n1', '--key', $key,
	'--through', '127.0.0.1:' . $cluster->node('n2')->{peer}, '--address', '127.0.0.1:' . $cluster->node('n1')->{port},
	'--peer', '127.0.0.1:' . $cluster->node('n1')->{peer});
is($status, 0, 'join --adopt: a stopped standby') or diag "$out$err";
$cluster->start('n1');
is((all_well())[0], 0, 'join --adopt: it follows and votes');
$cluster->sql('n2', 'INSERT INTO t VALUES (3)');
$cluster->until_true(sub { $cluster->sql('n1', 'SELECT count(*) FROM t') eq '3' }, 'n1 has the new row');

undef $cluster;
done_testing();
