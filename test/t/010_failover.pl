# S1, S11, S5: three nodes; the primary's postmaster is killed, stopped, frozen. Each time another node takes writes,
# nothing that was acknowledged by the synchronous rule is asked for here (asynchronous mode), and the old primary
# comes back as a standby by itself.
use strict;
use warnings;
use Test::More;
use Time::HiRes 'time';
use HaOps;

my $cluster = HaOps->new(nodes => 3);
my $first = $cluster->until_writable;
my ($began, $next);

$cluster->sql($first, 'CREATE TABLE t (i int)');
$cluster->sql($first, 'INSERT INTO t VALUES (1)');
$cluster->until_true(sub { ($cluster->sql_or_error($_, 'SELECT i FROM t') // '') eq '1' }, "$_ has the row")
  for $cluster->names;

# S1
$began = time;
$cluster->kill_postmaster($first);
$next = $cluster->until_writable(10, grep { $_ ne $first } $cluster->names);
note sprintf('S1: writable again after %.3f s', time - $began);
isnt($next, $first, 'S1: after a kill of the postmaster another node takes writes');
$cluster->sql($next, 'INSERT INTO t VALUES (2)');
$cluster->start($first);
$cluster->until_streaming($first, $next);
is($cluster->sql($first, 'SELECT pg_is_in_recovery()'), 't', 'S1: the old primary is back as a standby');
$cluster->until_true(sub { $cluster->sql($first, 'SELECT count(*) FROM t') eq '2' }, 'it has the new row');

# S11
$first = $next;
$began = time;
$cluster->stop($first);
$next = $cluster->until_writable(10, grep { $_ ne $first } $cluster->names);
note sprintf('S11: writable again after %.3f s', time - $began);
isnt($next, $first, 'S11: after a clean stop another node takes writes');
$cluster->start($first);
$cluster->until_streaming($first, $next);
pass('S11: the stopped node is back as a standby');

# S5
$first = $next;
$cluster->freeze($first);
$next = $cluster->until_writable(10, grep { $_ ne $first } $cluster->names);
isnt($next, $first, 'S5: after a freeze another node takes writes');
$cluster->thaw($first);
is($cluster->sql_or_error($first, 'INSERT INTO t VALUES (666)'), undef, 'S5: the thawed primary acknowledges nothing');
$cluster->until_streaming($first, $next);
is($cluster->sql($first, 'SELECT count(*) FROM t WHERE i = 666'), '0', 'S5: and is a standby by itself');

is($cluster->sql($next, 'SELECT count(*) FROM t'), '2', 'every acknowledged row is there');

undef $cluster;
done_testing();
