#!/usr/bin/perl
# What Perl does to session files: perl file-driver.pl <task> <directory> <id> ...
use strict;
use warnings;
use CGI::Session;
use CGI::Session::Driver::file;
use Fcntl qw(:flock);
use JSON ();
use Time::HiRes qw(time);

$| = 1;
my ($task, $directory, $id, @rest) = @ARGV;
my $driver = CGI::Session::Driver::file->new({Directory => $directory}) or die CGI::Session::Driver::file->errstr;

sub session {
	return CGI::Session->new('driver:file', $id, {Directory => $directory}) || die CGI::Session->errstr;
}

# The number of bytes wrong is not wanted: whole or not.
sub is_whole {
	my $text = shift;
	return 0 if $text !~ /^\$D = \{[^{}]*\};(?:;\$D)?\n*$/;
	my ($payload) = $text =~ /'payload' => '(([a-z])\2*)'/ or return 0;
	my ($length) = $text =~ /'n' => '?(\d+)'?/ or return 0;
	return length($payload) == $length;
}

my %tasks = (
	# The record as it is, through the driver.
	retrieve => sub { print $driver->retrieve($id) || '' },

	# A record from standard input, through the driver.
	store => sub { local $/; $driver->store($id, scalar <STDIN>) or die $driver->errstr },

	remove => sub { $driver->remove($id) or die $driver->errstr },

	traverse => sub { my @ids; $driver->traverse(sub { push @ids, $_[0] }); print join("\n", sort @ids) },

	# The parameters of a session as JSON.
	load => sub {
		my $session = CGI::Session->load('driver:file', $id, {Directory => $directory}) || die CGI::Session->errstr;
		my %found = map { $_ => $session->param($_) } $session->param;
		print JSON->new->canonical->encode({is_empty => $session->is_empty ? 1 : 0, id => $session->id, param => \%found});
	},

	# Set a parameter of a session.
	save => sub {
		my $session = session();
		$session->param($rest[0], $rest[1]);
		$session->flush or die $session->errstr;
		print $session->id;
	},

	# Load, change and flush one session for so many seconds.
	write => sub {
		my ($written, $strangers, $end) = (0, 0, time + $rest[0] / 1000);
		while (time < $end) {
			my $session = session();
			$strangers++ if $session->id ne $id;
			my $length = 1000 + int rand 59_000;
			$session->param(n => $length);
			$session->param(payload => chr(97 + int rand 26) x $length);
			$session->flush or die $session->errstr;
			$written++;
		}
		print JSON->new->encode({written => $written, strangers => $strangers});
	},

	# Read for so many seconds, and count what is not whole.
	read => sub {
		my %counts = (reads => 0, bad => 0, missing => 0);
		my $end = time + $rest[0] / 1000;
		while (time < $end) {
			my $text = $driver->retrieve($id);
			$counts{reads}++;
			if (!$text) { $counts{missing}++ } elsif (!is_whole($text)) { $counts{bad}++ }
		}
		print JSON->new->encode(\%counts);
	},

	# Hold the lock of the file until standard input ends.
	hold => sub {
		open my $file, '+<', "$directory/cgisess_$id" or die $!;
		flock $file, LOCK_EX or die $!;
		print "locked\n";
		my $end = <STDIN>;
	},
);

$tasks{$task}->();
