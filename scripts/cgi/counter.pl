#!/usr/bin/env perl

# A CGI program in Perl, written as one writes them with CGI::Session. It shares its session with counter.ts, of which
# it knows the address: it counts for that page, and tells it what Perl sees.

use strict;
use warnings;
use utf8;

use CGI qw(-utf8);
use CGI::Session;
use JSON::PP;
use POSIX qw(strftime);

my $q     = CGI->new;
my @store = (
    'driver:file;serializer:default;id:md5',
    scalar $q->cookie('CGISESSID') || '',    # '' and not undef, for which it would take an id from the address
    { Directory => $ENV{DEMO_DIRECTORY} },
);

binmode STDOUT, ':encoding(UTF-8)';
if ($q->request_method eq 'POST') {
    count_visit();
}
elsif ($ENV{SERVER_PROTOCOL} eq 'INCLUDED') {    # as a part of the page
    print "Content-Type: text/html; charset=utf-8\n\n", column();
}
else {
    print $q->redirect(-uri => $ENV{DEMO_PAGE}, -status => '303 See Other');
}

sub count_visit {
    my $session = CGI::Session->new(@store) or die CGI::Session->errstr;
    $session->param(visits     => ($session->param('visits') // 0) + 1);
    $session->param(written_by => 'Perl');
    # Node's session.flash() keeps its messages in such a list, so Perl can leave one for the next page as well.
    $session->param('flash.notice' => [@{ $session->param('flash.notice') // [] }, 'Perl has counted this visit.']);
    $session->expire('1h');

    # First to the store, then to the visitor.
    $session->flush;
    die $session->errstr if $session->errstr;
    print $q->redirect(
        -uri           => $ENV{DEMO_PAGE},
        -status        => '303 See Other',
        -cookie        => $session->cookie(-httponly => 1, -samesite => 'Lax'),
        -cache_control => 'no-store',
    );
}

sub column {
    # Looking is no visit: the time of the last one stays.
    my $session = CGI::Session->load(@store, { read_only => 1 }) or die CGI::Session->errstr;
    my $seen    = $session->is_empty ? '<p class="none">No session yet. Count a visit, and there is one.</p>' : facts($session);
    return <<"HTML";
<section class="card perl" aria-labelledby="perl">
<h2 id="perl">What Perl sees</h2>
<p class="language">Perl ${\ sprintf '%vd', $^V} with CGI::Session $CGI::Session::VERSION</p>
$seen
<form method="post" action="$ENV{SCRIPT_NAME}"><button class="primary">Count with Perl</button></form>
</section>
HTML
}

sub facts {
    my $session  = shift;
    my $lifetime = $session->etime;
    my @rows     = (
        [visits  => 'Visits',          $q->escapeHTML($session->param('visits') // 0)],
        [writer  => 'Written last by', $q->escapeHTML($session->param('written_by') // '')],
        [id      => 'Session',         '<code>' . $q->escapeHTML(substr $session->id, 0, 4) . '…</code>'],
        [created => 'Created',         when_was($session->ctime)],
        [used    => 'Last used',       when_was($session->atime)],
        [expires => 'Expires',         $lifetime ? when_was($session->atime + $lifetime) : 'never'],
    );
    my $facts      = join "\n", map { qq{<div class="$_->[0]"><dt>$_->[1]</dt><dd>$_->[2]</dd></div>} } @rows;
    my $lifetimes  = $session->dataref->{_SESSION_EXPIRE_LIST} // {};
    my $parameters = join "\n", map { row($_, $session->param($_), $lifetimes->{$_}) } sort $session->param;
    return <<"HTML";
<dl>
$facts
</dl>
<table>
<caption>Parameters, as Perl reads them</caption>
<thead><tr><th scope="col">Name</th><th scope="col">Value</th><th scope="col">Type</th><th scope="col">Lifetime</th></tr></thead>
<tbody>
$parameters
</tbody>
</table>
HTML
}

sub row {
    my ($name, $value, $lifetime) = @_;
    my $json = JSON::PP->new->canonical->allow_nonref->encode($value);
    my $type = { '"' => 'text', '[' => 'list', '{' => 'map', n => 'undef' }->{ substr $json, 0, 1 } // 'number';
    my $kept = $lifetime ? "$lifetime s" : 'session';
    my ($n, $shown) = map { $q->escapeHTML($_) } $name, $type eq 'text' ? $value : $json;
    return qq{<tr><th scope="row">$n</th><td>$shown</td><td>$type</td><td>$kept</td></tr>};
}

# As Node writes it.
sub when_was {
    my @time = gmtime shift;
    return strftime '<time datetime="%Y-%m-%dT%H:%M:%SZ">%d %b %Y, %H:%M:%S UTC</time>', @time;
}
