# S61: hooks and alerts. Neither a hook that hangs nor a receiver that hangs holds up a failover or a stop; what is to
# be told arrives, signed, once, whatever the robot answered before; nothing secret stands in a log or a view.
use strict;
use warnings;
use Test::More;
use File::Temp ();
use HaOps;
use HaReceiver;
use Time::HiRes ();

my $secret = 'a-secret-of-the-story';
my $token = 'token-of-the-story';
my $dir = File::Temp::tempdir('haops_hooks_XXXXXX', TMPDIR => 1, CLEANUP => 1);

sub write_file
{
	my ($name, $text, $mode) = @_;

	open(my $file, '>', "$dir/$name") or die "$name: $!";
	print $file $text;
	close $file;
	chmod $mode // 0600, "$dir/$name";
	return "$dir/$name";
}

sub read_file
{
	my ($path) = @_;

	open(my $file, '<', $path) or return '';
	local $/;
	return <$file> // '';
}

# ---- The receiver, and a hook ----

my $receiver = HaReceiver->new(secret_feishu => $secret, keyword => 'pg_haops', token => $token);
mkdir "$dir/channels";
write_file('channels/ops.conf', "type = feishu\nurl = " . $receiver->url('feishu', $token) . "\nsecret = $secret\n"
	. "keyword = pg_haops\nlocal = on\n");

# Writes down what it was told; hangs, deaf to SIGTERM, while the file "hang" names the event.
my $hook = write_file('hook', <<"SH", 0755);
#!/bin/sh
echo "\$HAOPS_EVENT \$HAOPS_MEMBER \$HAOPS_LEADER \$HAOPS_CLUSTER \$# \$1 \\
\${PGDATA-no} \${HAOPS_PGDATA##*/}" >> $dir/told
if [ "\$HAOPS_EVENT" = "`printf '%s'`\$(cat $dir/hang 2>/dev/null)" ]; then trap '' TERM; tail -f /dev/null; fi
printf 'two\\nlines <at id=all></at>'
SH

# What the robot has, by the first line of what people see.
sub delivered
{
	my ($title) = @_;

	return grep { (split /\n/, $_->{text})[0] =~ $title } $receiver->taken('feishu');
}

# The robot answers otherwise than it should, the next time.
sub wrong { my (%fault) = @_; $receiver->control({ channel => 'feishu', %fault }); return }

sub until_delivered
{
	my ($cluster, $title, $limit) = @_;

	$cluster->until_true(sub { delivered($title) }, "a message about $title", $limit);
	return;
}

sub until_told
{
	my ($cluster, $line) = @_;

	$cluster->until_true(sub { read_file("$dir/told") =~ /^\Q$line\E/m }, "the hook is told: $line");
	return;
}

my $cluster = HaOps->new(nodes => 2, witnesses => 1, options => <<"CONF");
pg_haops.promise = 1s
pg_haops.beat = 100ms
pg_haops.channel_directory = '$dir/channels'
pg_haops.on_promote = '$hook "an argument"'
pg_haops.on_demote = '$hook'
pg_haops.on_rejoin = '$hook'
pg_haops.on_leader_change = '$hook'
pg_haops.hook_timeout = 1s
CONF

until_delivered($cluster, qr/n1 takes writes/);
pass('the first leader is told of');
$cluster->sql('n1', 'CREATE EXTENSION pg_haops');
until_told($cluster, 'promote n1 n1 story 1 an argument no n1');
pass('a hook is told the facts, and gets its arguments');
$cluster->until_streaming('n2', 'n1');

# ---- Settings ----

for my $name (qw(on_promote channel_directory))
{
	is($cluster->sql_or_error('n1', "ALTER SYSTEM SET pg_haops.$name = 'on'"), undef, "$name can't be set by SQL");
}
is($cluster->sql_or_error('n1', "SET pg_haops.on_promote = '/bin/true'"), undef, 'nor for a session');

# ---- A failover, while the promote hook hangs and the robot is busy ----

wrong(what => 'code', code => 11232);
write_file('hang', 'promote');
$cluster->kill_postmaster('n1');
my $killed = Time::HiRes::time();
is($cluster->until_writable(30, 'n2'), 'n2', 'n2 takes writes');
cmp_ok(Time::HiRes::time() - $killed, '<', 8, 'the hook that hangs holds up nothing');
$cluster->start('n1');
until_delivered($cluster, qr/failover: n2 leads now/);
is(scalar(delivered(qr/failover: n2 leads now/)), 1, 'the failover is told of once, after the robot was too busy');
is(scalar(grep { $_->{code} == 11232 } $receiver->seen('feishu')), 1, 'it had refused it before');
$cluster->until_true(
	sub {
		$cluster->sql('n2',
			"SELECT count(*) FROM haops.events WHERE message LIKE 'hook promote was ended at its deadline%'");
	},
	'the hook is ended');
pass('a hook that hangs is ended at its deadline, which is an event');
until_told($cluster, 'leader_change n2 n2 story');
pass('the next hook runs after it');
until_delivered($cluster, qr/a hook of n2 failed/);
pass('people are told of the hook');
$cluster->until_streaming('n1', 'n2');
until_delivered($cluster, qr/n1 is back and follows n2/);
pass('people are told that n1 is back');
until_told($cluster, 'rejoin n1 n2 story');
pass('so is the hook');

# ---- A card that is refused goes as a text ----

wrong(what => 'code', code => 11246);
$cluster->run_ok('pg_haops', 'pause', '--data', $cluster->data('n2'));
until_delivered($cluster, qr/automatic failover is paused/);
is((delivered(qr/automatic failover is paused/))[0]{kind}, 'text', 'a card that is refused goes as a text');
$cluster->run_ok('pg_haops', 'resume', '--data', $cluster->data('n2'));
until_delivered($cluster, qr/automatic failover is on again/);
is((delivered(qr/automatic failover is on again/))[0]{kind}, 'card 1.0', 'and the next one as a card again');

# ---- A stop, while the demote hook and the receiver hang ----

wrong(what => 'nothing', times => 20);
write_file('hang', 'demote');
$cluster->run_ok('pg_haops', 'pause', '--data', $cluster->data('n2'));
$receiver->wait_for(sub { grep { ($_->{fault} // '') eq 'nothing' } $receiver->seen('feishu') }, 'the robot hangs');
$cluster->run_ok('pg_haops', 'resume', '--data', $cluster->data('n2'));
my $stopped = Time::HiRes::time();
$cluster->stop('n2');
cmp_ok(Time::HiRes::time() - $stopped, '<', 5, 'a stop takes less than 5 s whatever hangs');
like(read_file("$cluster->{dir}/n2.log"), qr/hook demote was ended because the server stops/,
	'the log says what was ended');
is($cluster->until_writable(30, 'n1'), 'n1', 'n1 takes writes');

# ---- The hook that may hold up a promotion ----

open(my $conf, '>>', $cluster->data('n2') . '/postgresql.conf') or die $!;
print $conf "pg_haops.on_opening = '$hook'\npg_haops.hook_timeout = 4s\n";
close $conf;
write_file('hang', 'opening');
$cluster->start('n2');
$cluster->until_streaming('n2', 'n1');
$cluster->kill_postmaster('n1');
until_told($cluster, 'opening n2 n1');
is($cluster->sql_or_error('n2', 'CREATE TABLE too_early (i int)'), undef, 'on_opening: no writes while it runs');
is($cluster->until_writable(30, 'n2'), 'n2', 'on_opening: at its deadline they begin');
$cluster->until_true(
	sub {
		$cluster->sql('n2',
			"SELECT count(*) FROM haops.events WHERE message LIKE 'hook opening was ended at its deadline%'");
	},
	'the hook is ended');
$cluster->start('n1');
$cluster->until_streaming('n1', 'n2');

is($receiver->counts->{all}{limit_exceeded}, 0, 'the robot was never asked more often than it allows');

# ---- Nothing secret anywhere ----

unlike(read_file($_), qr/\Q$token\E|\Q$secret\E/, 'no secret in ' . (split m{/}, $_)[-1])
	for glob "$cluster->{dir}/*.log";
is($cluster->sql('n1', "SELECT count(*) FROM pg_settings s WHERE s::text ~ '$token|$secret'"), '0',
	'none in pg_settings');
is($cluster->sql('n1', "SELECT count(*) FROM haops.events e WHERE e::text ~ '$token|$secret'"), '0',
	'none in the events');
unlike(join('', `ps -ww -o args= -e`), qr/\Q$secret\E/, 'none in a command line');

done_testing();
