# R39: without the lease nothing leaves for where it can't be taken back from: no WAL into the archive, no decoded
# changes to a subscriber. The ha worker of the primary is frozen, so that only clocks tell.
use strict;
use warnings;
use Test::More;
use File::Temp;
use HaOps;

my $archive = File::Temp::tempdir('haops_archive_XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $cluster = HaOps->new(
	nodes => 3,
	options => "pg_haops.promise = 1s\npg_haops.beat = 100ms\nwal_level = logical\narchive_mode = on\n"
	  . "archive_library = 'pg_haops'\npg_haops.archive_command = 'cp %p $archive/%f'");

# Ends the present WAL file and names it. What it writes is no transaction, so no commit is asked for.
sub switch_wal
{
	my ($node) = @_;
	my $name = $cluster->sql($node, 'SELECT pg_walfile_name(pg_current_wal_lsn())');

	$cluster->sql_or_error($node, 'CREATE TABLE nobody_has_it ()');	# refused or not, it leaves WAL
	$cluster->sql($node, 'SELECT pg_switch_wal()');
	return $name;
}

sub follow_changes
{
	my ($node) = @_;
	return $cluster->spawn('consumer', 'pg_recvlogical', '-h', $cluster->dir, '-p', $cluster->node($node)->{port},
		'-d', 'postgres', '-S', 'changes', '--start', '--no-loop', '-f', $cluster->dir . '/changes');
}

sub doctor
{
	my ($node) = @_;
	return ($cluster->run('pg_haops', 'doctor', '--data', $cluster->data($node)))[1];
}

my $old = $cluster->until_writable;
$cluster->until_streaming($_, $old) for $cluster->others($old);
$cluster->sql($old, 'CREATE TABLE t (i int)');
$cluster->sql($old, "SELECT pg_create_logical_replication_slot('changes', 'test_decoding')");

# ---- With the lease ----

my $first = switch_wal($old);
$cluster->until_true(sub { -s "$archive/$first" }, "$first is archived");
pass('R39: the leader archives');
$cluster->sql($old, 'DROP TABLE IF EXISTS nobody_has_it');
my $consumer = follow_changes($old);
my $active = "SELECT active FROM pg_replication_slots WHERE slot_name = 'changes'";
$cluster->until_true(sub { $cluster->sql($old, $active) eq 't' }, 'the changes are followed');
pass('R39: and decodes');

# ---- Without it ----

my $worker = $cluster->ha_worker($old);
kill 'STOP', $worker;
my $new = $cluster->until_writable(30, $cluster->others($old));
$cluster->until_true(sub { !$cluster->lives($consumer) }, 'the consumer is sent away');
pass('R39: a primary without the lease decodes no more');
$cluster->until_logged($old, qr/decodes the slot "changes" without a lease and is ended/);
$consumer = follow_changes($old);
$cluster->until_true(sub { !$cluster->lives($consumer) }, 'it is sent away again');
$cluster->until_logged('consumer', qr/does not hold the lease of the leader: it decodes no WAL/);
pass('R39: nor for whoever comes anew');

my $second = switch_wal($old);
$cluster->until_logged($old, qr/archiving waits: this server does not hold the lease/);
ok(!-e "$archive/$second", 'R39: nor does it archive');
is($cluster->sql($old, 'SELECT failed_count FROM pg_stat_archiver'), 0, 'R39: which is no failure');
my $third = switch_wal($new);
$cluster->until_true(sub { -s "$archive/$third" }, "$third is archived");
ok(scalar(glob("$archive/*.history")), 'R39: the new leader archives its WAL and how its timeline began');
ok(!-e "$archive/$second", 'R39: and the old one still does not');

# ---- Back ----

kill 'CONT', $worker;
$cluster->until_streaming($old, $new);
is($cluster->sql($old, 'SELECT pg_is_in_recovery()'), 't', 'the old one is a standby');
ok(!-e "$archive/$second", 'R39: what it had written alone never came into the archive');


# ---- Not asked ----

my $sentence = qr/^warning\s+WAL is archived without a look at the lease\n\s+-> set archive_library = 'pg_haops'/m;
unlike(doctor($old), $sentence, 'R39: doctor is content');
open(my $conf, '>>', $cluster->data($old) . '/postgresql.conf') or die $!;
print $conf "archive_library = ''\narchive_command = 'true'\n";
close $conf;
like(doctor($old), $sentence, 'R39: and warns when archiving asks nobody');

undef $cluster;
done_testing();
