# make.pl: what docs/cards/make shows: an alert that begins and ends, several together, and a failover, as each kind of
# channel gets them. Writes a page for each into a folder.
#
#     make.pl FOLDER en|zh CHANNEL...
use strict;
use warnings;
use utf8;
use HaAlerts;

my ($folder, $language, @vendors) = @ARGV;
my %lines = (feishu => ['at = ou_7d8a6e6df7621556ce0d21922b676706'], mail => ['to = dba@example.com']);
my $story = HaAlerts->new(nodes => 2, witnesses => 1, keyword => 'pg_haops',
	options => "pg_haops.language = $language\ntimezone = 'Asia/Shanghai'\nlog_timezone = 'Asia/Shanghai'\n",
	channels => { map { ($_ => [$_, @{ $lines{$_} // [] }]) } @vendors });
my ($cluster, $receiver) = ($story->cluster, $story->receiver);

$cluster->until_streaming('n2', 'n1');
my $disk = q{SELECT 'data directory' AS place, thing AS path, 'n1' AS node, value FROM public.trouble
	WHERE rule = 'disk'};
my $lag = q{SELECT thing AS node, value FROM public.trouble WHERE rule = 'lag'};
for my $rule ([ disk_used_critical => $disk ], [ lag_bytes_critical => $lag ])
{
	$story->sql("UPDATE haops.alert_rule SET enabled = true, every = '1 s', pending_for = '0', evaluate_on = 'leader',
		query = \$q\$$rule->[1]\$q\$ WHERE name = '$rule->[0]'");
}

# One alert, its end, three together, a failover.
$story->wrong('disk', '/srv/pg' => 93);
$story->until_taken($_, qr/93/) for @vendors;
$story->right('disk', '/srv/pg');
$story->until_taken($_, qr/93/, 2) for @vendors;
$story->sql("INSERT INTO trouble VALUES ('disk', '/srv/pg', 95), ('disk', '/srv/wal', 91), ('lag', 'n3', 2147483648)");
$story->until_taken($_, qr/2147483648/) for @vendors;
$story->until_sql("SELECT count(*) = 0 FROM haops.alert_delivery WHERE state NOT IN ('sent', 'merged')", 'all is told');
$cluster->kill_postmaster('n1');
$cluster->until_writable(30, 'n2');
$story->until_taken($_, qr/failover|故障切换/) for @vendors;
for my $vendor (@vendors)
{
	my $page = HTTP::Tiny->new->get("http://127.0.0.1:$receiver->{ready}{http}/?channel=$vendor&last=4");

	die "$page->{status} $page->{content}" if !$page->{success};
	open(my $file, ">", "$folder/$vendor.html") or die "$folder: $!";
	print $file $page->{content};
	close $file;
}
