# deliveries.pl: see test/soak/deliveries.
use strict;
use warnings;
use File::Temp ();
use HaReceiver;

my ($wanted) = @ARGV;
my $receiver = HaReceiver->new(no_limits => 1);
my $channels = File::Temp::tempdir('channels_XXXXXX', TMPDIR => 1, CLEANUP => 1);

sub channel
{
	my ($name, $vendor, @lines) = @_;

	umask 077;
	open(my $file, '>', "$channels/$name.conf") or die "$channels: $!";
	print $file join("\n", "type = $vendor", 'local = on', 'ca_file = ' . $receiver->ca_file, @lines), "\n";
	close $file;
	return;
}

channel($_, $_, 'url = ' . $receiver->url($_, 'a')) for qw(feishu dingtalk wecom slack webhook);
channel('tls', 'webhook', 'url = ' . $receiver->url('webhook', 'b', 1));
channel('mail', 'mail', 'url = ' . $receiver->url('mail', undef, 1), 'from = db@example.com', 'to = dba@example.com');
$receiver->control(map { { channel => '*', percent => 1, %$_ } } { what => 'answer', status => 503, body => '' },
	{ what => 'drop_after' }, { what => 'truncated' }, { what => 'endless' }, { what => 'redirect', location => '/x' });
my $kinds = 'definite,indirect,possible';
my $failed = system(qw(valgrind -q --error-exitcode=9 --leak-check=full), "--show-leak-kinds=$kinds",
	"--errors-for-leak-kinds=$kinds", 'build/soak/deliveries', $channels, $wanted);
my $all = $receiver->counts->{all};
print "the receiver: $all->{requests} requests, $all->{taken} taken, $all->{refused} refused, $all->{faults} faults\n";
if ($all->{refused} > 0)
{
	my ($one) = grep { !$_->{taken} && !$_->{fault} } $receiver->seen;
	print "refused: $one->{channel}: $one->{words}\n" if $one;
}
exit($failed == 0 ? 0 : 1);
