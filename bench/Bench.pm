#
# Bench.pm: a cluster for a measurement: made with the pg_haops program's own commands, each member on a port or in a
# network namespace of its own, its processes watched and restarted as a supervisor would.
#
# Environment: PLACE (a folder that may be filled), BIN (PostgreSQL's programs with pg_haops among them), SERVER_USER.
#
package Bench;

use strict;
use warnings;
use Exporter 'import';
use HaNet;
use POSIX qw(:sys_wait_h setsid);
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

our @EXPORT_OK = qw(now say_error wait_for run_ok);

my $place = $ENV{PLACE};
my $bin = $ENV{BIN};

# Seconds of the clock that the prober tells too.
sub now { return clock_gettime(CLOCK_MONOTONIC) }

sub say_error
{
	print STDERR @_, "\n";
	return;
}

# Calls $done until it is true; dies after $seconds. $idle is called in between.
sub wait_for
{
	my ($what, $seconds, $done, $idle) = @_;
	my $until = now() + $seconds;

	while (1)
	{
		my $result = $done->();
		return $result if $result;
		die "bench: waited $seconds s for $what\n" if now() > $until;
		$idle->() if $idle;
		select(undef, undef, undef, 0.02);
	}
}

# Runs a program to its end, its output into a log; dies when it fails.
sub run_ok
{
	my ($log, @command) = @_;
	my $pid = fork() // die "bench: fork: $!\n";

	if ($pid == 0)
	{
		open(STDIN, '<', '/dev/null');
		open(STDOUT, '>>', $log) or die "bench: $log: $!\n";
		open(STDERR, '>&', \*STDOUT);
		print "+ @command\n";
		exec(@command) or die "bench: $command[0]: $!\n";
	}
	waitpid($pid, 0);
	die "bench: \"@command\" failed, see $log\n" if $? != 0;
	return;
}

#
# The cluster
#

# mode: async or sync; topology: 3 or 2w; port: the first of the ports; namespaces: true = one for each member.
sub new
{
	my ($class, %option) = @_;
	my $self = bless { %option, work => "$place/work", children => {}, owner => $$ }, $class;
	my $data = $option{topology} eq '3' ? 3 : 2;

	for my $i (1 .. 3)
	{
		my $witness = $i > $data;
		my $member = { name => ($witness ? 'w' : 'n') . $i, witness => $witness };
		$member->{dir} = "$self->{work}/$member->{name}";
		$member->{log} = "$self->{work}/$member->{name}.log";
		$member->{host} = $option{namespaces} ? HaNet::ip($i) : '127.0.0.1';
		$member->{sql_port} = $option{port} + $i;
		$member->{peer_port} = $member->{sql_port} + 10;
		push @{ $self->{members} }, $member;
	}
	return $self;
}

sub nodes { return grep { !$_->{witness} } @{ $_[0]{members} } }

sub member
{
	my ($self, $name) = @_;
	my ($member) = grep { $_->{name} eq $name } @{ $self->{members} };
	return $member;
}

# How a command runs where the member lives, as the user of its server.
sub inside
{
	my ($self, $member, @command) = @_;
	unshift @command, 'setpriv', "--reuid=$ENV{SERVER_USER}", "--regid=$ENV{SERVER_USER}", '--init-groups' if $> == 0;
	unshift @command, $self->{net}->inside($member->{name}) if $self->{net};
	return @command;
}

# How a client's command runs: it reaches every member.
sub outside
{
	my ($self, @command) = @_;
	return $self->{net} ? ($self->{net}->outside, @command) : @command;
}

sub conninfo
{
	my ($self, $node) = @_;
	return "host=$node->{host} port=$node->{sql_port} user=postgres dbname=postgres application_name=bench";
}

# One value, or the rows as text.
sub sql
{
	my ($self, $node, $statement) = @_;
	my @command = $self->outside("$bin/psql", '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $self->conninfo($node),
		'-c', $statement);

	my $pid = open(my $handle, '-|') // die "bench: fork: $!\n";
	if ($pid == 0)
	{
		open(STDERR, '>>', "$self->{work}/psql.log");
		exec(@command) or die "bench: psql: $!\n";
	}
	local $/;
	my $rows = <$handle> // '';
	close($handle) or die "bench: \"$statement\" failed on $node->{name}\n";
	$rows =~ s/\n\z//;
	return $rows;
}

# The node that is no standby, and takes connections.
sub leader
{
	my ($self) = @_;
	my ($leader) = grep { eval { $self->sql($_, 'SELECT pg_is_in_recovery()') eq 'f' } } $self->nodes;
	return $leader;
}

#
# Making it
#

# A network in which the client's namespace holds the switch that all members' cables lead to.
sub make_namespaces
{
	my ($self) = @_;

	die "bench: namespaces need root\n" if $> != 0;
	$self->{net} = HaNet->new(prefix => "haops$$-", hub => "haops$$-hub",
		names => [ map { $_->{name} } @{ $self->{members} } ],
		run => sub { run_ok("$self->{work}/network.log", @_) });
	return;
}

sub build
{
	my ($self) = @_;
	my ($first, @others) = @{ $self->{members} };
	my $key = "$first->{dir}/pg_haops/pgsql_tmp/key";
	my $through = "$first->{host}:$first->{peer_port}";
	my @sync = $self->{mode} eq 'sync' ? ('--sync', 1) : ();

	$self->make_namespaces if $self->{namespaces};
	$self->program($first, 'create', '--cluster', $self->{cluster} // 'bench', '--initdb', @sync,
		$self->place_of($first), '--start');
	$self->let_clients_in($first);
	for my $member (@others)
	{
		$self->start_witness($member, '--name', $member->{name}, '--key', $key, '--join', $through)
			if $member->{witness};
		next if $member->{witness};
		$self->program($member, 'join', '--key', $key, '--through', $through, $self->place_of($member), '--start');
	}
	return;
}

# Restarts the servers as processes of ours, so that we see and reap them as a supervisor does: nobody else may be in a
# hurry to reap a postmaster that was killed, and its zombie holds the lock file. The leader changes meanwhile.
sub take_over
{
	my ($self) = @_;

	for my $node (reverse $self->nodes)
	{
		$self->begin_stop($node);
		wait_for("$node->{name} to stop", 60, sub { !$self->postmaster($node) });
		$self->start($node);
		wait_for("$node->{name} to start", 60, sub { eval { $self->sql($node, 'SELECT 1') } },
			sub { $self->supervise });
	}
	return;
}

sub place_of
{
	my ($self, $member) = @_;
	return ('--data', $member->{dir}, '--name', $member->{name}, '--address', "$member->{host}:$member->{sql_port}",
		'--peer', "$member->{host}:$member->{peer_port}", '--log', "$self->{work}/$member->{name}-server.log");
}

sub program
{
	my ($self, $member, $command, @arguments) = @_;
	run_ok($member->{log}, $self->inside($member, "$bin/pg_haops", $command, @arguments));
	return;
}

# Before the others are cloned from it.
sub let_clients_in
{
	my ($self, $node) = @_;
	my $path = "$node->{dir}/pg_hba.conf";

	open(my $handle, '<', $path) or die "bench: $path: $!\n";
	my @lines = <$handle>;
	close($handle);
	open($handle, '>', $path) or die "bench: $path: $!\n";
	print $handle map({ "host all postgres $_/32 trust\n" } '127.0.0.1', HaNet::SWITCH_IP), @lines;
	close($handle);
	run_ok($node->{log}, $self->inside($node, "$bin/pg_ctl", '-D', $node->{dir}, 'reload'));
	return;
}

#
# Its processes
#

# Starts a program in the background, its output into the member's log; it is ours, so that we see its end.
sub spawn
{
	my ($self, $member, @command) = @_;
	my $pid = fork() // die "bench: fork: $!\n";

	if ($pid == 0)
	{
		setsid();
		chdir($self->{work});
		open(STDIN, '<', '/dev/null');
		open(STDOUT, '>>', $member->{log}) or die "bench: $member->{log}: $!\n";
		open(STDERR, '>&', \*STDOUT);
		exec($self->inside($member, @command)) or die "bench: $command[0]: $!\n";
	}
	return $pid;
}

sub start_witness
{
	my ($self, $witness, @first) = @_;
	$witness->{pid} = $self->spawn($witness, "$bin/pg_haops", 'witness', '--state', $witness->{dir},
		@first ? ('--listen', "$witness->{host}:$witness->{peer_port}") : (), @first);
	return;
}

# A member that we have to restart is told here; supervise() does it, again and again, until its server stays.
sub start
{
	my ($self, $node) = @_;
	$node->{wanted} = 1;
	$self->supervise;
	return;
}

# Plays the supervisor's part: starts what is wanted and not there. Called often; never waits.
sub supervise
{
	my ($self) = @_;

	for my $node ($self->nodes)
	{
		if ($node->{pid} && waitpid($node->{pid}, WNOHANG) == $node->{pid})
		{
			delete $node->{pid};
		}
		next if !$node->{wanted} || $node->{pid} || now() < ($node->{not_before} // 0);
		$node->{pid} = $self->spawn($node, "$bin/postgres", '-D', $node->{dir});
		$node->{not_before} = now() + 0.1;
	}
	return;
}

# From postmaster.pid; 0 when there is none or it is not alive.
sub postmaster
{
	my ($self, $node) = @_;

	open(my $handle, '<', "$node->{dir}/postmaster.pid") or return 0;
	my $pid = <$handle> // 0;
	close($handle);
	return $pid > 1 && kill(0, $pid) ? int($pid) : 0;
}

# The postmaster and all that stem from it, the postmaster first.
sub processes
{
	my ($self, $node) = @_;
	my @found = ($self->postmaster($node) || return);
	my %parent;

	for my $path (glob('/proc/[0-9]*/stat'))
	{
		open(my $handle, '<', $path) or next;
		my ($pid, $ppid) = (<$handle> // '') =~ /^(\d+) \(.*\) \S (\d+)/ or next;
		$parent{$pid} = $ppid;
	}
	for (my $i = 0; $i < @found; $i++)
	{
		push @found, sort { $a <=> $b } grep { $parent{$_} == $found[$i] } keys %parent;
	}
	return @found;
}

#
# Faults
#

sub kill_postmaster
{
	my ($self, $node) = @_;
	kill('KILL', $self->postmaster($node)) or die "bench: $node->{name} has no postmaster\n";
	return;
}

# The postmaster first, so that it makes no new process; then all others.
sub freeze
{
	my ($self, $node) = @_;
	$node->{frozen} = [];
	for (1 .. 2)
	{
		for my $pid ($self->processes($node))
		{
			push @{ $node->{frozen} }, $pid if kill('STOP', $pid) && !grep { $_ == $pid } @{ $node->{frozen} };
		}
	}
	return;
}

sub thaw
{
	my ($self, $node) = @_;
	kill('CONT', reverse @{ $node->{frozen} || [] });
	delete $node->{frozen};
	return;
}

# Cuts the member off from all others; clients still reach it.
sub cut_off { my ($self, $node) = @_; return $self->{net}->cut_off($node->{name}) }
sub heal { my ($self, $node) = @_; return $self->{net}->heal($node->{name}) }

# Begins a stop by hand; returns the process that does it.
sub begin_stop
{
	my ($self, $node) = @_;
	$node->{wanted} = 0;
	return $self->spawn($node, "$bin/pg_ctl", '-D', $node->{dir}, '-m', 'fast', '-w', 'stop');
}

# Ends everything: processes at once, then the namespaces.
sub remove
{
	my ($self) = @_;

	return if $$ != $self->{owner};
	for my $node ($self->nodes)
	{
		my @all = $self->processes($node);
		kill('KILL', @all) if @all;
	}
	kill('KILL', grep { defined } map { $_->{pid} } @{ $self->{members} });
	$self->{net}->remove if $self->{net};
	return;
}

1;
