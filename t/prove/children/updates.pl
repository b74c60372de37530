#!/usr/bin/perl
# Makes updates of session files with CGI::Session, as t/prove/shared/updates.ts does: perl updates.pl <driver>
use strict;
use warnings;
use lib 'scripts/perl';
use CGI::Session;
use JSON ();
use Time::HiRes qw(time);

$| = 1;
my ($driver) = @ARGV;

while (my $line = <STDIN>) {
	my $task = JSON::decode_json($line);
	my ($id, $writer) = @$task{qw(id writer)};
	my $end = time + $task->{milliseconds} / 1000;
	my @acknowledged;
	for (my $done = 0; $done < $task->{most} && time < $end; $done++) {
		my $session = CGI::Session->new("driver:$driver;serializer:default", $id, {Directory => $task->{options}{directory}})
			or die CGI::Session->errstr;
		my $tag = "$writer.$done";
		$session->param($writer => ($session->param($writer) || 0) + 1);
		$session->param(tags => [@{ $session->param('tags') || [] }, $tag]);
		push @acknowledged, $tag if $session->flush;
	}
	print JSON::encode_json(\@acknowledged), "\n";
}
