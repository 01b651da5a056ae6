#
# What a failed test left is kept (test/lib.sh, place_keep): by patterns and by folders.
#
use strict;
use warnings;
use Cwd qw(getcwd);
use File::Temp qw(tempdir);
use Test::More;

my $dir = tempdir(CLEANUP => 1);

sub put
{
	my ($path) = @_;
	open(my $handle, '>', "$dir/$path") or die "$path: $!\n";
	print $handle "kept\n";
	close($handle);
	return;
}

# What place_keep says, and the files that it has kept.
sub keep
{
	my (@patterns) = @_;
	my $lib = getcwd() . "/test/lib.sh";
	open(my $handle, '-|', 'bash', '-c', 'set -euo pipefail; cd "$1" && shift && . "$1" && shift && place=place && ' .
		'place_keep some "$@"', 'keep', $dir, $lib, @patterns) or die "bash: $!\n";
	my $said = join('', <$handle>);
	ok(close($handle), "keeping @patterns is no failure");
	chomp(my @kept = `cd '$dir/build/log/some' && find . -type f -printf '%P\\n'`);
	return ($said, join(' ', sort @kept));
}

mkdir "$dir/$_" for qw(place place/work place/work/log);
put("place/work/$_") for ('n1.log', 'n1-server.log', 'with blank.log', 'PG_VERSION', 'log/deep.log');

my ($said, $kept) = keep('*.log');
is($said, "logs are in build/log/some\n", 'it says where');
is($kept, 'n1-server.log n1.log with blank.log', 'a pattern names files of the place');

($said, $kept) = keep('log', 'not there', '*.diffs');
is($kept, 'log/deep.log', 'a folder is kept whole, and what was kept before is gone; what is missing is no matter');

($said, $kept) = keep('*.diffs');
is($said, "there are no logs to keep\n", 'nor is a place claimed that is empty');
is($kept, '', 'nothing is kept');

done_testing();
