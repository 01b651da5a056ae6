#
# Reading a source file for the tidy checks: its lines, its code without comments and strings, its functions.
#
package Source;

use strict;
use warnings;

# A file of the tree below $root. The path decides how it is read: kind is c, sql, perl, shell, python, make
# or text.
sub new
{
	my ($class, $root, $path) = @_;
	open(my $handle, '<:encoding(UTF-8)', "$root/$path") or die "tidy: cannot read $path: $!\n";
	my $text = do { local $/; <$handle> };
	close($handle);
	$text = '' unless defined $text;
	my $self = bless { path => $path, text => $text, lines => [ split(/\n/, $text, -1) ] }, $class;
	pop @{ $self->{lines} } if @{ $self->{lines} } && $self->{lines}[-1] eq '';
	$self->{kind} = kind_of($path, $self->{lines}[0] // '');
	$self->{code} = $self->{kind} eq 'c' ? [ split(/\n/, without_comments($text), -1) ] : $self->{lines};
	return $self;
}

sub kind_of
{
	my ($path, $first_line) = @_;
	return 'c' if $path =~ /\.[ch]$/;
	return 'sql' if $path =~ /\.sql$/;
	return 'perl' if $path =~ /\.(?:pl|pm)$/ || $first_line =~ /^#!.*\bperl\b/;
	return 'shell' if $path =~ /\.sh$/ || $first_line =~ /^#!.*\b(?:ba)?sh\b/;
	return 'python' if $path =~ /\.py$/ || $first_line =~ /^#!.*\bpython3?\b/;
	return 'make' if $path =~ /(?:^|\/)Makefile$/;
	return 'text';
}

# C text with comments and the insides of strings blanked, every line break and column kept.
sub without_comments
{
	my ($text) = @_;
	my $blank = sub { my ($s) = @_; $s =~ s/[^\n\t]/ /g; return $s; };
	my $empty = sub { my ($s) = @_; return substr($s, 0, 1) . ' ' x (length($s) - 2) . substr($s, -1); };
	$text =~ s{ (//[^\n]* | /\*.*?\*/) | ("(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*') }
		{ defined $1 ? $blank->($1) : $empty->($2) }gsex;
	return $text;
}

# The functions of a Python file: [name, line of the name, lines of the body], methods too. A body ends before the next
# line that is not indented more than its def.
sub python_functions
{
	my ($self) = @_;
	my $lines = $self->{lines};
	my (@open, @found);

	for my $i (0 .. $#$lines + 1)
	{
		my $line = $lines->[$i] // 'end';
		next if $line =~ /^\s*$/;
		my ($indent) = $line =~ /^(\t*)/;
		while (@open && length($indent) <= $open[-1][2] && $line !~ /^\s*\)/)
		{
			my ($name, $at, undef, $last) = @{ pop @open };
			push @found, [ $name, $at, $last - $at ];
		}
		$_->[3] = $i + 1 for @open;
		push @open, [ $1, $i + 1, length($indent), $i + 1 ] if $line =~ /^\t*(?:async\s+)?def\s+(\w+)/;
	}
	return @found;
}

# The functions of a C file, by their braces in the first column: [name, line of the name, lines between the
# braces].
sub functions
{
	my ($self) = @_;
	my $code = $self->{code};
	my ($open, @found);

	for my $i (0 .. $#$code)
	{
		$open = $i if $code->[$i] =~ /^\{/;
		next unless defined $open && $code->[$i] =~ /^\}/;
		if ($code->[$i] =~ /^\}\s*$/)
		{
			my $head = $open;
			$head-- while $head > 0 && $code->[$head] !~ /^\w.*\(/ && $code->[ $head - 1 ] =~ /\S/;
			my ($name) = $code->[$head] =~ /(\w+)\s*\(/;
			push @found, [ $name, $head + 1, $i - $open - 1 ] if defined $name;
		}
		undef $open;
	}
	return @found;
}

# Calls $found->(line number, match) for every match of $pattern in the code.
sub each_match
{
	my ($self, $pattern, $found) = @_;
	my $code = $self->{code};

	for my $i (0 .. $#$code)
	{
		while ($code->[$i] =~ /$pattern/g)
		{
			$found->($i + 1, defined $1 ? $1 : $&);
		}
	}
	return;
}

1;
