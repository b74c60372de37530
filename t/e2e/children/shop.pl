#!/usr/bin/env perl

# The shop's page in Perl, as one writes them with CGI::Session: log in, see the cart, log out. It knows nothing of Node.

use strict;
use warnings;
use utf8;

use CGI qw(-utf8);
use CGI::Session;
use JSON::PP;

my ($dsn, $arguments) = @{ decode_json $ENV{SHOP_PERL_STORE} };
my $q       = CGI->new;
my $action  = $q->request_method eq 'POST' ? $q->param('action') // '' : '';
my ($id)    = ($q->cookie('CGISESSID') // '') =~ /\A([0-9a-f]{32})\z/;
my $session = CGI::Session->load($dsn, $id // '', $arguments) or die CGI::Session->errstr;

binmode STDOUT, ':encoding(UTF-8)';
if    ($action eq 'login')  { log_in() }
elsif ($action eq 'logout') { log_out() }
else                        { show() }

# Whoever planted an id before the login must not have it afterwards: there is a new one.
sub log_in {
    my %kept = map { $_ => $session->param($_) } $session->param;
    $session->delete;
    write_to_store();
    # '' and not undef, for which it would take an id from the request
    $session = CGI::Session->new($dsn, '', $arguments) or die CGI::Session->errstr;
    $session->param(%kept, user => scalar $q->param('name'));
    $session->expire('+1h');
    write_to_store();
    print $session->header(-status => '303 See Other', -location => $q->url, -cache_control => 'no-store');
}

sub log_out {
    $session->delete;
    write_to_store();
    my $cookie = $q->cookie(-name => 'CGISESSID', -value => '', -expires => '-1d');
    print $q->header(-status => '303 See Other', -location => $q->url, -cache_control => 'no-store', -cookie => $cookie);
}

# First to the store, then to the visitor.
sub write_to_store {
    $session->flush;
    die $session->errstr if $session->errstr;
}

sub show {
    my $user = $q->escapeHTML($session->param('user') // '');
    my $cart = join '', map { '<li>' . $q->escapeHTML($_) } @{ $session->param('cart') // [] };
    my $form = $user eq ''
        ? '<label>Name <input name="name" required></label><button name="action" value="login">Log in</button>'
        : '<button name="action" value="logout">Log out</button>';
    print $q->header(-type => 'text/html', -charset => 'utf-8', -cache_control => 'no-store');
    print <<"HTML";
<!doctype html>
<html lang="en">
<title>Perl</title>
<h1>${\ ($user eq '' ? 'Log in' : "The cart of $user") }</h1>
<ul>$cart</ul>
<form method="post">$form</form>
<p>Written by Perl
HTML
}
