# What a Perl program finds: for each line `driver place id` of the standard input, the driver of CGI::Session reads the session and
# its serializer thaws it. Answers `none`, `broken`, or the length and the letter of the record's payload.

use strict;
use warnings;
use CGI::Session::Driver::file;
use CGI::Session::Serialize::default;

$| = 1;

while (my $line = <STDIN>) {
    chomp $line;
    my ($driver, $place, $id) = split / /, $line;
    my $found = eval { read_session($driver, $place, $id) };
    print $found // 'broken', "\n";
}

sub read_session {
    my ($driver, $place, $id) = @_;
    my $record;
    if ($driver eq 'file') {
        $record = CGI::Session::Driver::file->new({ Directory => $place })->retrieve($id);
    }
    else {
        require DBI;
        my $dbh = DBI->connect("dbi:SQLite:dbname=$place", '', '', { RaiseError => 1, PrintError => 0 });
        ($record) = $dbh->selectrow_array('select a_session from sessions where id = ?', undef, $id);
        $dbh->disconnect;
    }
    return 'none' unless $record;
    my $data = CGI::Session::Serialize::default->thaw($record);
    return unless ref $data eq 'HASH' && $data->{_SESSION_ID} eq $id;
    my $payload = $data->{payload};
    my $letter  = substr $payload, 0, 1;
    return unless length $payload == $data->{n} && $payload =~ /\A\Q$letter\E+\z/;
    return "$data->{n} $letter";
}
