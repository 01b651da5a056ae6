# HaOps.pm: a pg_haops cluster for a story on real servers.
#
# Everything is made with the program's own commands (create, join, witness), in a temporary folder, on loopback, by
# the user who runs the test. Waiting is always for a condition, with a deadline; nothing sleeps for luck. The
# programs are found through PATH. At the end of the story everything that it started is ended, by pid.
package HaOps;

use strict;
use warnings;
use Carp;
use File::Basename ();
use File::Copy ();
use File::Path ();
use File::Temp ();
use IO::Socket::INET;
use IPC::Run ();
use JSON::PP ();
use POSIX ();
use Scalar::Util ();
use Time::HiRes ();

use HaSession;

our $DEADLINE = $ENV{PG_TEST_TIMEOUT_DEFAULT} // 60;
my @alive;									# every cluster of this program, to be ended with it

# Ports lie below 32768, where the kernel takes none for an outgoing connection: a server that was stopped finds its
# port free again. Each story has a hundred of them, and keeps others out by holding the first.
my ($held_port, $next_port);

sub bound
{
	my ($port) = @_;
	return IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Proto => 'tcp', Listen => 1);
}

# A port that nobody listens on now; each is handed out once.
sub free_port
{
	for (my $block = $$; !$held_port; $block++)
	{
		$next_port = 11000 + ($block % 200) * 100;
		$held_port = bound($next_port);
	}
	while (1)
	{
		my $port = ++$next_port;
		my $socket = bound($port) or next;
		close $socket;
		return $port;
	}
}

# HaOps->new(nodes => 3, witnesses => 0, sync => 0, options => 'lines for postgresql.conf')
sub new
{
	my ($class, %args) = @_;
	my $self = bless {
		dir => File::Temp::tempdir('haops_XXXXXX', TMPDIR => 1, CLEANUP => 1),
		nodes => [], witnesses => {}, options => $args{options} // '', maker => $$,
	}, $class;
	push @alive, $self;
	Scalar::Util::weaken($alive[-1]);

	$self->create($args{sync} // 0);
	$self->join_node("n$_") for 2 .. ($args{nodes} // 3);
	$self->join_witness("w$_") for 1 .. ($args{witnesses} // 0);
	return $self;
}

# One or more plain servers with the library but without a cluster: HaOps->plain(options => '...'); the first is n1.
sub plain
{
	my ($class, %args) = @_;
	my $self = bless {
		dir => File::Temp::tempdir('haops_XXXXXX', TMPDIR => 1, CLEANUP => 1),
		nodes => [], witnesses => {}, options => $args{options} // '', maker => $$,
	}, $class;
	push @alive, $self;
	Scalar::Util::weaken($alive[-1]);
	my $node = $self->add_node('n1');

	$self->run_ok('initdb', '-D', $self->data('n1'), '-A', 'trust', '-U', 'postgres', '--no-sync', '--no-locale',
		'-E', 'UTF8', @{ $args{initdb} // [] });
	$self->settle_conf($node);
	$self->start('n1');
	return $self;
}

# A standby of a plain server, or of another standby, with a slot of its own name.
sub plain_standby
{
	my ($self, $name, $from, $options) = @_;
	my $node = $self->add_node($name);

	$self->run_ok('pg_basebackup', '-D', $self->data($name), '-h', $self->{dir}, '-p', $self->node($from)->{port},
		'-R', '-c', 'fast', '-C', '-S', $name, '-d', "application_name=$name user=postgres");
	$self->settle_conf($node);
	open(my $conf, '>>', $self->data($name) . '/postgresql.conf') or croak $!;
	print $conf $options // '', "\n";
	close $conf;
	$self->start($name);
	$self->until_streaming($name, $from);
	return;
}

sub dir { return $_[0]{dir} }
sub names { return map { $_->{name} } @{ $_[0]{nodes} } }
sub data { my ($self, $name) = @_; return "$self->{dir}/$name" }
sub others { my ($self, $name) = @_; return grep { $_ ne $name } $self->names }
sub state_file { my ($self, $name, $file) = @_; return $self->data($name) . "/pg_haops/pgsql_tmp/$file" }
sub host { return '127.0.0.1' }							# where a member lives, and how a program runs there
sub inside { my ($self, $name, @command) = @_; return @command }
sub place { my ($self, $name, $port) = @_; return $self->host($name) . ':' . $self->node($name)->{$port} }
sub key { my ($self) = @_; return $self->data('n1') . '/pg_haops/pgsql_tmp/key' }

sub node
{
	my ($self, $name) = @_;
	my ($node) = grep { $_->{name} eq $name } @{ $self->{nodes} };

	return $node // croak "no node $name";
}

# Runs a program to its end; returns (exit status, stdout, stderr).
sub run
{
	my ($self, @command) = @_;
	my ($out, $err) = ('', '');

	eval { IPC::Run::run(\@command, '<', \undef, '>', \$out, '2>', \$err, IPC::Run::timeout($DEADLINE)); 1 }
	  or return (-1, $out, "$err$@");
	return ($? >> 8, $out, $err);
}

sub run_ok
{
	my ($self, @command) = @_;
	my ($status, $out, $err) = $self->run(@command);

	croak "failed with $status: @command\n$out$err" . $self->logs if $status != 0;
	return $out;
}

# The ends of all logs, for a failure's report.
sub logs
{
	my ($self) = @_;
	my $text = '';

	for my $log (glob "$self->{dir}/*.log")
	{
		open(my $in, '<', $log) or next;
		my @lines = grep { !/client backend (ERROR|STATEMENT)/ } <$in>;	# the questions of this story
		splice(@lines, 0, @lines - 40) if @lines > 40;
		$text .= "---- $log\n" . join('', @lines);
	}
	return $text;
}

sub add_node
{
	my ($self, $name) = @_;
	my $node = { name => $name, port => free_port(), peer => free_port() };
	push @{ $self->{nodes} }, $node;
	return $node;
}

# Settings of the test's own: quick, quiet, on loopback.
sub settle_conf
{
	my ($self, $node) = @_;

	open(my $conf, '>>', $self->data($node->{name}) . '/postgresql.conf') or croak $!;
	print $conf "port = $node->{port}\nunix_socket_directories = '$self->{dir}'\n",
	  "listen_addresses = '" . $self->host($node->{name}) . "'\n",
	  "log_line_prefix = '%m [%p] %b '\nmax_prepared_transactions = 5\nlog_checkpoints = off\n$self->{options}\n";
	close $conf;
	return;
}

sub create
{
	my ($self, $sync) = @_;
	my $node = $self->add_node('n1');

	$self->run_ok('pg_haops', 'create', '--data', $self->data('n1'), '--name', 'n1', '--cluster', 'story',
		'--address', $self->place('n1', 'port'), '--peer', $self->place('n1', 'peer'), '--initdb',
		($sync ? ('--sync', $sync) : ()));
	$self->settle_conf($node);
	$self->start('n1');
	$self->until_true(sub { $self->leader eq 'n1' }, 'n1 leads');
	return;
}

sub join_node
{
	my ($self, $name) = @_;
	my $node = $self->add_node($name);

	$self->run_ok('pg_haops', 'join', '--data', $self->data($name), '--name', $name, '--key', $self->key,
		'--through', $self->place('n1', 'peer'),
		'--address', $self->place($name, 'port'), '--peer', $self->place($name, 'peer'));
	$self->settle_conf($node);
	$self->start($name);
	$self->until_true(sub { $self->member($name)->{voter} }, "$name votes");
	return;
}

sub join_witness
{
	my ($self, $name) = @_;
	my $port = free_port();
	mkdir $self->data($name), 0700;
	$self->{witnesses}{$name} = { port => $port };
	$self->start_witness($name, '--name', $name, '--key', $self->key, '--listen', $self->host($name) . ":$port",
		'--join', $self->place('n1', 'peer'));
	$self->until_true(sub { $self->member($name)->{voter} }, "$name votes");
	return;
}

sub start_witness
{
	my ($self, $name, @options) = @_;

	$self->{witnesses}{$name}{pid} =
	  $self->spawn($name, 'pg_haops', 'witness', '--state', $self->data($name), @options);
	return;
}

# Starts a program that goes on beside us, its output in NAME.log. It is our child, as it would be a supervisor's:
# nobody else reaps in time, and PostgreSQL takes a zombie for a running postmaster.
sub spawn
{
	my ($self, $name, @command) = @_;
	my $pid = fork // croak $!;

	@command = $self->inside($name, @command);
	if ($pid == 0)
	{
		no warnings 'exec';
		POSIX::setsid();
		open(STDIN, '<', '/dev/null');
		open(STDOUT, '>>', "$self->{dir}/$name.log");
		open(STDERR, '>&', \*STDOUT);
		exec { $command[0] } @command;
		POSIX::_exit(127);
	}
	$self->{children}{$pid} = 1;
	return $pid;
}

# Does the process live? Reaps our children.
sub lives
{
	my ($self, $pid) = @_;

	for my $child (keys %{ $self->{children} // {} })
	{
		delete $self->{children}{$child} if waitpid($child, POSIX::WNOHANG()) != 0;
	}
	return $pid && kill(0, $pid);
}

# ---- Asking ----

sub sql
{
	my ($self, $name, $query) = @_;

	return $self->sql_or_error($name, $query) // croak "$name: $self->{error}" . $self->logs;
}

# The answer, or undef and the reason in {error}.
sub sql_or_error
{
	my ($self, $name, $query) = @_;
	my ($status, $out, $err) = $self->run('psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-h', $self->{dir},
		'-p', $self->node($name)->{port}, '-d', 'postgres', '-c', $query);

	chomp $out;
	$self->{error} = $err;
	return $status == 0 ? $out : undef;
}

# A client with one command, which goes on beside us: {run}->finish ends it, {out} and {err} are what it said.
sub client
{
	my ($self, $name, $query) = @_;
	my $client = { out => '', err => '' };

	$client->{run} = IPC::Run::start(['psql', '-XAtq', '-h', $self->{dir}, '-p', $self->node($name)->{port},
			'-d', 'postgres', '-c', $query], '<', '/dev/null', '>', \$client->{out}, '2>', \$client->{err});
	return $client;
}

# A session that stays open, see HaSession; the options are libpq's: user, dbname, application_name, ...
sub session
{
	my ($self, $name, %options) = @_;

	my %place = (host => $self->{dir}, port => $self->node($name)->{port}, dbname => 'postgres', %options);
	return HaSession->new($self, $name, join(' ', map { "$_='$place{$_}'" } sort keys %place));
}

sub log_of
{
	my ($self, $name) = @_;
	open(my $in, '<', "$self->{dir}/$name.log") or return '';
	local $/ = undef;
	return <$in> // '';
}

# What the member itself says, as decoded JSON; undef when it does not answer.
sub status
{
	my ($self, $name) = @_;
	my ($status, $out) = $self->run('pg_haops', 'status', '--json', '--data', $self->data($name));

	return eval { JSON::PP::decode_json($out) };
}

# The name of the member that says of itself that it leads and is open; '' when there is none.
sub leader
{
	my ($self) = @_;

	for my $node (@{ $self->{nodes} })
	{
		my $status = $self->status($node->{name}) // next;

		return $node->{name} if ($status->{role} // '') eq 'leader';
	}
	return '';
}

# A member's line in the status of whoever answers; {} when nobody does.
sub member
{
	my ($self, $name) = @_;

	for my $node (@{ $self->{nodes} })
	{
		my $status = $self->status($node->{name}) // next;
		my ($member) = grep { $_->{name} eq $name } @{ $status->{members} // [] };

		return $member if $member;
	}
	return {};
}

# Asks again until it is true; dies with the logs when the deadline passes.
sub until_true
{
	my ($self, $condition, $what, $limit) = @_;
	my $end = Time::HiRes::time() + ($limit // $DEADLINE);

	while (Time::HiRes::time() < $end)
	{
		my $answer = $condition->();
		return $answer if $answer;
		select(undef, undef, undef, 0.02);
	}
	croak "timed out waiting until $what" . $self->logs;
}

# Whoever leads and has committed something just now.
sub until_writable
{
	my ($self, $limit, @among) = @_;

	return $self->until_true(
		sub {
			for my $name (@among ? @among : $self->names)
			{
				return $name if defined $self->sql_or_error($name, 'SELECT pg_logical_emit_message(true, \'t\', \'\')');
			}
			return '';
		}, 'somebody takes writes', $limit);
}

# Until the log of a member has it, behind byte `from`.
sub until_logged
{
	my ($self, $name, $pattern, $from) = @_;
	return $self->until_true(sub { substr($self->log_of($name), $from // 0) =~ $pattern }, "$name logs $pattern");
}

# For what must not happen: there is nothing to wait for but the time in which it would.
sub pass_time
{
	my ($self, $seconds) = @_;
	my $end = Time::HiRes::time() + $seconds;
	return $self->until_true(sub { Time::HiRes::time() > $end }, 'time has passed');
}

# Until `name` streams from `from`, as `from` sees it, and answers: WAL flows before a standby lets anyone in.
sub until_streaming
{
	my ($self, $name, $from, $limit) = @_;

	$self->until_true(
		sub {
			my $streams = $self->sql_or_error($from,
				"SELECT count(*) FROM pg_stat_replication WHERE application_name = '$name' AND state = 'streaming'");
			return ($streams // 0) eq '1' && defined $self->sql_or_error($name, 'SELECT 1');
		}, "$name streams from $from", $limit);
	return;
}

# ---- Faults ----

# Starts a node and leaves it alone: what comes of it is the story's matter.
sub begin_start
{
	my ($self, $name) = @_;

	return $self->{server}{$name} = $self->spawn($name, 'postgres', '-D', $self->data($name));
}

# Until it answers; started again when it ends before that, as a supervisor would.
sub start
{
	my ($self, $name) = @_;

	$self->until_true(
		sub {
			$self->begin_start($name) unless $self->lives($self->{server}{$name});
			return defined $self->sql_or_error($name, 'SELECT 1');
		}, "$name answers");
	return;
}

sub stop
{
	my ($self, $name, $mode) = @_;

	$self->run_ok('pg_ctl', '-D', $self->data($name), '-m', $mode // 'fast', '-w', 'stop');
	return;
}

# The pid of the postmaster, 0 when there is none.
sub postmaster
{
	my ($self, $name) = @_;

	open(my $file, '<', $self->data($name) . '/postmaster.pid') or return 0;
	my $pid = <$file>;
	return defined $pid && $pid =~ /^(\d+)/ && $self->lives($1) ? $1 : 0;
}

sub kill_postmaster
{
	my ($self, $name) = @_;
	my $pid = $self->postmaster($name) or croak "$name does not run";
	kill 'KILL', $pid;
	$self->until_true(sub { !$self->lives($pid) }, "$name is gone");
	return;
}

# All processes of the node.
sub pids
{
	my ($self, $name) = @_;
	my $postmaster = $self->postmaster($name);
	my $children = `ps -o pid= --ppid $postmaster`;
	return ($postmaster, map { int } split ' ', $children);
}

# The pid of the node's ha worker, 0 when there is none.
sub ha_worker
{
	my ($self, $name) = @_;
	my $postmaster = $self->postmaster($name) || return 0;
	my ($line) = grep { /pg_haops ha / } `ps -o pid=,args= --ppid $postmaster`;

	return ($line // '') =~ /(\d+)/ ? $1 : 0;
}

sub freeze
{
	my ($self, $name) = @_;

	$self->{frozen}{$name} = [ $self->pids($name) ];
	kill 'STOP', @{ $self->{frozen}{$name} };
	return;
}

sub thaw { my ($self, $name) = @_; kill 'CONT', @{ delete $self->{frozen}{$name} }; return }

# Before the temporary folders go away, which is before objects are destroyed at the end of a program.
END { my $status = $?; $_ && $_->end for @alive; $? = $status }

# A story that failed, or did not come to its end, leaves its logs where check-tap keeps them.
sub keep_logs
{
	my ($self) = @_;
	my $to = $ENV{TESTLOGDIR} // return;
	my $test = Test::Builder->can('new') ? Test::Builder->new : return;

	return if $test->is_passing && $test->has_plan;
	$to .= '/' . File::Basename::basename($0, '.pl');
	File::Path::make_path($to);
	File::Copy::copy($_, $to) for glob "$self->{dir}/*.log";
	return;
}

sub DESTROY { my ($self) = @_; local $?; $self->end; return }

sub end
{
	my ($self) = @_;

	return if $self->{ended}++ || $self->{maker} != $$;
	$self->keep_logs;
	kill 'CONT', @$_ for values %{ $self->{frozen} // {} };
	for my $node (@{ $self->{nodes} })
	{
		my $pid = $self->postmaster($node->{name}) or next;
		kill 'QUIT', $pid;
		my $end = Time::HiRes::time() + 10;
		select(undef, undef, undef, 0.02) while $self->lives($pid) && Time::HiRes::time() < $end;
		kill 'KILL', $pid;
	}
	for my $witness (values %{ $self->{witnesses} })
	{
		next unless $self->lives($witness->{pid});
		kill 'TERM', $witness->{pid};
		waitpid $witness->{pid}, 0;
	}
	return;
}

1;
