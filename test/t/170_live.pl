# What the views say on a live cluster of three, asked by SQL: the files of test/tap, each on the member that leads, by
# pgTAP. What only a standby can say is asked there, by the stories of each domain.
use strict;
use warnings;
use FindBin;
use HaOps;
use TAP::Parser;
use Test::More;

my $cluster = HaOps->new(nodes => 3, options => "pg_haops.monitor = on\npg_haops.indexes_interval = 1s\n" .
	"pg_haops.health_interval = 1s\nhot_standby_feedback = on\nmax_standby_streaming_delay = 100ms\n");
my $leader = $cluster->leader;

$cluster->sql($leader, 'CREATE EXTENSION pgtap; CREATE EXTENSION pg_haops');
for my $file (sort glob "$FindBin::Bin/../tap/*.sql")
{
	my ($name) = $file =~ m{([^/]+)\.sql$};
	my ($status, $out, $err) = $cluster->run('psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-h', $cluster->dir,
		'-p', $cluster->node($leader)->{port}, '-d', 'postgres', '-f', $file);
	my $parser = TAP::Parser->new({ tap => $out });

	while (my $result = $parser->next)
	{
		if ($result->is_test) { ok($result->is_ok, "$name: " . $result->description =~ s/^- //r) }
		elsif ($result->is_comment) { diag($result->comment) }
	}
	is($status, 0, "$name: runs to its end") or diag($err);
	ok(!$parser->has_problems, "$name: keeps its plan") or diag($parser->parse_errors);
}
done_testing();
