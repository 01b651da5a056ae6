# Receivers, networks, texts and operators that do their worst: the sender hangs nobody, tells no secret, follows no
# redirect, believes no wrong certificate, grows by no endless answer. In a network of its own, where addresses lead
# into the dark. The numbers are those of the hard cases.
use strict;
use warnings;
use File::Temp ();
use Test::More;
use Time::HiRes ();
use HaNet;

my $hindrance = HaNet::own();
plan skip_all => "no network namespaces: $hindrance" if $hindrance;
require HaAlerts;

# 192.0.2.0/24 takes packets and never answers; the only server for names lives there.
my $resolver = File::Temp->new;
print $resolver "nameserver 192.0.2.53\n";
close $resolver;
for my $command ('ip link add dark0 type veth peer name dark1', 'ip link set dark0 up', 'ip link set dark1 up',
	'ip addr add 192.0.2.1/24 dev dark0',
	'ip neigh add 192.0.2.53 lladdr 02:00:00:00:00:01 dev dark0',
	'ip neigh add 192.0.2.7 lladdr 02:00:00:00:00:02 dev dark0',
	"mount --bind $resolver /etc/resolv.conf")
{
	system($command) == 0 or die "$command failed";
}

my $password = 'Tr0ub4dor-mail';
my %token = map { ($_ => "T0ken-of-$_-4711") } qw(feishu dingtalk wecom slack webhook);
my $story = HaAlerts->new(receiver => { mail_user => "dba:$password" });
my ($cluster, $receiver) = ($story->cluster, $story->receiver);

# A channel file whose address has a token that can be looked for.
sub channel
{
	my ($name, $vendor, @lines) = @_;

	push @lines, 'url = ' . $receiver->url($vendor, $token{$vendor}) if $vendor ne 'mail' && !grep { /^url/ } @lines;
	$story->channel($name, [$vendor, @lines]);
	return;
}

sub test_of { my ($channel) = @_; return $story->sql("SELECT delivered, answer FROM haops.test_alert('$channel')") }
sub wish { my (%wish) = @_; $receiver->control({%wish}); return }

channel($_, $_) for qw(feishu dingtalk wecom slack webhook);
channel('mail', 'mail', 'to = dba@example.com', 'user = dba', "password = $password");
$story->until_sql('SELECT count(*) = 6 FROM haops.alert_channel', 'the channels are read');
$story->rule('r', severity => 'critical', repeat_every => '0', description => 'see {thing}');

# ---- Texts that want to be more than texts ----

my $nasty = q{q" \\ nasty <at id=all></at> <at user_id="all">x</at> [x](javascript:alert(1)) @all <!channel> <@U1> } .
	q{<a href="http://evil.example/">x</a> ](javascript: **b** `c` Subject: x};
$story->sql("INSERT INTO trouble VALUES ('r', \$q\$$nasty\$q\$ || "
	. "E'\\n\\r\\nBcc: evil\@example.com\\n.\\n\\u0001', 95)");
for my $channel (qw(feishu dingtalk wecom slack webhook mail))
{
	my ($message) = $story->until_taken($channel, qr/nasty/);

	is_deeply([ $message->{mentions}, $message->{links} ], [ [], [] ],
		"11 $channel: nobody is called, nothing is a link")
		or diag($message->{body});
}
my ($letter) = $receiver->taken('mail', qr/nasty/);
unlike($letter->{body}, qr/^Bcc:/mi, '34 a text adds no header');
$story->right('r', $nasty);

# ---- Secrets ----

wish(channel => '*', what => 'answer', status => 500, body => 'no', times => 12);
wish(channel => 'mail', what => 'code', code => 451, times => 2);
test_of($_) for qw(feishu dingtalk wecom slack webhook mail);
my $secret = join('|', map { quotemeta } 'feishu-secret', 'SECdingtalk', $password, values %token);
my $seen = join("\n", $cluster->log_of('n1'), (map { `cat /proc/$_/cmdline` } $cluster->pids('n1')),
	$cluster->run_ok('pg_dump', '-h', $cluster->dir, '-p', $cluster->node('n1')->{port}, '-d', 'postgres'),
	map { $story->sql("SELECT string_agg(v::text, E'\\n') FROM $_ v") }
		qw(pg_stat_activity pg_settings haops.alert_channel haops.alert_delivery haops.alert_history haops.events));
unlike($seen, qr/$secret/, '29 no token, secret or password in log, process titles, views, settings or a dump');
like($seen, qr/T0ken|feishu/, '29 ... which were looked at');
wish(clear => '*');

# ---- Redirects ----

for my $location ('http://169.254.169.254/latest/meta-data', 'file:///etc/passwd', 'gopher://127.0.0.1:70/x')
{
	wish(channel => 'webhook', what => 'redirect', location => "$location?$token{webhook}");
	like(test_of('webhook'), qr/^f\|.*(redirect|302)/i, "27 no redirect is followed: $location");
}
wish(clear => '*');

# ---- An answer without an end ----

sub resident_kb
{
	my ($pid) = @_;
	open(my $status, '<', "/proc/$pid/status") or die "$pid: $!";
	return (map { /^VmRSS:\s+(\d+)/ ? $1 : () } <$status>)[0];
}

my $sender = $story->worker('n1', 'sender');
test_of('webhook');
my $before_kb = resident_kb($sender);
wish(channel => 'webhook', what => 'endless', times => 1);
my $began = Time::HiRes::time();
my $endless = test_of('webhook');
cmp_ok(Time::HiRes::time() - $began, '<', 12, "26 an endless answer is cut: $endless");
cmp_ok(resident_kb($sender) - $before_kb, '<', 1024, '26 and costs no memory');

# ---- Certificates ----

for my $certificate (qw(expired wrong_name self_signed))
{
	$receiver->control({ certificate => $certificate });
	channel('webhook', 'webhook', 'url = ' . $receiver->url('webhook', $certificate, 1),
		'ca_file = ' . $receiver->ca_file, 'language = en');
	$cluster->sql('n1', 'SELECT pg_reload_conf()');
	like(test_of('webhook'), qr/^f\|.*certificate/i,
		"28 a certificate that is $certificate is refused, with the reason");
}
$receiver->control({ certificate => 'good' });
channel('webhook', 'webhook', 'url = ' . $receiver->url('webhook', 'unknown', 1));
$story->until_sql("SELECT state <> 'unusable' FROM haops.alert_channel WHERE name = 'webhook'", 'the file is read');
like(test_of('webhook'), qr/^f\|.*certificate/i, '28 one that nobody signed whom we know, too');
channel('webhook', 'webhook', 'url = ' . $receiver->url('webhook', 'good', 1), 'ca_file = ' . $receiver->ca_file);
$cluster->until_true(sub { test_of('webhook') =~ /^t/ }, 'a good certificate is taken');
pass('28 a good one is taken with its ca_file');

# ---- The extension goes and comes ----

my $alerts = $story->worker('n1', 'alerts');
my $from = length $cluster->log_of('n1');
$story->sql('DROP EXTENSION pg_haops');
$story->sql('CREATE SCHEMA haops; CREATE TABLE haops.alert_rule (x int)');
$cluster->pass_time(3);
$story->sql('DROP SCHEMA haops CASCADE; CREATE EXTENSION pg_haops; UPDATE haops.alert_rule SET enabled = false');
$story->rule('r', severity => 'critical', repeat_every => '0');
$story->wrong('r', back => 95);
$story->until_taken('feishu', qr/back is at 95/);
is($story->worker('n1', 'alerts'), $alerts, '31 without its tables the worker rests; it resumes by itself');
my $warnings = () = substr($cluster->log_of('n1'), $from) =~ /alerts can't be evaluated/g;
cmp_ok($warnings, '<=', 1, '31 with one warning at the most');

# ---- A heartbeat is only good while alerts are evaluated ----

channel('webhook', 'webhook', 'severity = none', 'events = off', 'heartbeat = 8');
$story->until_taken('webhook', qr/heartbeat/);
kill 'STOP', $alerts;
$cluster->pass_time(16);
my $beats = scalar $receiver->taken('webhook', qr/heartbeat/);
$cluster->pass_time(10);
is(scalar $receiver->taken('webhook', qr/heartbeat/), $beats, '30 the evaluator stands still: so does the heartbeat');
kill 'CONT', $alerts;
$story->until_taken('webhook', qr/heartbeat/, $beats + 1);
pass('30 and goes on with it');

# ---- Everything hangs ----

channel('dingtalk', 'dingtalk', 'url = https://robots.example.com/robot/send?access_token=x');
channel('wecom', 'wecom', 'url = https://192.0.2.7/cgi-bin/webhook/send?key=x');
channel('slack', 'slack', 'url = ' . $receiver->url('slack', 'x', 1));
channel('webhook', 'webhook');
wish(channel => 'tcp:https', what => 'black_hole', seconds => 120);
wish(channel => 'webhook', what => 'drip', seconds => 120);
wish(channel => 'mail', what => 'nothing', seconds => 120);
$cluster->sql('n1', 'SELECT pg_reload_conf()');
$cluster->sql('n1', 'CREATE DATABASE other');
$story->until_sql("SELECT count(*) = 6 AND bool_and(next_at IS NULL) FROM haops.alert_channel", 'all lanes are free');
$story->wrong('r', hanging => 95);
$story->until_taken('feishu', qr/hanging is at 95/);
my $hang = "FROM haops.alert_delivery d JOIN haops.alert_episode e USING (episode) WHERE d.state = 'sending'";
$story->until_sql("SELECT count(*) = 5 $hang AND e.labels ->> 'thing' = 'hanging'", 'five channels hang');
$story->wrong('r', after => 95);
$began = Time::HiRes::time();
$story->until_taken('feishu', qr/after is at 95/);
cmp_ok(Time::HiRes::time() - $began, '<', 4, '24 another channel is told as fast as ever');
my $held = $story->sql("SELECT count(*) FILTER (WHERE backend_xmin IS NOT NULL), (SELECT count(*) FROM pg_locks l"
	. " WHERE l.pid = a.pid AND l.locktype = 'relation') FROM pg_stat_activity a WHERE pid = $sender GROUP BY pid");
like($held, qr/^(0\|0)?$/, '25 who sends holds no snapshot and no lock');
my $old = 0;
for (1 .. 40)
{
	$old += $story->sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'pg_haops%'"
		. " AND backend_xmin IS NOT NULL AND xact_start < now() - interval '1 s'");
}
is($old, 0, '25 nor does who evaluates, for longer than its own queries take');
$cluster->sql('n1', 'DROP DATABASE other');
pass('24 a database can be dropped');
$story->until_sql("SELECT count(*) >= 2 $hang", 'some hang again');
$began = Time::HiRes::time();
$cluster->stop('n1');
cmp_ok(Time::HiRes::time() - $began, '<', 5, '24 and the server stops in time');
done_testing();
