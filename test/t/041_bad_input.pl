# What is wrong is refused with one clear error and a hint, changes nothing, and takes nothing down: names, addresses,
# keys, directories, foreign clusters; S14 (a directory in use), S48 (no room, or not empty), S51 (a copied state).
use strict;
use warnings;
use Test::More;
use File::Copy ();
use IO::Socket::INET;
use HaOps;

my $cluster = HaOps->new(nodes => 2, witnesses => 1);
my $dir = $cluster->dir;
my $key = $cluster->key;
my $through = '127.0.0.1:' . $cluster->node('n1')->{peer};
my ($free_port, $free_peer) = (HaOps::free_port(), HaOps::free_port());

# Everything about a folder that a command might have changed.
sub picture
{
	my ($path) = @_;
	return -e $path ? `cd '$path' && find . -type f | sort | xargs -d '\\n' ls -ln --time-style=full-iso` : 'nothing';
}

# The command must end with this code, say one error that matches, and leave the folder alone.
sub refused
{
	my ($what, $code, $error, $folder, @command) = @_;
	my $before = defined $folder ? picture($folder) : '';
	my ($status, $out, $err) = $cluster->run('pg_haops', @command);

	is($status, $code, "$what: exit code $code") or diag $out;
	like($err, qr/^pg_haops \w+: error: [^\n]*$error/m, "$what: says why");
	is(scalar(() = $err =~ /^pg_haops \w+: error: /mg), 1, "$what: one error") or diag $err;
	is(picture($folder), $before, "$what: changes nothing") if defined $folder;
	return;
}

my %create = (name => 'x1', cluster => 'other', address => "127.0.0.1:$free_port", peer => "127.0.0.1:$free_peer",
	data => "$dir/x1");

sub create
{
	my (%change) = @_;
	my %options = (%create, %change);
	return ('create', (map { ("--$_", $options{$_}) } grep { defined $options{$_} } sort keys %options));
}

# ---- The command line ----

refused('no such option', 2, '"--nonsense" is not understood', undef, 'status', '--nonsense');
refused('no member named', 2, 'no member is named', undef, 'status');
refused('an option twice', 2, '--name was given twice', undef, create(), '--name', 'x2');
refused('something missing', 2, 'are needed', undef, create(cluster => undef));
refused("name \"$_\"", 2, 'is no name', "$dir/x1", create(name => $_), '--initdb')
  for '', '-x', 'a b', 'ä', "a'b", '../x', 'x' x 32;
refused("cluster \"$_\"", 2, 'is no name', "$dir/x1", create(cluster => $_), '--initdb') for '', 'a b', 'x' x 32;
refused("address \"$_\"", 2, 'is no numeric address', "$dir/x1", create(address => $_), '--initdb')
  for '', 'db1:5432', '127.0.0.1:0', '127.0.0.1:99999', '127.0.0.1:x', '300.1.1.1:5432', '[::1:5432';
refused("peer \"$_\"", 2, 'is no numeric address', "$dir/x1", create(peer => $_), '--initdb')
  for '127.0.0.1', 'localhost:7000', '127.0.0.1:-1';
refused('one port for two', 1, 'name the same port', "$dir/x1", create(peer => "127.0.0.1:$free_port"), '--initdb');
refused("setting \"$_\"", 2, 'is no setting', "$dir/x1", create(), '--initdb', '--set', $_)
  for 'x', '=1', 'a b=1', "work_mem=1\nport=1";
refused("sync \"$_\"", 2, 'is not a number', "$dir/x1", create(), '--initdb', '--sync', $_) for '-1', 'x', '99';
refused('programs that are not there', 1, 'no program postgres', "$dir/x1", create(), '--initdb', '--programs', '/tmp');

# ---- Data directories ----

refused('no directory', 1, 'there is no directory', "$dir/x1", create());
refused('a member already', 1, 'is already a member', undef, create(data => $cluster->data('n1')));
refused('not empty', 1, 'is not empty', undef, create(data => $cluster->data('n2')), '--initdb');
mkdir "$dir/empty";
refused('no data directory', 1, 'has no PG_VERSION', "$dir/empty", create(data => "$dir/empty"));

# A server of its own, outside of the cluster.
$cluster->run_ok('initdb', '-D', "$dir/x1", '-k', '--auth-local=trust', '--auth-host=scram-sha-256');
open(my $conf, '>>', "$dir/x1/postgresql.conf") or die $!;
print $conf "unix_socket_directories = '$dir'\n";
close $conf;
$cluster->run_ok('pg_ctl', '-D', "$dir/x1", '-l', "$dir/x1.log", '-o', "-p $free_port", '-w', 'start');
refused('a server that runs', 1, 'a server .process \d+. runs', undef, create());
$cluster->run_ok('psql', '-X', '-h', $dir, '-p', $free_port, '-d', 'postgres', '-c',
	"ALTER SYSTEM SET port = $free_port");
$cluster->run_ok('pg_ctl', '-D', "$dir/x1", '-m', 'immediate', '-w', 'stop');
refused('not shut down', 1, 'was not shut down cleanly', "$dir/x1", create());
$cluster->run_ok('pg_ctl', '-D', "$dir/x1", '-l', "$dir/x1.log", '-w', 'start');
$cluster->run_ok('pg_ctl', '-D', "$dir/x1", '-m', 'fast', '-w', 'stop');
refused('a setting that must not be there', 1, 'postgresql.auto.conf" sets port', "$dir/x1", create());
unlink "$dir/x1/postgresql.auto.conf";
refused('a setting that can not be', 1, 'fsync is "off"', undef, create_with("fsync = off\n"));
refused('a configuration with a mistake', 1, 'postgres ended with exit code', undef, create_with("work_mem = blue\n"));

# Appends to the configuration for one command.
sub create_with
{
	my ($line) = @_;
	File::Copy::copy("$dir/x1/postgresql.conf", "$dir/conf.kept") unless -e "$dir/conf.kept";
	File::Copy::copy("$dir/conf.kept", "$dir/x1/postgresql.conf");
	open(my $out, '>>', "$dir/x1/postgresql.conf") or die $!;
	print $out $line;
	close $out;
	return create();
}
create_with('');

# ---- Keys ----

sub write_key
{
	my ($name, $text, $mode) = @_;
	open(my $out, '>', "$dir/$name") or die $!;
	print $out $text;
	close $out;
	chmod $mode, "$dir/$name";
	return "$dir/$name";
}

my $digits = 'ab' x 32;
refused('a key file that is not there', 1, 'the key file', undef, 'status',
	'--through', $through, '--key', "$dir/none");
refused('a key that others can read', 1, 'the key file', undef, 'status', '--through', $through, '--key',
	write_key('open', "$digits\n", 0644));
refused('a key that is too short', 1, 'the key file', undef, 'status', '--through', $through, '--key',
	write_key('short', "abab\n", 0600));
refused('a key with other letters', 1, 'the key file', undef, 'status', '--through', $through, '--key',
	write_key('letters', 'xy' x 32 . "\n", 0600));
symlink $key, "$dir/link";
refused('a key through a link', 1, 'the key file', undef, 'status', '--through', $through, '--key', "$dir/link");
refused('the key of another cluster', 1, 'the key is another', undef, 'status', '--through', $through, '--key',
	write_key('foreign', "$digits\n", 0600));
refused('nobody listens', 1, 'Connection refused', undef, 'status', '--timeout', 2, '--through', "127.0.0.1:$free_peer",
	'--key', $key);

# ---- join ----

my %join = (name => 'n3', key => $key, through => $through, address => "127.0.0.1:$free_port",
	peer => "127.0.0.1:$free_peer", data => "$dir/n3");

sub join_words
{
	my (%change) = @_;
	my %options = (%join, %change);
	return ('join', (map { ("--$_", $options{$_}) } sort keys %options));
}

refused('the wrong key', 1, 'the key is another', "$dir/n3", join_words(key => "$dir/foreign"));
refused('a name that is taken', 1, 'the name "n2" is taken', "$dir/n3", join_words(name => 'n2'));
refused('a name like another', 1, 'differs from n2 only in case', "$dir/n3", join_words(name => 'N2'));
refused('a peer address that is taken', 1, 'is that of n2', "$dir/n3",
	join_words(peer => '127.0.0.1:' . $cluster->node('n2')->{peer}));
refused('an address that is taken', 1, 'is that of n1', "$dir/n3",
	join_words(address => '127.0.0.1:' . $cluster->node('n1')->{port}));
refused('a configuration that is not there', 1, 'there is no postgresql.conf in', "$dir/n3",
	join_words(config => "$dir/empty"));
refused('a directory that is not empty', 1, 'is not empty', "$dir/x1", join_words(data => "$dir/x1"));
refused('a stranger to be adopted', 1, 'is of another PostgreSQL system', "$dir/x1",
	join_words(data => "$dir/x1"), '--adopt');

# No SQL connection to the leader: nobody is added, nothing is copied.
my $hba = $cluster->data('n1') . '/pg_hba.conf';
File::Copy::copy($hba, "$dir/hba.kept");
open(my $out, '>', $hba) or die $!;
print $out "local all all peer\n";
close $out;
$cluster->run_ok('pg_ctl', '-D', $cluster->data('n1'), 'reload');
refused('a leader that lets nobody in', 1, 'no pg_hba.conf entry', "$dir/n3", join_words());
File::Copy::copy("$dir/hba.kept", $hba);
$cluster->run_ok('pg_ctl', '-D', $cluster->data('n1'), 'reload');

# A copy that fails half way: the member is taken out again, the copy removed.
{
	my ($bin) = grep { -x "$_/pg_basebackup" } split(/:/, $ENV{PATH});

	rename "$bin/pg_basebackup", "$bin/pg_basebackup.kept" or die $!;
	open(my $fake, '>', "$bin/pg_basebackup") or die $!;
	print $fake "#!/bin/sh\nmkdir -p \"\$2\"; echo half >\"\$2/half\"; "
		. "echo 'pg_basebackup: error: the disk is on fire' >&2; exit 1\n";
	close $fake;
	chmod 0755, "$bin/pg_basebackup";
	refused('a copy that fails', 1, 'the disk is on fire', "$dir/n3", join_words());
	rename "$bin/pg_basebackup.kept", "$bin/pg_basebackup" or die $!;
}
is(join(',', map { $_->{name} } @{ $cluster->status('n1')->{members} }), 'n1,n2,w1', 'nobody was added');

# ---- The state of a member ----

# A copied data directory is no member's (R2).
$cluster->stop('n2');
$cluster->run_ok('cp', '-a', $cluster->data('n2'), "$dir/copy");
refused('a copied directory', 1, 'copy|made elsewhere', "$dir/copy", 'status', '--data', "$dir/copy");
my $state = $cluster->data('n2') . '/pg_haops/pgsql_tmp/state';
File::Copy::copy($state, "$dir/state.kept");
truncate $state, 100;
refused('a state that is cut off', 1, 'pgsql_tmp', undef, 'status', '--data', $cluster->data('n2'));
{
	open(my $handle, '+<', $state) or die $!;
	open(my $kept, '<', "$dir/state.kept") or die $!;
	binmode $_ for $handle, $kept;
	local $/;
	print $handle scalar <$kept>;
}
chmod 0644, $state;
refused('a state that others can read', 1, 'pgsql_tmp', undef, 'status', '--data', $cluster->data('n2'));
chmod 0600, $state;
$cluster->start('n2');
my ($status, $text) = $cluster->run('pg_haops', 'status', '--wait', 60, '--events', '--data', $cluster->data('n1'));
is($status, 0, 'after all this the cluster is well') or diag $text . $cluster->logs;
is($cluster->sql('n1', 'SELECT 1'), '1', 'and serves');

# ---- rejoin and failover ----

refused('rejoin of a server that runs', 1, 'in use|another process|still works', undef,
	'rejoin', '--clone', '--data', $cluster->data('n2'));
refused('a failover without --force', 2, 'needs --force', undef, 'failover', '--data', $cluster->data('n2'));
refused('a failover while there is a leader', 1, 'leads: there is nothing to be forced', undef,
	'failover', '--force', '--data',
	$cluster->data('n2'), '--yes-i-accept-loss', 'story');

# ---- A server that ends as soon as it was started ----

my $occupier = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $free_port, Listen => 1) or die $!;
my $began = time;
refused('a port that is taken', 1, 'has ended: FATAL: +could not create any TCP/IP sockets', undef,
	join_words(), '--start');
cmp_ok(time - $began, '<', 60, 'and does not wait for a server that is gone');

undef $cluster;
done_testing();
