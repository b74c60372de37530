/** What to do about the errors of memcached. */

import type { Advice } from '../keyed/failure.js'

const cutOff = { uncertain: 'the connection ended before the answer came (the next call connects anew)' }

export const advice: Advice = {
  ECONNRESET: cutOff,
  EPIPE: cutOff,
  E2BIG:
    'the record is larger than an item of the server may be (its option -I, 1 MB by default), and what was there before is there still: keep less in the session',
  ENOMEM:
    'the server has no memory left (its option -m) and may forget nothing for it (-M); what was there before is there still',
  NO_CAS:
    'the server runs with the option -C, so that it cannot tell whether a session was changed by somebody else: start it without',
  STORABLE:
    'the item is a Perl structure that Cache::Memcached has frozen (flags 1), and no record: another program has written it',
  FLAGS: 'the item has flags that no driver for sessions sets: another program has written it',
  Z_DATA_ERROR: 'the flags of the item say that it is compressed (2), and it is not, or not well',
  Z_BUF_ERROR: 'the flags of the item say that it is compressed (2), and it is not whole',
  ERR_BUFFER_TOO_LARGE: 'the item is compressed, and of more than 64 MB',
  CONTENTION:
    'others wrote this session again and again, for longer than the option timeout allows; what they wrote is there still: flush again',
  ALL_FAILED: 'every server of the live client failed lately, and it waits with its failoverTime',
  AUTH_ERROR:
    'the server wants a user and a password (SASL), or does not take these: check the username and the password, of the options or of the live client',
  UNKNOWN_COMMAND: 'the server does not know the request: is it a memcached with the binary protocol?',
  EPROTO_ANSWER: 'this is no memcached with the binary protocol: check dataSource',
}
