# HaReceiver.pm: the strict receiver of alerts (test/receiver) for a story.
#
#     my $receiver = HaReceiver->new(secret_feishu => 's', keyword => 'pg_haops');
#     ... url = $receiver->url('feishu', 'team') ...
#     $receiver->control({ channel => 'feishu', what => 'code', code => 11232 });
#     $receiver->wait_for(sub { $receiver->taken('feishu', qr/n2 leads now/) }, 'the failover is told of');
#
# It listens on loopback, on ports of its own from 10000 on, and ends with the story, whatever becomes of that. A
# channel is a robot's name, "feishu:team", or a vendor's, "feishu". test/receiver/README.md describes records, counts
# and wishes.
package HaReceiver;

use strict;
use warnings;
use Carp;
use File::Temp ();
use HTTP::Tiny ();
use IO::Socket::INET;
use JSON::PP ();
use POSIX ();
use Time::HiRes ();

our $DEADLINE = $ENV{PG_TEST_TIMEOUT_DEFAULT} // 60;
my @ports = qw(port tls_port smtp_port smtps_port);
my %path = (feishu => '/open-apis/bot/v2/hook/%s', dingtalk => '/robot/send?access_token=%s',
	wecom => '/cgi-bin/webhook/send?key=%s', slack => '/services/T0/B0/%s', webhook => '/webhook/%s');

sub bound
{
	my ($port) = @_;
	return IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Proto => 'tcp', Listen => 1);
}

# A place for all ports; the socket that is returned holds it against other stories.
sub take_block
{
	for my $block ($$ .. $$ + 99)
	{
		my $first = 10000 + ($block % 100) * 10;
		my $held = bound($first) or next;
		my @free = grep { defined } map { bound($first + $_) } 1 .. @ports;
		return ($held, $first) if @free == @ports;
	}
	croak 'no ports are free for a receiver';
}

# Options of test/receiver/run by their names: secret_feishu => ..., no_limits => 1; token may be a list; host, where it
# is not loopback. Secrets go through files, so that they stand in no command line.
sub new
{
	my ($class, %options) = @_;
	my $self = bless { maker => $$, records => [],
		host => $options{host} // '127.0.0.1', http => HTTP::Tiny->new(timeout => 10),
		dir => File::Temp::tempdir('receiver_XXXXXX', TMPDIR => 1, CLEANUP => 1) }, $class;
	my ($held, $first) = take_block();
	my @arguments = ('--dir', $self->{dir}, '--ready-file', "$self->{dir}/ready", '--with-stdin');

	$self->{held} = $held;
	$options{$_} //= ++$first for @ports;
	for my $name (sort keys %options)
	{
		(my $option = "--$name") =~ tr/_/-/;
		my $value = $name =~ /secret|mail_user/ ? $self->secret_file($name, $options{$name}) : $options{$name};
		push @arguments, $name eq 'no_limits' ? $option : map { ($option, $_) } ref($value) ? @$value : $value;
	}
	$self->begin(@arguments);
	return $self;
}

sub secret_file
{
	my ($self, $name, $secret) = @_;

	open(my $file, '>', "$self->{dir}/$name") or croak $!;
	print $file "$secret\n";
	close $file;
	return "\@$self->{dir}/$name";
}

# Its standard input is a pipe from us: it ends when we do, by whatever.
sub begin
{
	my ($self, @arguments) = @_;

	pipe(my $read, $self->{pipe}) or croak $!;
	$self->{pid} = fork // croak $!;
	if ($self->{pid} == 0)
	{
		no warnings 'exec';
		POSIX::setsid();
		open(STDIN, '<&', $read);
		open(STDOUT, '>>', "$self->{dir}/log");
		open(STDERR, '>&', \*STDOUT);
		exec('test/receiver/run', @arguments);
		POSIX::_exit(127);
	}
	close $read;
	$self->wait_for(sub {
		croak 'the receiver does not start' . $self->log if waitpid($self->{pid}, POSIX::WNOHANG()) != 0;
		return -e "$self->{dir}/ready";
	}, 'the receiver listens');
	open(my $ready, '<', "$self->{dir}/ready") or croak $!;
	$self->{ready} = JSON::PP::decode_json(<$ready>);
	close $ready;
	return;
}

sub stop
{
	my ($self) = @_;

	return if !$self->{pid} || $self->{maker} != $$;
	kill 'TERM', $self->{pid};
	waitpid $self->{pid}, 0;
	delete $self->{pid};
	return;
}

sub DESTROY { my ($self) = @_; local ($?, $!); $self->stop; return }

sub log
{
	my ($self) = @_;

	open(my $log, '<', "$self->{dir}/log") or return '';
	local $/ = undef;
	return "\n---- receiver\n" . (<$log> // '');
}

# What a channel's file says: an address of this receiver.
sub url
{
	my ($self, $vendor, $token, $tls) = @_;
	my $scheme = $vendor eq 'mail' ? ($tls ? 'smtps' : 'smtp') : ($tls ? 'https' : 'http');
	my $place = $vendor eq 'mail' ? '' : sprintf($path{$vendor}, $token // 'story');

	return "$scheme://$self->{host}:$self->{ready}{$scheme}$place";
}

sub ca_file { return $_[0]{ready}{ca_file} }
sub dir { return $_[0]{dir} }

sub ask
{
	my ($self, $method, $target, $wish) = @_;
	my %body = defined $wish ? (content => JSON::PP->new->utf8->encode($wish)) : ();
	my $answer = $self->{http}->request($method, "http://$self->{host}:$self->{ready}{http}$target", \%body);

	croak "$method $target: $answer->{status} $answer->{content}" . $self->log if !$answer->{success};
	return JSON::PP::decode_json($answer->{content});
}

# Wishes: faults, settings; see test/receiver/README.md.
sub control { my ($self, @wishes) = @_; return $self->ask('POST', '/control', \@wishes) }
sub counts { my ($self) = @_; return $self->ask('GET', '/counts') }

# Every record of a channel so far, oldest first; of all channels without one.
sub seen
{
	my ($self, $channel) = @_;

	push @{ $self->{records} }, @{ $self->ask('GET', '/seen?since=' . scalar @{ $self->{records} }) };
	return @{ $self->{records} } if !defined $channel;
	return grep { $_->{channel} eq $channel || $_->{channel} =~ /^\Q$channel\E:/ } @{ $self->{records} };
}

# Those of which the vendor has the message, and whose text people would see matches.
sub taken
{
	my ($self, $channel, $pattern) = @_;

	return grep { $_->{taken} && (!defined $pattern || ($_->{text} // '') =~ $pattern) } $self->seen($channel);
}

# Asks again until it is true; dies when the deadline passes.
sub wait_for
{
	my ($self, $condition, $what, $limit) = @_;
	my $end = Time::HiRes::time() + ($limit // $DEADLINE);

	while (Time::HiRes::time() < $end)
	{
		my $answer = $condition->();
		return $answer if $answer;
		select(undef, undef, undef, 0.02);
	}
	croak "timed out waiting until $what" . ($self->{pid} ? $self->log : '');
}

1;
