/** What to do about the errors of memcached and memjs. */

import type { Advice } from '../keyed/failure.js'

const cutOff =
  'the connection ended before the answer came; a write may have taken place: read the session again. The next call connects anew'

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
  CONTENTION: 'others wrote this session a thousand times in a row while it was written: flush again',
  ALL_FAILED: 'every server of the live client failed lately, and it waits with its failoverTime',
  AUTH_ERROR:
    'the server wants a user and a password (SASL), or does not take these: check the options username and password',
  UNKNOWN_COMMAND: 'the server does not know the request: is it a memcached with the binary protocol?',
  EPROTO_ANSWER: 'this is no memcached with the binary protocol: check dataSource',
  'timed out waiting':
    'no answer came for longer than the timeout of the live client; a write may have taken place, or may yet: read the session again',
  'timed out connecting':
    'the server took no connection for longer than the conntimeout of the live client: is it running, and is it the one that the client names?',
}
