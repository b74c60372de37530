#!/usr/bin/env perl

# A CGI program in Perl, written as one writes them with CGI::Session. It knows nothing of Node, and shares its
# session with counter.ts.

use strict;
use warnings;
use utf8;

use CGI qw(-utf8);
use CGI::Session;

my $q       = CGI->new;
my $session = CGI::Session->new(
    'driver:file;serializer:default;id:md5',
    scalar $q->cookie('CGISESSID') || '',    # '' and not undef, for which it would take an id from the address
    { Directory => $ENV{DEMO_DIRECTORY} },
) or die CGI::Session->errstr;

my $is_new = $session->is_new;    # flush forgets it
my $answer = $q->request_method eq 'POST' ? save_note() : count_visit();

# First to the store, then to the visitor.
$session->flush;
die $session->errstr if $session->errstr;

binmode STDOUT, ':encoding(UTF-8)';
printf "Set-Cookie: CGISESSID=%s; Path=/; HttpOnly; SameSite=Lax\n", $session->id if $is_new;
print "Cache-Control: no-store\n$answer";

sub save_note {
    $session->param(note => substr scalar $q->param('note') // '', 0, 80);
    return "Status: 303 See Other\nLocation: $ENV{SCRIPT_NAME}\n\n";
}

sub count_visit {
    my $before = $session->param('counted_by') // 'nobody';
    $session->param(visits     => ($session->param('visits') // 0) + 1);
    $session->param(counted_by => 'Perl');
    return "Content-Type: text/html; charset=utf-8\n\n" . page($before);
}

sub page {
    my $before     = $q->escapeHTML(shift);
    my $visits     = $q->escapeHTML($session->param('visits'));
    my $note       = $q->escapeHTML($session->param('note') // '');
    my $id         = $q->escapeHTML(substr $session->id, 0, 4);
    my $parameters = join '<br>', map { $q->escapeHTML("$_ = " . $session->param($_)) } sort $session->param;
    return <<"HTML";
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Visit $visits, counted by Perl</title>
<link rel="stylesheet" href="/style.css">
<main>
<h1>Visit <data id="visits" value="$visits">$visits</data></h1>
<p>This one was counted by <strong>Perl</strong>.</p>
<dl>
<dt>Language<dd id="language">Perl ${\ sprintf '%vd', $^V} with CGI::Session $CGI::Session::VERSION
<dt>Counted last by<dd id="before">$before
<dt>Session<dd id="session">$id…
<dt>Parameters<dd id="parameters">$parameters
</dl>
<form method="post">
<label>A note <input name="note" maxlength="80" value="$note"></label>
<button>Keep it in the session</button>
</form>
<p><a href="$ENV{SCRIPT_NAME}">Count again</a> or <a href="$ENV{DEMO_OTHER}">let Node count</a></p>
</main>
HTML
}
