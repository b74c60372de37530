#!/usr/bin/perl
# Removes sessions with CGI::Session, each after so many milliseconds: perl logouts.pl <driver> <arguments as JSON>
use strict;
use warnings;
use CGI::Session;
use JSON ();
use Time::HiRes qw(sleep);

$| = 1;
my ($driver, $arguments) = @ARGV;

while (my $line = <STDIN>) {
	my $task = JSON::decode_json($line);
	my ($ids, $after) = @$task{qw(ids after)};
	my $waited = 0;
	for my $index (sort { $after->[$a] <=> $after->[$b] } 0 .. $#$ids) {
		sleep(($after->[$index] - $waited) / 1000);
		$waited = $after->[$index];
		my $session = CGI::Session->load("driver:$driver;serializer:default", $ids->[$index], JSON::decode_json($arguments))
			or die CGI::Session->errstr;
		$session->delete;
		$session->flush;
	}
	print "0\n";
}
