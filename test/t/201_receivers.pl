# Receivers that refuse, throttle, fail or hang: only the receiver's own word counts as delivered, nothing is lost, no
# receiver is asked more often than it allows. The numbers are those of the hard cases.
use strict;
use warnings;
use JSON::PP ();
use Test::More;
use Time::HiRes ();
use HaAlerts;

my @main = ('feishu', 'fallback = spare', 'fallback_after = 3', 'events = off');
my $story = HaAlerts->new(channels => {
	main => [@main], team => ['feishu', 'events = off'],
	spare => ['webhook', 'severity = none', 'events = off'],
	ding => ['dingtalk', 'events = off'], wecom => ['wecom', 'events = off'],
	mail => ['mail', 'to = dba@example.com, boss@example.com', 'events = off'],
	alive => ['webhook', 'severity = none', 'heartbeat = 1', 'events = off'] });
my ($cluster, $receiver) = ($story->cluster, $story->receiver);
my $all_sent = "SELECT count(*) = 0 FROM haops.alert_delivery WHERE state NOT IN ('sent', 'merged')";

sub wrong { my ($channel, %fault) = @_; $receiver->control({ channel => $channel, %fault }); return }

my $of = "FROM haops.alert_delivery d JOIN haops.alert_episode e USING (episode) WHERE e.labels ->> 'thing' =";

sub state_of
{
	my ($thing, $channel) = @_;
	return $story->sql("SELECT string_agg(d.state, ',' ORDER BY d.transition) $of '$thing' AND channel = '$channel'");
}

$story->rule('r', severity => 'critical', repeat_every => '0');

# ---- A card that is refused goes as a text; who is too busy is asked again ----

wrong('feishu:team', what => 'code', code => 11246);
$story->wrong('r', card => 95);
my ($text) = $story->until_taken('feishu:team', qr/card is at 95/);
is($text->{kind}, 'text', '35 a card that is refused goes as a text');
wrong('feishu:team', what => 'code', code => 11232);
$story->wrong('r', busy => 95);
$story->until_taken('feishu:team', qr/busy is at 95/);
$story->until_sql($all_sent, 'all is sent');
is(scalar($receiver->taken('feishu:team', qr/busy is at 95/)), 1, '8 too busy: delivered later, once');

# ---- Mail: one recipient is refused, then the server is busy ----

wrong('mail', what => 'rcpt', rcpt => 'boss@example.com', code => 550);
$story->wrong('r', letter => 95);
$story->until_taken('mail', qr/letter is at 95/);
$story->until_sql("SELECT count(*) $of 'letter' AND channel = 'mail' AND answer LIKE '%1 of the recipients%'",
	'the refusal is recorded');
pass('34 the other recipient gets the mail, and the failure is recorded');
wrong('mail', what => 'code', code => 451);
$story->wrong('r', again => 95);
$story->until_taken('mail', qr/again is at 95/);
pass('34 451 is tried again');

# ---- Refused with HTTP 200: never sent, and the fallback takes over ----

wrong('feishu:main', what => 'code', code => 19021, seconds => 20);
wrong('feishu:main', what => 'code', code => 19021, times => 1000);
my $began = Time::HiRes::time();
$story->wrong('r', refused => 95);
$story->until_sql("SELECT state = 'broken' FROM haops.alert_channel WHERE name = 'main'", 'the channel is broken');
is(state_of('refused', 'main'), 'failed', '1 refused with HTTP 200 is failed, not sent');
$story->until_taken('webhook:spare', qr/refused is at 95/);
cmp_ok(Time::HiRes::time() - $began, '<', 15, '1 the fallback takes over in time');
$story->until_sql("SELECT d.state = 'sent' AND via = 'spare' $of 'refused' AND channel = 'main'", 'which is recorded');
$story->until_taken('dingtalk', qr/refused is at 95/);
is(scalar($receiver->taken('dingtalk', qr/refused is at 95/)), 1, '37 a healthy channel is not told again');

# ---- Who mends a channel sees it at once ----

$receiver->control({ clear => 'feishu:main' }, { set => 'feishu:main', clock_s => 7200 });
$story->channel('main', [@main, 'language = en']);
$story->until_sql("SELECT failures = 0 AND next_at IS NULL FROM haops.alert_channel WHERE name = 'main'",
	'the changed file is seen, and the channel may be tried');
$story->wrong('r', skew => 95);
$story->until_sql("SELECT answer LIKE '%clock skew: this machine''s clock is 7200 seconds behind%'
	FROM haops.alert_channel WHERE name = 'main'", 'the skew is named');
pass('5 clocks that differ are named');
$receiver->control({ set => 'feishu:main', clock_s => 0 });
$story->until_sql("SELECT next_at IS NULL FROM haops.alert_channel WHERE name = 'main'", 'it may be tried again');
$story->wrong('r', mended => 95);
$story->until_taken('feishu:main', qr/mended is at 95/);
is($story->sql("SELECT state FROM haops.alert_channel WHERE name = 'main'"), 'working',
	'1 a channel whose fallback works is tried again by itself');

# ---- A channel that is down while an alert begins and ends ----

wrong('dingtalk', what => 'answer', status => 503, body => '', times => 1000);
$story->wrong('r', short => 95);
$story->until_sql("SELECT d.state = 'failed' $of 'short' AND channel = 'ding'", 'it could not be told');
$story->right('r', 'short');
$story->until_sql("SELECT count(*) = 0 FROM haops.alerts WHERE labels ->> 'thing' = 'short'", 'it is over');
$receiver->control({ clear => 'dingtalk' });
my ($late) = $story->until_taken('dingtalk', qr/short is at 95/, 1, 120);
like($late->{text}, qr/was firing, resolved/, '21 one late message says both');
is(state_of('short', 'ding'), 'merged,sent', '21 and nothing is lost');

# ---- Very many at once ----

$story->sql("INSERT INTO trouble SELECT 'r', 'many' || i, 95 FROM generate_series(1, 90) i");
$story->until_sql("SELECT count(*) >= 90 FROM haops.alerts WHERE labels ->> 'thing' LIKE 'many%'", 'they fire');
for my $channel (qw(dingtalk wecom mail))
{
	$receiver->wait_for(sub {
		my %seen;
		$seen{$_} = 1 for map { $_->{text} =~ /\b(many\d+) is at 95/g } $receiver->taken($channel);
		return keys(%seen) == 90;
	}, "$channel is told of all", 180);
}
pass('7 each of very many is in some message');
is($receiver->counts->{all}{limit_exceeded}, 0, '7 and no limit is exceeded');

# ---- Answers that are none; a robot that is punished ----

for my $body ('', '{}', '<html>502</html>', '{"msg":"success"}', '{"errcode":0')
{
	wrong('wecom', what => 'answer', status => 200, body => $body, taken => JSON::PP::false());
}
$story->wrong('r', unclear => 95);
$story->until_sql("SELECT attempts >= 1 AND d.state = 'failed' $of 'unclear' AND channel = 'wecom'", 'it is failed');
$story->until_taken('wecom', qr/unclear is at 95/, 1, 120);
$story->until_sql("SELECT d.state = 'sent' AND attempts = 6 $of 'unclear' AND channel = 'wecom'", 'sent by the sixth');
pass('2 an answer that is none is a failure');
wrong('dingtalk', what => 'code', code => 130101);
$story->wrong('r', punished => 95);
$story->until_sql("SELECT state = 'held' AND next_at > now() + interval '590 s' FROM haops.alert_channel"
	. " WHERE name = 'ding'", 'the channel is held');
my $asked = () = $receiver->seen('dingtalk');
$story->wrong('r', meanwhile => 95);
$story->until_taken('feishu:team', qr/meanwhile is at 95/);
$cluster->pass_time(8);
is(scalar(() = $receiver->seen('dingtalk')), $asked, '9 a robot that punishes is left alone, others go on');

# ---- The sign of life ----

$receiver->wait_for(sub { ($receiver->taken('webhook:alive', qr/heartbeat/)) >= 2 }, 'the heart beats');
pass('30 the heartbeat is sent');
done_testing();
