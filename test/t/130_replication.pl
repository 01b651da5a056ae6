# The views of replication on plain servers: a primary n1, its standby n2, and n3 that streams from n2.
use strict;
use warnings;
use Test::More;
use HaOps;

my $servers = HaOps->plain(
	initdb => ['--wal-segsize=1'],
	options => "shared_preload_libraries = 'pg_haops'\nwal_level = logical\nmax_slot_wal_keep_size = 4MB\n"
	  . "min_wal_size = 2MB\nmax_wal_size = 1GB\nautovacuum = off\narchive_mode = on\n"
	  . "archive_command = 'test ! -e archive_fails'\n"
	  . "wal_receiver_status_interval = 1s\nwal_retrieve_retry_interval = 200ms\nmax_standby_streaming_delay = 0\n"
	  . "wal_keep_size = 0");
my $lag_of = 'SELECT state, lag_bytes, lag, upstream_lag_bytes FROM haops.replication_lag WHERE standby =';

sub ask { return $servers->sql(@_) }

# So much WAL, and a little more.
sub write_mb
{
	my ($mb) = @_;
	return ask('n1', "INSERT INTO filler SELECT repeat(md5(i::text), 30) FROM generate_series(1, 1000 * $mb) i");
}

# Asks until the answer is like that.
sub becomes
{
	my ($name, $query, $pattern, $what) = @_;
	my $answer;
	my $asked = sub { return ($answer = $servers->sql_or_error($name, $query) // '') =~ $pattern };

	eval { $servers->until_true($asked, $what, 20) };
	return like($answer, $pattern, $what);
}

ask('n1', 'CREATE EXTENSION pg_haops; CREATE TABLE filler (t text)');
ask('n1', 'CREATE TABLE rows AS SELECT generate_series(1, 100) i');
$servers->plain_standby('n2', 'n1', "cluster_name = 'n2'");
$servers->plain_standby('n3', 'n2', "cluster_name = 'n3'");

# ---- Idle ----

becomes('n1', "$lag_of 'n2'", qr/^streaming\|0\|00:00:00\|0$/, 'RP1 an idle primary: the standby lags by nothing');
becomes('n2', "$lag_of 'n2'", qr/^streaming\|\|\|0$/, 'RP1 on the standby: level with its source');
is(ask('n2', "SELECT note FROM haops.replication_lag WHERE this_server"),
	'the primary\'s position is not known here: measured against its source only',
	'RP7 whose lag to the primary is not known');

# ---- Conflicts ----

my $reader = $servers->session('n2');
$reader->do('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM rows');
ask('n1', 'DELETE FROM rows');
ask('n1', 'VACUUM rows');
$reader->error('SELECT count(*) FROM rows');
becomes('n2', "SELECT canceled > 0, by_snapshot > 0, note FROM haops.recovery_conflicts WHERE database = 'postgres'",
	qr/^t\|t\|hot_standby_feedback is off/, 'RP11 a conflict is counted on the standby');
is(ask('n1', "SELECT canceled, note ~ 'ask them' FROM haops.recovery_conflicts WHERE database = 'postgres'"), '|t',
	'RP11 and is not 0 on the primary');
$reader->close;

# ---- Paused ----

ask('n2', 'SELECT pg_wal_replay_pause()');
becomes('n2', 'SELECT pg_get_wal_replay_pause_state()', qr/^paused$/, 'replay is paused');
write_mb(1);
becomes('n2', "$lag_of 'n2'", qr/^paused\|\|\|[1-9]\d{5,}$/, 'RP6 paused is a state of its own');
becomes('n1', "SELECT lag_bytes > 1000000, lag > '1.5 s' AND lag < '60 s' FROM haops.replication_lag
	WHERE standby = 'n2'", qr/^t\|t$/, 'RP6 the primary counts its bytes and its time');
becomes('n2', "SELECT state, lag_bytes, upstream_lag_bytes, note FROM haops.replication_lag WHERE standby = 'n3'",
	qr/^streaming\|\|0\|the primary's position is not known/, 'RP7 a cascade behind a paused standby is not before it');
becomes('n3', "$lag_of 'n3'", qr/^streaming\|\|\|0$/, 'RP7 nor by its own word');
ask('n2', 'SELECT pg_wal_replay_resume()');
becomes('n1', "$lag_of 'n2'", qr/^streaming\|0\|00:00:00\|0$/, 'RP8 level again: 0');

# ---- A receiver that stands still ----

my $receiver = ask('n2', "SELECT pid FROM haops.replication_lag WHERE this_server");
kill 'STOP', $receiver;
write_mb(5);
becomes('n1', "SELECT lag_bytes > 5000000, flush_lag_bytes > 5000000, lag > '1 s' FROM haops.replication_lag
	WHERE standby = 'n2'", qr/^t\|t\|t$/, 'RP5 what was not sent counts');
kill 'CONT', $receiver;
becomes('n1', "$lag_of 'n2'", qr/^streaming\|0\|00:00:00\|0$/, 'RP5 it has caught up');

# ---- Names, and who is no standby ----

mkdir "$servers->{dir}/$_" for qw(wal1 wal2);
my @archivers = map { $servers->spawn($_, 'pg_receivewal', '-D', "$servers->{dir}/$_", '-h', $servers->{dir}, '-p',
		$servers->node('n1')->{port}, '-U', 'postgres', '--no-loop') } qw(wal1 wal2);
becomes('n1', "SELECT count(*), count(replay_lsn), min(note) FROM haops.replication_lag
	WHERE standby = 'pg_receivewal'", qr/^2\|0\|it receives WAL and replays none$/,
	'RP15 two of one name are two rows');
kill 'TERM', @archivers;
my $backup = $servers->spawn('backup', 'pg_basebackup', '-D', "$servers->{dir}/backup", '-h', $servers->{dir}, '-p',
	$servers->node('n1')->{port}, '-U', 'postgres', '-r', '32', '-c', 'fast');

becomes('n1', "SELECT count(*) FROM pg_stat_replication WHERE application_name = 'pg_basebackup'", qr/^2$/,
	'a backup is being taken, and its WAL streamed');
is(ask('n1', "SELECT count(*) FROM haops.replication_lag WHERE standby = 'pg_basebackup'"), 0, 'RP10 it is no standby');
kill 'TERM', $backup;

# ---- Cut off ----

$servers->stop('n2');
becomes('n1', "SELECT state, lag_bytes, lag, note FROM haops.replication_lag WHERE standby = 'n2'",
	qr/^no_receiver\|\|\|nobody is connected/, 'RP2 a standby that is gone: a state, no number');
becomes('n3', "SELECT state, lag_bytes, lag, upstream_lag_bytes, note FROM haops.replication_lag WHERE this_server",
	qr/^no_receiver\|\|\|\|the WAL receiver ended with: .*connect/, 'RP2 nor on the one that lost its source, and why');
write_mb(8);
is(ask('n1', "SELECT state, severity, safe_bytes < 0, time_to_loss FROM haops.replication_slots WHERE slot = 'n2'"),
	'losing|critical|t|00:00:00', 'RP9 below zero is critical');
becomes('n1', 'SELECT state, severity, ready_files FROM haops.wal_archiving', qr/^done\|ok\|0$/,
	'RP12 all is archived');
ask('n1', 'CHECKPOINT');
is(ask('n1', "SELECT state, severity, retained_bytes, note FROM haops.replication_slots WHERE slot = 'n2'"),
	ask('n1', 'SELECT current_setting(\'server_version_num\')::int >= 170000') eq 't'
	? 'lost|critical||invalidated: wal_removed; who used it must be made anew'
	: 'lost|critical||its WAL is removed; who used it must be made anew', 'RP3 a lost slot stays in sight');
is(ask('n1', "SELECT state, lag_bytes FROM haops.replication_lag WHERE slot = 'n2'"), 'wal_missing|',
	'RP3 and so does its standby');
$servers->start('n2');
becomes('n2', "SELECT state, note FROM haops.replication_lag WHERE this_server",
	qr/^wal_missing\|the WAL receiver ended with: .*(?:already been removed|can no longer access)/,
	'RP4 the standby knows that its WAL is gone');
becomes('n1', "SELECT DISTINCT state FROM haops.replication_lag WHERE 'n2' IN (slot, standby)", qr/^wal_missing$/,
	'RP4 and the primary does');

# ---- Without a source ----

ask('n3', "ALTER SYSTEM SET primary_conninfo = ''");
ask('n3', "ALTER SYSTEM SET restore_command = 'false'");
ask('n3', 'SELECT pg_reload_conf()');
becomes('n3', "SELECT state, lag_bytes FROM haops.replication_lag WHERE this_server", qr/^archive_only\|$/,
	'RP2 one that only reads the archive');

# ---- Another timeline: n3 becomes a primary of its own, n2 follows it, and is sent back to n1 ----

sub follow
{
	my ($name, $source) = @_;

	ask($name, "ALTER SYSTEM SET primary_conninfo = 'host=$servers->{dir} port=" . $servers->node($source)->{port}
	  . " user=postgres application_name=$name'");
	ask($name, "ALTER SYSTEM SET primary_slot_name = ''");
	return ask($name, 'SELECT pg_reload_conf()');
}

ask('n3', 'SELECT pg_promote()');
follow('n2', 'n3');
becomes('n2', 'SELECT state, timeline FROM haops.replication_lag WHERE this_server', qr/^streaming\|2$/,
	'RP16 the timeline of its WAL');
becomes('n3', "$lag_of 'n2'", qr/^streaming\|0\|00:00:00\|0$/, 'RP16 that of its primary');
follow('n2', 'n1');
becomes('n2', 'SELECT state, timeline, note FROM haops.replication_lag WHERE this_server',
	qr/^no_receiver\|2\|the WAL receiver ended with: .*timeline 1.* behind recovery timeline 2/,
	'RP16 a source of another timeline');

# ---- A logical slot ----

ask('n1', "SELECT pg_create_logical_replication_slot('decoder', 'pgoutput')");
ask('n1', 'INSERT INTO rows SELECT generate_series(1, 1000)') for 1 .. 3;
is(ask('n1', "SELECT kind, confirmed_lag_bytes > 10000, catalog_xmin_age > 2, xmin_age FROM haops.replication_slots
	WHERE slot = 'decoder'"), 'logical|t|t|', 'RP14 what a logical slot holds back');
becomes('n1', "SELECT time_to_loss > '1 s' AND time_to_loss < '1 day' FROM haops.replication_slots
	WHERE slot = 'decoder'", qr/^t$/, 'and until when at this rate');

# ---- The archive ----

open(my $fails, '>', $servers->data('n1') . '/archive_fails') or die $!;
close $fails;
write_mb(5);
my $archive = 'SELECT state, severity, ready_files > 3, oldest_ready_age IS NOT NULL, gap_files
	FROM haops.wal_archiving';

becomes('n1', $archive, qr/^failing\|critical\|t\|t\|0$/, 'RP12 the archive fails');
is(ask('n2', 'SELECT state, severity FROM haops.wal_archiving'), 'standby|ok', 'RP12 a standby archives nothing');
my $waiting = $servers->data('n1') . '/pg_wal/archive_status';
my @ready = sort glob "$waiting/*.ready";
is(ask('n1', 'SELECT ready_files, oldest_ready FROM haops.wal_archiving'),
	@ready . '|' . ($ready[0] =~ m{([^/]+)\.ready$})[0], 'RP12 how many wait, and the oldest');
unlink $servers->data('n1') . '/archive_fails';
rename $ready[-2], "$servers->{dir}/hidden";
ask('n1', 'SELECT pg_switch_wal()');
becomes('n1', 'SELECT state, severity, ready_files, oldest_ready_age, gap_files FROM haops.wal_archiving',
	qr/^gap\|critical\|0\|\|1$/, 'RP12 archived again, but for one that nobody will archive');
is(ask('n1', 'SELECT first_gap FROM haops.wal_archiving'), ($ready[-2] =~ m{([^/]+)\.ready$})[0], 'RP12 which');
rename "$servers->{dir}/hidden", $ready[-2];
ask('n1', 'INSERT INTO rows VALUES (1); SELECT pg_switch_wal()');
becomes('n1', 'SELECT state, severity, ready_files, oldest_ready_age, failures > 0 FROM haops.wal_archiving',
	qr/^done\|ok\|0\|\|t$/, 'RP12 all is archived: an idle primary does not alarm');

# ---- Without the library in shared_preload_libraries ----

open(my $conf, '>>', $servers->data('n1') . '/postgresql.conf') or die $!;
print $conf "shared_preload_libraries = ''\n";
close $conf;
$servers->stop('n1');
$servers->start('n1');
$servers->plain_standby('n4', 'n1', "shared_preload_libraries = ''");
becomes('n1', "$lag_of 'n4'", qr/^streaming\|0\|00:00:00\|0$/, 'RP8 level is 0 there too');
$receiver = ask('n4', "SELECT pid FROM haops.replication_lag WHERE this_server");
kill 'STOP', $receiver;
write_mb(1);
is(ask('n1', "SELECT lag_bytes > 1000000, lag, note FROM haops.replication_lag WHERE standby = 'n4'"),
	't||the time needs pg_haops in shared_preload_libraries', 'RP8 bytes are, the time is not known');
kill 'CONT', $receiver;

undef $servers;
done_testing();
