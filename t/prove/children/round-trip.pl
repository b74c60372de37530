#!/usr/bin/perl
# What Perl's session modules make of a record: each line from standard input is a serializer's name and a record in hexadecimal
# digits, and is answered with the record as Perl writes it again ("ok" and digits), or with why Perl cannot ("no" and a text).
use strict;
use warnings;
use FindBin;
use CGI::Session::Serialize::default;
use CGI::Session::Serialize::freezethaw;
use CGI::Session::Serialize::storable;
use JSON ();
use YAML::Tiny ();

require "$FindBin::Bin/../../support/perl-check.pl";

$| = 1;
my %freeze = (
	DataDumper => sub { CGI::Session::Serialize::default->freeze($_[0]) },
	FreezeThaw => sub { CGI::Session::Serialize::freezethaw->freeze($_[0]) },
	Storable => sub { CGI::Session::Serialize::storable->freeze($_[0]) },
	# As Data::Session calls them; CGI::Session has none of JSON, and its own YAML is another one.
	JSON => sub { JSON->new->encode($_[0]) },
	YAML => sub { YAML::Tiny::freeze($_[0]) },
);

# What print makes of a text in a file without a layer: bytes, or all of it in UTF-8 as soon as one character is wider.
sub as_printed {
	my $text = shift;
	utf8::downgrade($text, 1) or utf8::encode($text);
	return $text;
}

while (my $line = <STDIN>) {
	my ($name, $digits) = split ' ', $line;
	my ($good, $value) = PerlCheck::thaw($name, pack 'H*', $digits // '');
	my $record = $good ? eval { as_printed($freeze{$name}->($value)) } : undef;
	my $reason = ($good ? $@ : $value) || 'nothing came out';
	$reason =~ s/\n.*//s;
	print defined $record ? 'ok ' . unpack('H*', $record) . "\n" : "no $reason\n";
}
