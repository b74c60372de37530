package Data::Session::Driver::LockedFile;

use 5.014;
use strict;
use warnings;
use parent 'Data::Session::Driver::File';
use Data::Session ();
use Errno ();
use Fcntl qw(:DEFAULT :flock);

our $VERSION = '1.00';

# What this process has locked, by device and inode: { key, file, process, holders }. An object that opens a session for the second
# time shares the lock of the first, as waiting for it would never end.
my %locks;

# Data::Session knows the drivers that lie in its own folder; this one may lie elsewhere.
{
	no warnings 'redefine';
	my $find = \&Data::Session::get_my_drivers;
	*Data::Session::get_my_drivers = sub {
		my ($session) = @_;
		$find->($session);
		my $drivers = $session->my_drivers;
		push @$drivers, 'LockedFile' if !grep { $_ eq 'LockedFile' } @$drivers;
		return $drivers;
	};
}

sub retrieve {
	my ($self, $id) = @_;
	my $path = $self->get_file_path($id);
	# The driver of Data::Session knows how to do without locks, and what to do about symbolic links.
	return $self->SUPER::retrieve($id) if $self->no_flock || -l $path;
	my $lock = $self->{locks}{$id};
	if (!$lock || _why_useless($lock)) {
		$self->_unlock($id);
		$lock = $self->_lock($path) or return '';
		$self->{locks}{$id} = $lock;
	}
	return _read($lock->{file}) // _fail('read', $!);
}

sub store {
	my ($self, $id, $record) = @_;
	my $path = $self->get_file_path($id);
	return $self->SUPER::store($id, $record) if $self->no_flock;
	my $lock = $self->{locks}{$id} ||= _held($path) || $self->_create($path);
	my $reason = _why_useless($lock);
	_fail('store', $reason) if $reason;
	_write($lock->{file}, $record) or _fail('write', $!);
	return 1;
}

sub remove {
	my ($self, $id) = @_;
	my $removed = $self->SUPER::remove($id);
	$self->_unlock($id);
	return $removed;
}

sub DESTROY {
	my ($self) = @_;
	# At the end of a program Perl may take the driver from a session that is still to be flushed; the system ends the lock.
	return if ${^GLOBAL_PHASE} eq 'DESTRUCT';
	$self->_unlock($_) for keys %{ $self->{locks} || {} };
}

# Without the path, which ends in the id.
sub _fail { die __PACKAGE__ . ". Can't $_[0] the session's file: $_[1]\n" }

# Open the file and wait for its lock. Nothing: there is no file.
sub _lock {
	my ($self, $path) = @_;
	while (1) {
		if (!sysopen my $file, $path, O_RDWR | $self->no_follow) {
			return if $!{ENOENT};
			_fail('open', $!);
		} elsif (!-f $file) {
			_fail('open', 'it is no regular file');
		} elsif (my $held = _held($file)) {
			return $held;
		} elsif (!_wait($file)) {
			_fail('lock', $!);
		} elsif ((stat $file)[3]) {
			return _note($file);
		}
		# Removed while this process waited: there may be another file by now.
	}
}

# Make the file of a new session. One that is there already has a session that nobody read, and is not written over.
sub _create {
	my ($self, $path) = @_;
	sysopen my $file, $path, O_RDWR | O_CREAT | O_EXCL, $self->umask or _fail('create', $!);
	_wait($file) or _fail('lock', $!);
	return _note($file);
}

sub _unlock {
	my ($self, $id) = @_;
	my $lock = delete $self->{locks}{$id} or return;
	# Closing ends the lock, unless a fork has it too: LOCK_UN would end the other's as well.
	_drop($lock) if --$lock->{holders} == 0;
}

# What follows is the same in CGI::Session::Driver::lockedfile.

sub _key { join ':', (stat $_[0])[0, 1] }

sub _note {
	my ($file) = @_;
	binmode $file;
	my $key = _key($file);
	return $locks{$key} = { key => $key, file => $file, process => $$, holders => 1 };
}

# The lock that this process has on a file (a handle or a path) already.
sub _held {
	my $lock = $locks{ _key($_[0]) } or return;
	if ($lock->{process} != $$) {
		_drop($lock);
		return;
	}
	$lock->{holders}++;
	return $lock;
}

sub _drop {
	my ($lock) = @_;
	my $present = $locks{ $lock->{key} };
	delete $locks{ $lock->{key} } if $present && $present == $lock;
	close $lock->{file};
}

# A fork shares the lock with its parent: it does not keep one from the other.
sub _why_useless {
	my ($lock) = @_;
	return 'the session was opened by another process: open it again' if $lock->{process} != $$;
	return 'the session was removed meanwhile' if !(stat $lock->{file})[3];
	return '';
}

# A signal's handler may end the wait by dying.
sub _wait {
	my ($file) = @_;
	until (flock $file, LOCK_EX) { return if !$!{EINTR} }
	return 1;
}

sub _read {
	my ($file) = @_;
	sysseek $file, 0, 0 or return;
	my $record = '';
	while (1) {
		my $count = sysread $file, $record, 65_536, length $record;
		return $record if defined $count && $count == 0;
		return if !defined $count && !$!{EINTR};
	}
}

# In place, for others wait for this very file. A full disk shows while the file is lengthened, when the old record is still whole.
sub _write {
	my ($file, $record) = @_;
	utf8::encode($record) if !utf8::downgrade($record, 1);
	my ($old, $new) = (-s $file, length $record);
	if ($new > $old && !_put($file, $old, "\n" x ($new - $old))) {
		my $error = $!;
		truncate $file, $old;
		$! = $error;
		return;
	}
	return _put($file, 0, $new < $old ? $record . "\n" x ($old - $new) : $record) && truncate $file, $new;
}

sub _put {
	my ($file, $position, $bytes) = @_;
	sysseek $file, $position, 0 or return;
	my $done = 0;
	while ($done < length $bytes) {
		my $count = syswrite $file, $bytes, length($bytes) - $done, $done;
		return if !defined $count && !$!{EINTR};
		$done += $count // 0;
	}
	return 1;
}

1;

__END__

=head1 NAME

Data::Session::Driver::LockedFile - session files that are locked from load to flush

=head1 SYNOPSIS

	use lib 'node_modules/data-session/scripts/perl';
	use Data::Session;
	use Data::Session::Driver::LockedFile;

	my $session = Data::Session->new(type => 'driver:LockedFile', directory => '/var/lib/sessions')
		or die $Data::Session::errstr;
	$session->param(visits => $session->param('visits') + 1);
	$session->flush;
	undef $session;    # ends the lock; so does the end of the program

=head1 DESCRIPTION

C<driver:File> locks a session's file while it reads it, and again while it writes it, but not in between. Two requests of one
session that overlap both read the old record, and the second to write wipes out what the first one wrote. This driver takes the
lock (flock, exclusive) when the session is loaded and keeps it until the session object ends, so that such requests come one after
the other and nothing that was flushed is lost.

Files, their names and their bytes are those of C<driver:File>, and so are the arguments: C<directory>, C<file_name>, C<no_flock>,
C<no_follow>, C<umask>. Both drivers, and the driver C<File> of data-session for Node, may use a directory at the same time. Updates
are safe among all programs that use this driver or data-session (with C<onConflict> as it is by default); a program with
C<driver:File> still writes over what others wrote since it read.

Data::Session looks for drivers in its own folder alone. The second C<use> above tells it of this one, wherever it lies; a copy in
that folder needs no C<use>.

=head2 What is to be known

=over 4

=item *

Requests of one session wait for each other, those that only read too. A page that takes long should let go of the session first:
C<< $session->flush; undef $session >>. A limit to the wait is C<alarm> with a handler that dies.

=item *

The lock outlasts C<flush>: Data::Session writes once more when the object ends. The lock ends with the object, so keep no session
in a global variable of a program that serves many requests.

=item *

A second object of the same session in one process does not wait: it shares the lock, reads what is in the file at that moment, and
the last of the two to flush wins, as with C<driver:File>.

=item *

C<store> writes to the file that C<retrieve> locked. A session that was removed meanwhile is not brought back, and a file that was
not read is not written over: the driver dies, as C<driver:File> does when a file cannot be opened. Only a new session makes a file.

=item *

After a C<fork> the session belongs to the process that opened it; a flush in the other one dies. The lock ends when neither has the
object any more. The other process may open the session itself, and waits for its turn.

=item *

A program that holds one session and loads another one may meet another one that does the same the other way round, and both wait
without end. Let go of one session before the next is loaded.

=item *

With C<no_flock> it is C<driver:File>.

=back

=head1 SEE ALSO

L<Data::Session::Driver::File>, L<CGI::Session::Driver::lockedfile>

=head1 LICENSE

MIT, as data-session.

=cut
