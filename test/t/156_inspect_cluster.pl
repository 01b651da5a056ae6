# The inspection in a cluster: members, whether a failover is possible, lag, on the leader and on a standby.
use strict;
use warnings;
use HaOps;
use Test::More;

my $cluster = HaOps->new(nodes => 3);
my $leader = $cluster->leader;
my ($standby, $other) = $cluster->others($leader);

# What of the cluster is found, in a line.
sub found
{
	my ($node) = @_;
	return $cluster->sql($node, "SELECT string_agg(concat_ws(' ', \"check\", severity, object), ', '
			ORDER BY \"check\", object)
		FROM haops.inspect() WHERE \"check\" IN ('cluster_members', 'failover_readiness', 'fence', 'replication_lag')
			AND (severity <> 'not checked' OR finding NOT LIKE '%ask the primary')") // '';
}

$cluster->until_writable;
$cluster->sql($leader, 'CREATE EXTENSION IF NOT EXISTS pg_haops');
$cluster->until_true(sub { found($leader) eq '' && found($standby) eq '' }, 'nothing is found in a sound cluster');
pass('RT3 a sound cluster has no finding, on the leader and on a standby');

$cluster->kill_postmaster($other);
$cluster->until_true(sub { found($leader) =~ /cluster_members (?:warning|critical) member $other/ },
	'the leader finds the lost member');
$cluster->until_true(sub { found($standby) =~ /cluster_members (?:warning|critical) member $other/ },
	'so does the standby');
pass('a member that is lost is found on every node');
$cluster->until_true(sub { found($leader) =~ /replication_lag (?:warning|critical) standby $other/ },
	'and its replication');
pass('its replication, too');
like(found($leader), qr/failover_readiness critical cluster/,
	'two of three: no failover is possible any more');

$cluster->kill_postmaster($standby);
$cluster->until_true(sub { found($leader) =~ /fence critical this server/ }, 'the leader without a majority');
pass('the leader that lost its majority says that it refuses commits, and can be inspected');
is($cluster->sql($leader, 'SELECT count(*) FROM haops.inspect_summary'), '5', '... by the summary, too');

done_testing();
