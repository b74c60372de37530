#!/usr/bin/perl
# Writes or reads one session with CGI::Session for so long: perl hammer.pl <write|read> <directory> <id> <milliseconds> <seed>
use strict;
use warnings;
use CGI::Session;
use CGI::Session::Driver::file;
use JSON ();
use Time::HiRes qw(sleep time);

my ($task, $directory, $id, $milliseconds, $seed) = @ARGV;
my $path = "$directory/cgisess_$id";
my $driver = CGI::Session::Driver::file->new({Directory => $directory});
my %counts;
srand $seed;

sub is_whole {
	my ($payload) = $_[0] =~ /^\$D = \{[^{}]*'payload' => '(([a-z])\2*)'[^{}]*\};(?:;\$D)?\n*$/ or return 0;
	my ($length) = $_[0] =~ /'n' => '?(\d+)'?/ or return 0;
	return length $payload == $length;
}

my %tasks = (
	# A request, which flushes now and then.
	write => sub {
		my $session = CGI::Session->new('driver:file;serializer:default', $id, {Directory => $directory});
		# A session that cannot be read is a torn one.
		if (!$session) { $counts{torn}++; return }
		# It found no session, and began another one.
		$counts{strangers}++ if $session->id ne $id;
		for (0 .. rand 16) {
			# All lengths from 1 to 60 KB, short ones more often than long ones, as in life.
			my $length = int(900 * 66 ** (rand() ** 2));
			$session->param(n => $length);
			$session->param(payload => chr(97 + int rand 26) x $length);
			my $file = (stat $path)[1];
			$session->flush or die $session->errstr;
			$counts{written}++;
			$counts{vanished}++ if $file != (stat $path)[1];
		}
	},

	read => sub {
		my $record = $driver->retrieve($id) // die $driver->errstr;
		$counts{reads}++;
		if (!$record) { $counts{empty}++ } elsif (!is_whole($record)) { $counts{torn}++ }
		sleep rand 0.01;
	},
);

my $end = time + $milliseconds / 1000;
$tasks{$task}->() while time < $end;
print JSON->new->encode(\%counts);
