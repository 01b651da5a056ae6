# HaAlerts.pm: what stories about alerts have in common: a receiver, a cluster whose channels point to it, and rules
# over one small table, so that a story says what is wrong by writing into it.
#
#     my $story = HaAlerts->new(nodes => 2, channels => { ops => 'feishu' });
#     $story->rule('r', severity => 'critical');
#     $story->wrong('r', 'a' => 95);          # the condition holds for label thing=a, with value 95
#     $story->right('r', 'a');
package HaAlerts;

use strict;
use warnings;
use HaOps;
use HaReceiver;

my %secret = (feishu => 'feishu-secret', dingtalk => 'SECdingtalk');

# channels => { name => vendor or [vendor, lines] }; receiver => { options }; options => lines of postgresql.conf; the
# default rules are off, unless default_rules => 1. class => a kind of HaOps. keyword => what robots want to see.
sub new
{
	my ($class, %args) = @_;
	my $self = bless { keyword => $args{keyword} // 'Achtung' }, $class;

	$self->{receiver} = HaReceiver->new(secret_feishu => $secret{feishu}, secret_dingtalk => $secret{dingtalk},
		keyword => $self->{keyword}, %{ $args{receiver} // {} });
	$self->{channels} = File::Temp::tempdir('channels_XXXXXX', TMPDIR => 1, CLEANUP => 1);
	$self->channel($_, $args{channels}{$_}) for sort keys %{ $args{channels} // {} };
	$self->{cluster} = ($args{class} // 'HaOps')->new(nodes => $args{nodes} // 1, witnesses => $args{witnesses} // 0,
		sync => $args{sync} // 0, options => "pg_haops.promise = 1s\npg_haops.beat = 100ms\n"
			. "pg_haops.channel_directory = '$self->{channels}'\n" . ($args{options} // ''));
	$self->sql('CREATE EXTENSION pg_haops');
	$self->sql('UPDATE haops.alert_rule SET enabled = false') if !$args{default_rules};
	$self->sql('CREATE TABLE trouble (rule text, thing text, value float8, PRIMARY KEY (rule, thing))');
	return $self;
}

sub cluster { return $_[0]{cluster} }
sub receiver { return $_[0]{receiver} }
sub leader { my ($self) = @_; return $self->{cluster}->leader }
sub sql { my ($self, @queries) = @_; return $self->{cluster}->sql($self->leader, @queries) }

# Writes a channel's file anew; further lines may say what else it has.
sub channel
{
	my ($self, $name, $how) = @_;
	my ($vendor, @lines) = ref $how ? @$how : ($how);
	my $path = "$self->{channels}/$name.conf";

	push @lines, "secret = $secret{$vendor}" if $secret{$vendor} && !grep { /^secret/ } @lines;
	push @lines, "ca_file = " . $self->{receiver}->ca_file, 'from = db@example.com' if $vendor eq 'mail';
	push @lines, 'url = ' . $self->{receiver}->url($vendor, $name) if !grep { /^url/ } @lines;
	umask 077;
	open(my $file, '>', "$path.new") or die "$path: $!";
	print $file join("\n", "type = $vendor", 'local = on', "keyword = $self->{keyword}", @lines), "\n";
	close $file;
	umask 022;
	chmod 0600, "$path.new";
	rename("$path.new", $path) or die "$path: $!";
	return;
}

sub drop_channel { my ($self, $name) = @_; unlink "$self->{channels}/$name.conf"; return }

# A rule over the table of troubles, evaluated every second.
sub rule
{
	my ($self, $name, %columns) = @_;
	my %all = (query => "SELECT thing, value FROM public.trouble WHERE rule = '$name'", every => '1 s',
		comparison => '>', threshold => 90, summary => '{thing} is at {value}', %columns);
	my @names = sort keys %all;

	$self->sql(sprintf('INSERT INTO haops.alert_rule (name, %s) VALUES (%s)', join(', ', @names),
			join(', ', map { defined $_ ? "\$q\$$_\$q\$" : 'NULL' } $name, @all{@names})));
	return;
}

sub wrong
{
	my ($self, $rule, %values) = @_;

	$self->sql("INSERT INTO trouble VALUES ('$rule', '$_', $values{$_}) ON CONFLICT (rule, thing)"
			. " DO UPDATE SET value = excluded.value") for sort keys %values;
	return;
}

sub right
{
	my ($self, $rule, $thing) = @_;

	$self->sql("DELETE FROM trouble WHERE rule = '$rule' AND thing = '$thing'");
	return;
}

# The pid of a node's worker: 'sender', 'alerts'.
sub worker
{
	my ($self, $name, $which) = @_;
	my ($pid) = grep { `ps -o args= -p $_` =~ /pg_haops $which/ } $self->{cluster}->pids($name);

	return $pid;
}

sub until_taken
{
	my ($self, $channel, $pattern, $count, $limit) = @_;

	$self->{receiver}->wait_for(sub { ($self->{receiver}->taken($channel, $pattern)) >= ($count // 1) },
		"a message about $pattern comes to $channel", $limit);
	return $self->{receiver}->taken($channel, $pattern);
}

sub until_sql
{
	my ($self, $query, $what, $limit) = @_;
	my $ask = sub { my $answer = $self->sql($query); return $answer ne 'f' && $answer };

	return $self->{cluster}->until_true($ask, $what, $limit);
}

1;
