#!/usr/bin/env perl

# Prints what CGI.pm makes of calls of cookie() and header(), at a time that does not pass. Reads a list of calls as JSON
# from standard input, { now, env, cookie => [...], header => [...] }, and writes a list of texts, one character a byte.

use strict;
use warnings;

my $now;
BEGIN {
    $now = 0;
    no warnings 'once';
    *CORE::GLOBAL::time = sub () { $now };
}

use CGI;
use JSON::PP;

# Program text of Perl's users is bytes, unless they say otherwise.
sub bytes {
    my $value = shift;
    return [map { bytes($_) } @$value] if ref $value eq 'ARRAY';
    utf8::encode($value) if defined $value;
    return $value;
}

sub answer {
    my $call = shift;
    $now = $call->{now};
    local @ENV{ keys %{ $call->{env} } } = values %{ $call->{env} };
    my $q      = CGI->new('');
    my $cookie = $q->cookie(@{ bytes($call->{cookie}) });
    my ($first, @header) = @{ bytes($call->{header}) };
    # More cookies than the session's own come first, as a list.
    return $q->header(-cookie => @$first ? [$cookie, @$first] : $cookie, @header);
}

my $calls = decode_json(do { local $/; <STDIN> });
print JSON::PP->new->ascii->encode([map { answer($_) } @$calls]);
