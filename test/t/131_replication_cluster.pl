# haops.replication_lag in a cluster of three, with a cascade: a standby "outside" that is no member and streams from a
# member that is a standby itself. Everything is measured against the leader, wherever one asks.
use strict;
use warnings;
use Test::More;
use HaOps;

my $cluster = HaOps->new(nodes => 3, options => "pg_haops.promise = 1s\npg_haops.beat = 100ms\nwal_sender_timeout = 0\n"
	  . "wal_receiver_status_interval = 1s\nautovacuum = off\nmax_slot_wal_keep_size = 16MB\nwal_keep_size = 0");
my $leader = $cluster->until_writable;
my ($middle, $other) = grep { $_ ne $leader } $cluster->names;
my $level = qr/^streaming\|0\|00:00:00\|0$/;

sub ask { return $cluster->sql(@_) }

# The row of a standby, as a node tells it.
sub row_of
{
	my ($standby, $columns) = @_;
	$columns //= 'state, lag_bytes, lag, flush_lag_bytes';
	return "SELECT $columns FROM haops.replication_lag WHERE standby = '$standby'";
}

sub becomes
{
	my ($name, $query, $pattern, $what) = @_;
	my $answer;
	my $asked = sub { return ($answer = $cluster->sql_or_error($name, $query) // '') =~ $pattern };

	eval { $cluster->until_true($asked, $what, 20) };
	return like($answer, $pattern, "$what, on $name");
}

sub write_mb
{
	my ($mb) = @_;
	return ask($leader, "INSERT INTO filler SELECT repeat(md5(i::text), 30) FROM generate_series(1, 1000 * $mb) i");
}

$cluster->until_streaming($_, $leader) for $middle, $other;
ask($leader, 'CREATE EXTENSION pg_haops');
ask($leader, 'CREATE TABLE filler (t text)');
$cluster->plain_standby('outside', $middle, "shared_preload_libraries = ''\ncluster_name = 'outside'");

# ---- Idle ----

becomes($leader, row_of($_), $level, "RP1 idle: $_ lags by nothing") for $middle, $other;
becomes($_, row_of($_), $level, 'RP1 idle: nor by its own word') for $middle, $other;
becomes($middle, row_of('outside'), $level, 'RP7 nor does the cascade, against the leader');
is(ask($leader, 'SELECT count(*), count(*) FILTER (WHERE this_server) FROM haops.replication_lag'), '2|0',
	'a row for each other member on the leader');
is(ask($middle, "SELECT string_agg(standby || ':' || this_server || ':' || upstream, ',' ORDER BY standby)
	FROM haops.replication_lag"), "$middle:true:$leader,outside:false:$middle", 'itself and the cascade on a standby');
is(ask('outside', row_of('outside', 'state, lag_bytes, lag, upstream_lag_bytes, note')),
	'streaming|||0|the primary\'s position is not known here: measured against its source only',
	'RP7 the cascade itself can\'t know, and says so');

# ---- A paused one in the middle ----

ask($middle, 'SELECT pg_wal_replay_pause()');
becomes($middle, 'SELECT pg_get_wal_replay_pause_state()', qr/^paused$/, 'replay is paused');
my $before = ask($leader, 'SELECT clock_timestamp()');
write_mb(2);
becomes($_, row_of($middle, "state, lag_bytes > 2000000, lag > '1.5 s', flush_lag_bytes"), qr/^paused\|t\|t\|0$/,
	'RP6 paused is a state, and the truth is counted') for $leader, $middle;
for my $name ($leader, $middle)
{
	is(ask($name, "SELECT lag <= (clock_timestamp() - '$before') + '0.7 s' FROM haops.replication_lag
		WHERE standby = '$middle'"), 't', "RP6 not more than that, on $name");
}
becomes($middle, row_of('outside', 'state, lag_bytes, lag, upstream_lag_bytes'), $level,
	'RP7 the cascade is before its source, and lags by nothing');
ask($middle, 'SELECT pg_wal_replay_resume()');
becomes($leader, row_of($middle), $level, 'RP6 it goes on');

# ---- A receiver that stands still ----

my $receiver = ask($other, 'SELECT pid FROM haops.replication_lag WHERE this_server');
kill 'STOP', $receiver;
write_mb(5);
becomes($_, row_of($other, "lag_bytes > 5000000, flush_lag_bytes > 5000000, lag > '1 s'"), qr/^t\|t\|t$/,
	'RP5 what was never sent counts') for $leader, $other;
kill 'CONT', $receiver;
becomes($leader, row_of($other), $level, 'RP5 it has caught up');

# ---- The middle loses its source ----

my $conf = $cluster->data($middle) . '/postgresql.conf';
open(my $out, '>>', $conf) or die $!;
print $out "primary_conninfo = 'host=127.0.0.1 port=1 user=haops_replicator'\n";
close $out;
ask($middle, 'SELECT pg_reload_conf()');
becomes($middle, row_of($middle, 'state, note'), qr/^no_receiver\|the WAL receiver ended with: .*connect/,
	'RP2 cut off, and why');
write_mb(3);
becomes($_, row_of($middle, "state, lag_bytes > 3000000, lag > '1 s'"), qr/^no_receiver\|t\|t$/,
	'RP2 cut off: what the leader writes counts all the same') for $leader, $middle;
becomes($middle, row_of('outside', "state, lag_bytes > 3000000, lag > '1 s', upstream_lag_bytes"),
	qr/^(?:streaming|catchup)\|t\|t\|0$/, 'RP7 so it does for the cascade, which is level with its source');
open($out, '>>', $conf) or die $!;
print $out "include '", $cluster->state_file($middle, 'server.conf'), "'\n";
close $out;
ask($middle, 'SELECT pg_reload_conf()');
becomes($leader, row_of($middle), $level, 'it follows again');

# ---- Gone ----

$cluster->stop('outside');
$cluster->stop($other);
becomes($leader, row_of($other, 'state, lag_bytes, lag, note'), qr/^unknown\|\|\|it does not answer$/,
	'RP2 a member that is gone: no number');
$cluster->start($other);
becomes($leader, row_of($other), $level, 'it is back');

# ---- After a failover ----

my $timeline = ask($leader, "SELECT timeline FROM haops.cluster WHERE role = 'leader'");
$cluster->kill_postmaster($leader);
my $new = $cluster->until_writable(30, $middle, $other);
my ($left) = grep { $_ ne $new } $middle, $other;
ask($new, "INSERT INTO filler VALUES ('x')");
becomes($new, row_of($leader, 'state, lag_bytes, lag'), qr/^unknown\|\|$/, 'RP2 the dead leader is no 0');
$timeline++;
becomes($_, row_of($left, 'state, lag_bytes, lag, timeline, primary_timeline'),
	qr/^streaming\|0\|00:00:00\|$timeline\|$timeline$/, 'RP16 the other one has come over to its timeline')
  for $new, $left;

becomes($left, 'SELECT count(*) > 0 AND haops.wal_rate() >= 0, count(safe_bytes), count(time_to_loss)
	FROM haops.replication_slots', qr/^t\|0\|0$/, 'RP9 a standby says nothing of what its slots have left');

# ---- One whose WAL is gone ----

$cluster->start($leader);
becomes($new, row_of($leader), $level, 'RP16 the old leader is back and level');
$cluster->stop($left);
ask($new, "SELECT pg_logical_emit_message(true, 'x', 'y'); SELECT pg_switch_wal()") for 1 .. 4;
ask($new, 'CHECKPOINT');
$cluster->start($left);
becomes($_, row_of($left, 'state, lag_bytes > 16000000'), qr/^wal_missing\|t$/,
	'RP4 the WAL that it needs is gone, and both know') for $new, $left;
like(ask($left, row_of($left, 'note')), qr/the WAL receiver ended with: .*removed/, 'RP4 in the words of its source');
$cluster->stop($left);
$left = $leader;

# ---- Without a majority nobody knows who leads ----

$cluster->freeze($new);
becomes($left, row_of($left, 'lag_bytes, lag, note'), qr/^\|\|.*the leader has not been heard lately/,
	'RP2 a standby whose leader is silent');
$cluster->thaw($new);
$cluster->stop($left);
becomes($new, "SELECT open FROM haops.fence", qr/^f$/, 'it is fenced');
is(ask($new, row_of($left, 'lag_bytes, lag, primary_lsn')), '||', 'RP2 a fenced leader measures nothing');

undef $cluster;
done_testing();
