# HaNet.pm: a network for a cluster on one machine: a network namespace for each member, and a switch that all their
# cables lead to in another one, which is the clients'. Of the stories on networks, and of the measurements in bench.
#
# Making namespaces needs the rights of root; own() gets them without being root, in a user namespace.
package HaNet;

use strict;
use warnings;

use constant { SWITCH_IP => '10.213.77.254', FIRST_IP => '10.213.77.' };

# The address of the member with this number, from 1 on.
sub ip { my ($number) = @_; return FIRST_IP . $number }

# Runs this very script again in a user namespace of its own, in which it may make networks; returns what hinders it.
sub own
{
	return '' if $ENV{HAOPS_OWN_NETWORK};
	local $ENV{HAOPS_OWN_NETWORK} = 1;
	my @into = qw(unshare --user --map-current-user --net --mount --keep-caps);

	for my $program (qw(unshare ip nft))
	{
		return "there is no program $program" unless grep { -x "$_/$program" } split(/:/, "$ENV{PATH}:/usr/sbin:/sbin");
	}
	return 'this machine allows no networks in user namespaces'
	  if system("@into sh -c 'mount -t tmpfs none /run && ip link set lo up && nft list ruleset' >/dev/null 2>&1") != 0;
	my $prepare = 'mount -t tmpfs none /run && ip link set lo up';
	return exec(@into, 'sh', '-c', "$prepare && exec \"\$@\"", 'sh', $^X, $0, @ARGV) || "$into[0]: $!";
}

# HaNet->new(names => [...], prefix => 'before the names of the namespaces', hub => 'the name of the clients' one;
# undef: the one that we are in', run => sub that runs a command and dies when it fails)
sub new
{
	my ($class, %args) = @_;
	my $self = bless {%args}, $class;
	my $run = $self->{run};
	my @at_hub = defined $self->{hub} ? ('ip', '-n', $self->{hub}) : ('ip');
	my $number = 0;

	$run->('ip', 'netns', 'add', $self->{hub}) if defined $self->{hub};
	$run->(@at_hub, split ' ')
	  for 'link set lo up', 'link add br0 type bridge', 'addr add ' . SWITCH_IP . '/24 dev br0', 'link set br0 up';
	for my $name (@{ $self->{names} })
	{
		my $namespace = $self->namespace($name);
		my $ip = $self->{ip}{$name} = ip(++$number);

		$run->('ip', 'netns', 'add', $namespace);
		$run->('ip', '-n', $namespace, qw(link set lo up));
		$run->(@at_hub, qw(link add), "to-$name", qw(type veth peer name eth0 netns), $namespace);
		$run->(@at_hub, qw(link set), "to-$name", qw(master br0 up));
		$run->('ip', '-n', $namespace, qw(addr add), "$ip/24", qw(dev eth0));
		$run->('ip', '-n', $namespace, qw(link set eth0 up));
	}
	return $self;
}

sub namespace { my ($self, $name) = @_; return ($self->{prefix} // '') . $name }

# What goes before a command that runs where the member lives; where the clients live.
sub inside { my ($self, $name) = @_; return ('ip', 'netns', 'exec', $self->namespace($name)) }
sub outside { my ($self) = @_; return defined $self->{hub} ? ('ip', 'netns', 'exec', $self->{hub}) : () }

# From now on the member gets nothing from these others (in), and they nothing from it (out). Clients still reach it.
sub cut
{
	my ($self, $name, %args) = @_;
	my @lines = 'table inet haops {';

	for my $way ([ 'in', 'input', 'saddr' ], [ 'out', 'output', 'daddr' ])
	{
		my ($word, $hook, $which) = @$way;
		my $ips = join(', ', map { $self->{ip}{$_} } @{ $args{$word} // [] });

		push @lines, "chain $word { type filter hook $hook priority 0 ;", "ip $which { $ips } drop", '}' if $ips ne '';
	}
	open(my $nft, '|-', $self->inside($name), 'nft', '-f', '-') or die "nft: $!\n";
	print $nft map { "$_\n" } @lines, '}';
	close($nft) or die "nft failed\n";
	return;
}

sub cut_off
{
	my ($self, $name, @others) = @_;
	@others = grep { $_ ne $name } @{ $self->{names} } unless @others;
	return $self->cut($name, in => [@others], out => [@others]);
}

sub heal { my ($self, $name) = @_; return $self->{run}->($self->inside($name), qw(nft delete table inet haops)) }

# As of a machine without power: nothing comes, nothing goes, not even an answer that the port is closed.
sub unplug
{
	my ($self, $name) = @_;
	return $self->{run}->('ip', '-n', $self->namespace($name), qw(link set eth0 down));
}

sub plug
{
	my ($self, $name) = @_;
	return $self->{run}->('ip', '-n', $self->namespace($name), qw(link set eth0 up));
}

sub remove
{
	my ($self) = @_;

	for my $namespace ($self->{hub} // (), map { $self->namespace($_) } @{ $self->{names} })
	{
		system('ip', 'netns', 'delete', $namespace) if -e "/run/netns/$namespace";
	}
	return;
}

1;
