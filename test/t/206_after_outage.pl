# 36: a channel that could not be reached for two days: what waited comes as one message that says how many there were,
# the most severe first and of each alert the newest state only; nothing is lost when that message is refused at first.
use strict;
use warnings;
use Test::More;
use HaAlerts;

my $story = HaAlerts->new(channels => { ops => ['feishu', 'events = off'] });
my $receiver = $story->receiver;
my $count = 10_000;

$receiver->control({ channel => 'feishu', what => 'answer', status => 503, body => '', seconds => 600 });
$story->rule('r', severity => 'critical', repeat_every => '0');
$story->wrong('r', urgent => 95);
$story->until_sql("SELECT count(*) = 1 FROM haops.alert_delivery WHERE state = 'failed'", 'nothing gets out');

# Half of them are over, which was not told either.
$story->sql("INSERT INTO haops.alert_episode (episode, fingerprint, rule, labels, severity, state, since, starts_at,
		fired_at, ended_at, transition)
	SELECT to_hex(i), to_hex(i), 'old', '{}', 'warning', CASE WHEN i % 2 = 0 THEN 'ok' ELSE 'firing' END, t, t, t,
		CASE WHEN i % 2 = 0 THEN t END, 1 + (i + 1) % 2
	FROM generate_series(1, $count) i, LATERAL (SELECT now() - interval '2 days' AS t) t");
$story->sql("INSERT INTO haops.alert_delivery (episode, transition, channel, kind, severity, notice, created_at)
	SELECT to_hex(i), n, 'ops', CASE n WHEN 1 THEN 'firing' ELSE 'resolved' END, 'warning',
		jsonb_build_object('rule', 'old', 'severity', 'warning', 'summary', 'old ' || i || ', news ' || n,
			'description', '', 'labels', '{}'::jsonb, 'value', '1', 'starts_us', 1600000000000000, 'ends_us', 0,
			'page', '', 'reason', ''), now() - interval '2 days'
	FROM generate_series(1, $count) i, generate_series(1, 1 + (i + 1) % 2) n");
my $tried = () = $receiver->seen('feishu');
$receiver->wait_for(sub { (() = $receiver->seen('feishu')) > $tried }, 'they are tried in vain');
$story->until_sql("SELECT count(*) > $count FROM haops.alert_delivery WHERE state = 'failed'", 'and are not forgotten');
$receiver->control({ clear => '*' });
$story->until_sql("SELECT count(*) = 0 FROM haops.alert_delivery WHERE state NOT IN ('sent', 'merged')",
	'all is told', 180);
my @messages = $receiver->taken('feishu');
cmp_ok(scalar @messages, '<=', 3, "36 $count alerts that waited come in one message or two") or diag(scalar @messages);
like($messages[0]{text}, qr/urgent is at 95/, '36 the most severe stand first');
like(join("\n", map { $_->{text} } @messages), qr/\b99\d\d more/, '36 and the others are counted');
unlike($messages[0]{text}, qr/old \d*[02468], news 1/, '36 of each alert the newest state only');
is($story->sql("SELECT count(*) FROM haops.alert_delivery WHERE NOT (state = 'sent'
	OR state = 'merged' AND (answer IS NULL OR answer LIKE '%told of by their number%'))"), '0',
	'36 and each is accounted for');
$story->until_sql("SELECT n_tup_upd >= $count FROM pg_stat_user_tables WHERE relname = 'alert_delivery'",
	'the work is counted for autovacuum');
pass('36 autovacuum sees the rows that were changed');
done_testing();
