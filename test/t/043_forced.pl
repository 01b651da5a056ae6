# S21, R42: two of three are gone. The survivor is not promoted by itself and takes no writes; an operator can force
# it, with the loss in view and the cluster's name typed. What comes back afterwards is rewound, follows and votes.
use strict;
use warnings;
use Test::More;
use HaOps;

my $cluster = HaOps->new(nodes => 3);
my $survivor = 'n3';
my @force = ('pg_haops', 'failover', '--force', '--data', $cluster->data($survivor));

sub run { return $cluster->run(@_) }

sub role_of { return ($cluster->status($_[0]) // {})->{role} // '' }

$cluster->sql('n1', 'CREATE TABLE t AS SELECT 1 AS i');
$cluster->until_true(sub { ($cluster->sql_or_error($survivor, 'SELECT i FROM t') // '') eq '1' },
	'the row is everywhere');
my ($status, $out, $err) = run(@force, '--yes-i-accept-loss', 'story');
is($status, 1, 'with a leader nothing can be forced');
like($err, qr/error: n1 leads: there is nothing to be forced\n.*hint: pg_haops switchover/, 'and it is said why');

# A longer promise than the survivor's own settings say, without a moment in which commits are refused.
$cluster->sql('n1', 'CREATE EXTENSION pg_haops');
$cluster->sql('n1', "ALTER SYSTEM SET pg_haops.promise = '12s'");
$cluster->sql('n1', 'SELECT pg_reload_conf()');
$cluster->until_true(sub { $cluster->status('n1')->{lease_ms} > 3000 }, 'the longer promise is given');
$cluster->pass_time(1);
is($cluster->sql('n1', "SELECT count(*) FROM haops.events WHERE kind LIKE '%fence'"), '0',
	'a longer promise is no event');

# The leader writes what nobody gets, and dies with another one.
my @senders = split ' ', $cluster->sql('n1', "SELECT string_agg(pid::text, ' ') FROM pg_stat_replication");
kill 'STOP', @senders;
$cluster->sql('n1', 'INSERT INTO t VALUES (2)');
kill 'KILL', $cluster->postmaster('n2');
kill 'KILL', $cluster->postmaster('n1'), @senders;
$cluster->until_true(sub { !$cluster->postmaster('n1') && !$cluster->postmaster('n2') }, 'two are gone');

# A member that was just started is bound by the longest promise that it ever gave.
$cluster->stop($survivor);
$cluster->start($survivor);
($status, $out, $err) = run(@force, '--yes-i-accept-loss', 'story');
is($status, 1, 'R42: not while it is bound by a promise');
like($err, qr/error: the member refuses: it has promised a leader to wait, or was started a moment ago\n/, 'R42: why');
like($err, qr/hint: wait for one promise \((?:[1-9]|1[0-2]) s\) and ask again\n/, 'R42: and what to do');

# Longer than any promise and any candidacy.
my $end = time + 12;
$cluster->until_true(sub { time > $end }, 'time passes');
isnt(role_of($survivor), 'leader', 'S21: the survivor does not lead by itself');
is($cluster->sql($survivor, 'SELECT pg_is_in_recovery()'), 't', 'S21: it is a standby');
is($cluster->sql($survivor, 'SELECT count(*) FROM t'), '1', 'S21: that can be read');
is($cluster->sql_or_error($survivor, 'INSERT INTO t VALUES (3)'), undef, 'S21: and takes no writes');
($status, $out) = run('pg_haops', 'status', '--data', $cluster->data($survivor));
is($status, 3, 'S21: status says that this is not well');
like($out, qr/NO LEADER takes writes/, 'S21: and what it is');

($status, $out, $err) = run(@force, '--yes-i-accept-loss', 'another');
is($status, 1, 'R42: the wrong name');
like($err, qr/that is not the name of this cluster: nothing was changed/, 'R42: and it is said');
like($out, qr/This member, n3, holds WAL up to \S+ of term \d+\.\n/, 'R42: what it holds');
like($out,
	qr/^  n1 .*\n  n2 .*\nReplication was asynchronous: what this one has not received may have been acknowledged/m,
	'R42: what may be lost');
($status, $out, $err) = run(@force);
is($status, 1, 'R42: nobody to be asked');
like($err, qr/hint: give --yes-i-accept-loss with the cluster's name/, 'R42: what to do');
isnt(role_of($survivor), 'leader', 'R42: nothing has changed');

($status, $out, $err) = run(@force, '--yes-i-accept-loss', 'story');
is($status, 0, 'R42: forced') or diag "$out$err" . $cluster->logs;
like($out, qr/^n3 leads, in term \d+$/m, 'R42: it leads');
is($cluster->until_writable(10, $survivor), $survivor, 'R42: and takes writes');
$cluster->sql($survivor, 'INSERT INTO t VALUES (4)');
($status, $out) = run('pg_haops', 'status', '--events', '--data', $cluster->data($survivor));
like($out, qr/^  \S+\s+n3 .*forced\s+an operator forced this member into the lead without a majority/m,
	'R42: it is recorded');

$cluster->start($_) for 'n1', 'n2';
($status, $out) = run('pg_haops', 'status', '--wait', 90, '--data', $cluster->data($survivor));
is($status, 0, 'R42: the others are back, follow and vote') or diag $out . $cluster->logs;
for my $name ('n1', 'n2')
{
	$cluster->until_true(sub { ($cluster->sql_or_error($name, 'SELECT sum(i) FROM t') // '') eq '5' },
		"$name has the rows of the survivor, and not the lost one");
}
pass('R42: all have the rows of the survivor, and not the lost one');

undef $cluster;
done_testing();
