# HaSession.pm: one session with a server, which stays open: for stories in which sessions wait for one another.
#
#     my $a = $cluster->session('n1');
#     $a->do('BEGIN; LOCK TABLE t');            waits for the answer, dies when it is an error
#     $b->begin('SELECT * FROM t');             does not wait
#     $b->until_waiting;                        until the server says that it waits for something
#     $a->do('COMMIT');
#     print $b->finish;                         the answer of what was begun
#
# It speaks through psql, one line of input at a time. Ended with the story.
package HaSession;

use strict;
use warnings;
use Carp;
use IPC::Run ();

my $number = 0;

sub new
{
	my ($class, $cluster, $node, $conninfo) = @_;
	my $self = bless { cluster => $cluster, node => $node, in => '', out => '', err => '' }, $class;

	$self->{run} = IPC::Run::start([ 'psql', '-XAtq', '-d', $conninfo ], '<', \$self->{in}, '>', \$self->{out},
		'2>', \$self->{err}, IPC::Run::timeout($HaOps::DEADLINE * 5));
	$self->{pid} = $self->do('SELECT pg_backend_pid()');
	return $self;
}

sub pid { return $_[0]{pid} }

# Sends it, and a mark behind it: what comes before the mark is the answer.
sub begin
{
	my ($self, $query) = @_;

	croak 'the session is busy' if $self->{mark};
	$self->{mark} = 'mark ' . ++$number;
	$self->{query} = $query;
	$self->{in} .= "$query;\n\\echo $self->{mark}\n\\warn $self->{mark}\n";
	$self->{run}->pump_nb;
	return;
}

# The answer of what was begun; dies when the server said that it is an error. error() tells it instead.
sub finish
{
	my ($self) = @_;
	my $answer = $self->answer;

	croak "$self->{query}: $self->{error}" . $self->{cluster}->logs if $self->{error} =~ /^(?:ERROR|FATAL|PANIC):/m;
	return $answer;
}

sub do
{
	my ($self, $query) = @_;

	$self->begin($query);
	return $self->finish;
}

# The error, or an empty text.
sub error
{
	my ($self, $query) = @_;

	$self->begin($query) if defined $query;
	$self->answer;
	return $self->{error};
}

sub answer
{
	my ($self) = @_;
	my $mark = $self->{mark} // croak 'nothing was begun';

	$self->{cluster}->until_true(sub {
			$self->{run}->pump_nb if $self->{run}->pumpable;
			return $self->{out} =~ /^\Q$mark\E\n/m && $self->{err} =~ /^\Q$mark\E\n/m || !$self->{run}->pumpable;
		}, "a session answers: $self->{query}");
	my ($answer) = $self->{out} =~ /\A(.*?)^\Q$mark\E\n/ms;
	my ($error) = $self->{err} =~ /\A(.*?)^\Q$mark\E\n/ms;
	$self->{error} = $error // $self->{err} . 'FATAL:  the session is gone';
	@$self{qw(out err)} = ('', '');
	delete $self->{mark};
	$answer = '' unless defined $answer;
	chomp $answer;
	return $answer;
}

# Until the server says that this session waits, for a lock or for what the pattern names.
sub until_waiting
{
	my ($self, $pattern) = @_;

	$pattern //= '^Lock:';
	$self->{cluster}->until_true(sub {
			($self->{cluster}->sql($self->{node}, "SELECT wait_event_type || ':' || wait_event FROM pg_stat_activity
				WHERE pid = $self->{pid}") // '') =~ /$pattern/;
		}, "session $self->{pid} waits");
	return;
}

# Ends the session, as a client does that closes its connection.
sub close
{
	my ($self) = @_;

	return if $self->{closed}++;
	$self->{run}->kill_kill if $self->{mark};
	eval { $self->{in} .= "\\q\n"; $self->{run}->finish; 1 } or $self->{run}->kill_kill unless $self->{mark};
	return;
}

sub DESTROY { my ($self) = @_; local ($?, $@); eval { $self->close }; return }

1;
