# A primary that wrote what nobody else has comes back by itself: it is rewound in place, with its identity kept (S46)
# and the diverged WAL aside (S47). A rewind that is cut off is taken up again (S43). One that is impossible ends in
# "needs a clone" without harm (S44), and the clone by hand brings it back.
use strict;
use warnings;
use Test::More;
use HaOps;

my $cluster = HaOps->new(nodes => 3);
my $dir = $cluster->dir;
my ($bin) = grep { -x "$_/pg_rewind" } split(/:/, $ENV{PATH});
my $round = 0;

sub pg_haops { return $cluster->run('pg_haops', @_) }
sub state_file { my ($name, $file) = @_; return $cluster->data($name) . "/pg_haops/pgsql_tmp/$file" }
sub others { my ($name) = @_; return grep { $_ ne $name } $cluster->names }
sub all_well { return (pg_haops('status', '--wait', 90, '--data', $cluster->data('n1')))[0] == 0 }

sub slurp
{
	my ($path) = @_;
	open(my $in, '<', $path) or return '';
	local $/;
	return scalar <$in>;
}

sub append
{
	my ($path, $text) = @_;
	open(my $out, '>>', $path) or die "$path: $!";
	print $out $text;
	close $out;
	return;
}

# The leader writes rows that no standby gets, and is killed. Returns the old leader and the new one.
sub diverge
{
	my $old = $cluster->leader;
	my @senders = split ' ', $cluster->sql($old, "SELECT string_agg(pid::text, ' ') FROM pg_stat_replication");

	$round++;
	kill 'STOP', @senders;
	$cluster->sql($old, "CREATE TABLE lost_$round AS SELECT generate_series(1, 20000) AS i");
	$cluster->sql($old, "UPDATE kept SET i = -i");
	$cluster->sql($old, 'SELECT pg_switch_wal()');
	$cluster->sql($old, "INSERT INTO kept SELECT generate_series(1000001, 1001000)");
	kill 'KILL', $cluster->postmaster($old), @senders;
	$cluster->until_true(sub { !$cluster->postmaster($old) }, "$old is gone");
	my $new = $cluster->until_writable(30, others($old));
	$cluster->sql($new, "CREATE TABLE new_$round AS SELECT generate_series(1, 20000) AS i");
	$cluster->sql($new, 'INSERT INTO kept VALUES (0)');
	return ($old, $new);
}

# All have the same rows, and none of those that were lost.
sub check_rows
{
	my ($what) = @_;
	my $query = "SELECT count(*) || '/' || sum(i) || '/' || (SELECT count(*) FROM new_$round) || '/'"
	  . " || (SELECT count(*) FROM pg_class WHERE relname LIKE 'lost%') FROM kept";
	my $wanted = '' . (10000 + $round) . "/50005000/20000/0";

	$cluster->until_true(sub { ($cluster->sql_or_error($_, $query) // '') eq $wanted }, "$what: $_ has the rows")
	  for $cluster->names;
	return pass("$what: everybody has what was kept, nobody what was lost");
}

# Once, instead of pg_rewind: cut off early, with or without the program; at its end; or impossible from the start.
# Its dry run: hangs, or finds nothing to do.
sub break_pg_rewind
{
	my ($how) = @_;

	rename "$bin/pg_rewind", "$bin/pg_rewind.kept" or die $!;
	open(my $fake, '>', "$bin/pg_rewind") or die $!;
	print $fake <<"END";
#!/bin/bash
real=\${0%/*}/pg_rewind.kept
case "\$*" in
	*--dry-run*)
		if [ $how = nothing ]; then
			echo 'pg_rewind: servers diverged at WAL location 0/3018048 on timeline 1'
			echo 'pg_rewind: no rewind required'
			exit 0
		elif [ $how = hangs ] && [ ! -e $dir/broken ]; then
			touch $dir/broken
			exec tail -f /dev/null
		fi
		[ $how = impossible ] || exec "\$real" "\$@"
		echo 'pg_rewind: error: could not find previous WAL record at 0/2000060'
		exit 1 ;;
esac
[ -e $dir/broken ] && exec "\$real" "\$@"
touch $dir/broken
if [ $how = late ]; then
	"\$real" "\$@"
else
	"\$real" "\$@" &
	read -t 0.05 <> <(:)
	kill -KILL \$!
fi
[ $how = fails ] || kill -KILL \$PPID
exit 1
END
	close $fake;
	chmod 0755, "$bin/pg_rewind";
	unlink "$dir/broken";
	return;
}

sub mend_pg_rewind
{
	rename "$bin/pg_rewind.kept", "$bin/pg_rewind" if -e "$bin/pg_rewind.kept";
	return;
}

END { mend_pg_rewind() }

sub until_logged
{
	my ($name, $pattern) = @_;
	return $cluster->until_true(sub { slurp("$dir/$name.log") =~ $pattern }, "$name logs $pattern");
}

$cluster->sql('n1', 'CREATE TABLE kept AS SELECT generate_series(1, 10000) AS i');
ok(all_well(), 'three nodes');

# ---- S46, S47: rewound in place, as itself ----

my ($old, $new) = diverge();
append($cluster->data($old) . '/postgresql.conf', "# of $old\n");
append($cluster->data($old) . '/server.key', "of $old\n");
append($cluster->data($new) . '/server.key', "of $new\n");
append($cluster->data($new) . '/only_theirs', "of $new\n");
my $key = slurp(state_file($old, 'key'));
my $hba = slurp($cluster->data($old) . '/pg_hba.conf');
$cluster->start($old);
$cluster->until_streaming($old, $new);
ok(all_well(), 'S46: the diverged primary is back by itself');
check_rows('S46');
like(slurp($cluster->data($old) . '/postgresql.conf'), qr/^# of $old$/m, 'S46: with its own configuration');
is(slurp($cluster->data($old) . '/pg_hba.conf'), $hba, 'S46: its own pg_hba');
is(slurp($cluster->data($old) . '/server.key'), "of $old\n", 'S46: its own certificates');
is(slurp(state_file($old, 'key')), $key, 'S46: its own state');
ok(!-e $cluster->data($old) . '/only_theirs', 'S46: and nothing of the other one');
is($cluster->sql($old, 'SHOW port'), $cluster->node($old)->{port}, 'S46: on its own port');
like(slurp("$dir/$old.log"), qr/WAL from \S+ to \S+ on timeline \d+ was discarded, with 3 commits; it is kept in lost/,
	'S47: says what was lost');
$cluster->until_true(
	sub {
		(pg_haops('status', '--events', '--data', $cluster->data($new)))[1] =~ /$old .*was discarded, with 3 commits/;
	}, 'the event is told on another node');
pass('S47: as an event, on all nodes');
my @kept = glob state_file($old, 'lost/*/0*');
ok(scalar(grep { /\/[0-9A-F]{24}$/ } @kept) >= 2, 'S47: and keeps it') or diag "@kept";
ok(!-e state_file($old, 'rewinding') && !-e state_file($old, 'work'), 'nothing is left of the rewind');

# ---- S43: cut off, and taken up again ----

for my $how ('fails', 'early', 'late')
{
	($old, $new) = diverge();
	break_pg_rewind($how);
	$cluster->begin_start($old);
	if ($how eq 'fails')
	{
		until_logged($old, qr/pg_rewind against \S+ ended with exit code 1/);
	}
	else
	{
		$cluster->until_true(sub { -e "$dir/broken" && !$cluster->postmaster($old) }, 'the program was killed');
		ok(-e state_file($old, 'rewinding'), "S43 $how: the marker is left");
		$cluster->begin_start($old);
	}
	$cluster->until_streaming($old, $new);
	mend_pg_rewind();
	ok(all_well(), "S43 $how: the rewind was taken up again");
	check_rows("S43 $how");
	ok(!-e state_file($old, 'rewinding'), "S43 $how: the marker is gone");
}

# ---- S43: cut off, and the leader has changed: nobody can go on from there ----

($old, $new) = diverge();
break_pg_rewind('early');
$cluster->begin_start($old);
$cluster->until_true(sub { -e "$dir/broken" && !$cluster->postmaster($old) }, 'the program was killed');
mend_pg_rewind();
my ($third) = grep { $_ ne $new } others($old);
$cluster->until_true(sub { (pg_haops('switchover', '--to', $third, '--data', $cluster->data($new)))[0] == 0 },
	"$third takes over");
$cluster->begin_start($old);
until_logged($old, qr/this member needs a clone: a rewind was cut off/);
$cluster->until_true(sub { !$cluster->postmaster($old) }, 'it does not start');
my ($status, $out, $err) = pg_haops('rejoin', '--data', $cluster->data($old));
is($status, 1, 'S43 new leader: by hand it is the same');
like($err, qr/needs a clone.*\n.*hint: .*rejoin --clone/, 'S43 new leader: what to do');
($status, $out, $err) = pg_haops('rejoin', '--clone', '--data', $cluster->data($old));
is($status, 0, 'S43 new leader: cloned by hand') or diag $err;
$cluster->start($old);
ok(all_well(), 'S43 new leader: it is back');
check_rows('S43 new leader');

# ---- S44: impossible from the start ----

($old, $new) = diverge();
break_pg_rewind('impossible');
$cluster->start($old);
until_logged($old, qr/this member needs a clone: pg_rewind against/);
ok(-e state_file($old, 'needs_clone'), 'S44: it says so in a file');
ok(!-e state_file($old, 'rewinding'), 'S44: nothing was begun');
$cluster->until_true(sub { defined $cluster->sql_or_error($old, 'SELECT 1') }, "$old serves");
is($cluster->sql($old, 'SELECT pg_is_in_recovery()'), 't', 'S44: it runs as a standby');
is($cluster->sql_or_error($old, 'INSERT INTO kept VALUES (1)'), undef, 'S44: that takes no writes');
my $starts = () = slurp("$dir/$old.log") =~ /starting PostgreSQL/g;
$cluster->until_true(sub { (pg_haops('status', '--data', $cluster->data($old)))[0] == 3 }, 'status tells');
($status, $out) = pg_haops('doctor', '--data', $cluster->data($old));
like($out, qr/^BAD\s+this member needs a clone: .*\n\s+-> stop the server and run pg_haops rejoin --clone/m,
	'S44: doctor says what to do');
# Longer than the silence after a start, in which nothing is asked for anyway.
my $silence = time + 8;
$cluster->until_true(sub { time > $silence }, 'time passes');
is(scalar(() = slurp("$dir/$old.log") =~ /starting PostgreSQL/g), $starts, 'S44: it does not restart again and again');
mend_pg_rewind();
$cluster->stop($old);
($status, $out, $err) = pg_haops('rejoin', '--clone', '--data', $cluster->data($old));
is($status, 0, 'S44: cloned by hand') or diag $err;
ok(!-e state_file($old, 'needs_clone'), 'S44: the file is gone');
$cluster->start($old);
ok(all_well(), 'S44: it is back');
check_rows('S44');

# ---- E9: pg_rewind finds nothing to do, and the chains know better ----

($old, $new) = diverge();
break_pg_rewind('nothing');
$cluster->start($old);
until_logged($old, qr/this member needs a clone: pg_rewind finds nothing to rewind/);
ok(-e state_file($old, 'needs_clone') && !-e state_file($old, 'rewinding'), 'E9: it needs a clone');
$cluster->until_true(sub { defined $cluster->sql_or_error($old, 'SELECT 1') }, "E9: $old serves");
mend_pg_rewind();
$cluster->stop($old);
($status, $out, $err) = pg_haops('rejoin', '--clone', '--data', $cluster->data($old));
is($status, 0, 'E9: cloned by hand') or diag $err;
$cluster->start($old);
ok(all_well(), 'E9: it is back');
check_rows('E9');

# ---- E9b: killed before the first checkpoint of its timeline ended, and stopped as a standby since ----

$new = $cluster->leader;
($old) = others($new);
$cluster->sql($new, 'UPDATE kept SET i = i');	# for a checkpoint that takes its time
my $end = $cluster->sql($new, 'SELECT pg_current_wal_lsn()');
$cluster->until_true(sub { $cluster->sql($old, "SELECT pg_last_wal_replay_lsn() >= '$end'") eq 't' }, "$old has it");
$cluster->stop($old);
$cluster->spawn($old, 'postgres', '-D', $cluster->data($old), '-c', 'shared_preload_libraries=',
	'-c', 'primary_conninfo=');
$cluster->until_true(sub { defined $cluster->sql_or_error($old, 'SELECT 1') }, "$old runs without the library");
$cluster->sql($old, 'SELECT pg_promote()');
$cluster->sql($old, 'INSERT INTO kept VALUES (1)');
$cluster->kill_postmaster($old);
my ($tli, $end_tli) =
  ($cluster->run('pg_controldata', $cluster->data($old)))[1] =~
  /^Latest checkpoint's TimeLineID: +(\d+)\n.*^Min recovery ending loc's timeline: +(\d+)$/ms;
cmp_ok($end_tli, '>', $tli, 'E9b: its timeline has no checkpoint');
$cluster->start($old);
$cluster->until_streaming($old, $new);
like(slurp("$dir/$old.log"), qr/no checkpoint was completed on timeline $end_tli: crash recovery/, 'E9b: it is seen');
ok(all_well(), 'E9b: it is back by itself');
check_rows('E9b');

# ---- The source hangs and loses its term before anything was touched: decided anew, by the new leader's chain ----

($old, $new) = diverge();
break_pg_rewind('hangs');
$cluster->begin_start($old);
$cluster->until_true(sub { -e "$dir/broken" }, 'pg_rewind hangs');
($third) = grep { $_ ne $new } others($old);
$cluster->until_true(sub { (pg_haops('switchover', '--to', $third, '--data', $cluster->data($new)))[0] == 0 },
	"$third takes over");
until_logged($old, qr/$new does not lead in term \d+ any more/);
until_logged($old, qr/$third leads in term \d+ now, and it was decided for another one: to be rewound/);
$cluster->until_streaming($old, $third);
mend_pg_rewind();
ok(all_well(), 'new leader before the rewind: rewound to that one');
check_rows('new leader before the rewind');

undef $cluster;
done_testing();
