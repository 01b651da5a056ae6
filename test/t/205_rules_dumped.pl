# What people decided about alerts is kept by a dump: rules of their own, default rules that they changed, silences. The
# defaults come with the extension, in the version that is installed where the dump is restored.
use strict;
use warnings;
use HaOps;
use Test::More;

my $server = HaOps->plain(options => "fsync = off");
my @to = ('-h', $server->dir, '-p', $server->node('n1')->{port});
my $rules = "SELECT string_agg(r::text, E'\\n' ORDER BY name) FROM haops.alert_rule r";
my $silences = "SELECT string_agg(s::text, E'\\n' ORDER BY id) FROM haops.alert_silence s";

sub restored
{
	my ($query) = @_;
	my $out = $server->run_ok('psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', @to, '-d', 'restored', '-c', $query);
	chomp $out;
	return $out;
}

$server->sql('n1', 'CREATE EXTENSION pg_haops; CREATE TABLE orders AS SELECT generate_series(1, 3)');
my $defaults = $server->sql('n1', 'SELECT count(*) FROM haops.alert_rule');
$server->sql('n1', "UPDATE haops.alert_rule SET threshold = 123 WHERE name = 'idle_in_transaction_warning';
	UPDATE haops.alert_rule SET enabled = false WHERE name = 'cache_hit';
	INSERT INTO haops.alert_rule (name, query, comparison, threshold, summary)
		VALUES ('own', 'SELECT count(*) AS value FROM public.orders', '>', 2, 'ours');
	SELECT haops.silence('1 hour', 'maintenance', '{\"rule\": \"own\"}')");
is($server->sql('n1', "SELECT count(*) FROM haops.alert_rule
	WHERE threshold = 123 OR NOT enabled AND name = 'cache_hit'"), '2', 'two defaults are changed');
my $dump = $server->dir . '/dump.sql';
$server->run_ok('pg_dump', @to, '-d', 'postgres', '-f', $dump);
$server->sql('n1', 'CREATE DATABASE restored');
$server->run_ok('psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', @to, '-d', 'restored', '-f', $dump);
is(restored($rules), $server->sql('n1', $rules), 'rules of ours, changed defaults and the others');
is(restored($silences), $server->sql('n1', $silences), 'and silences');
is(restored('SELECT count(*) FROM haops.alert_rule'), $defaults + 1, 'nothing twice');
is(restored("SELECT haops.silence('1 hour', 'next', '{\"rule\": \"x\"}')"), '2',
	'the next silence gets a number of its own');
is(restored("SELECT value FROM haops.preview_alert('own')"), '3', 'the rule works there, over its table');
done_testing();
