/** What to do about what Redis and its clients say. */

import type { Advice } from '../keyed/failure.js'

const ended = { uncertain: 'the connection ended before the answer came' }
const busy = 'the connection is subscribed to channels, so it takes no other commands: hand over another one'
const login = 'the server refuses the user or the password: check the options username and password'
const failingOver = 'a failover or a restart is under way: try again in a moment'

export const advice: Advice = {
  // What has another reason in it comes first.
  'All sentinels are unreachable': 'no sentinel answers, or none knows the primary: check dataSource',
  'None of startup nodes is available': 'no server of the cluster answers: check dataSource',
  'Failed to refresh slots cache': 'no server of the cluster answers, or none is part of one: check dataSource',
  'Too many Cluster redirections':
    'the servers of the cluster do not agree which of them has this key: try again in a moment, and see CLUSTER NODES',
  'replicas have it':
    'the write is on the primary, but not on as many replicas as the option replicas asks for, so the loss of the primary would lose it',
  'NOAUTH ': 'the server asks for a password: give the option password',
  'WRONGPASS ': login,
  'ERR invalid password': login,
  'ERR AUTH ': login,
  "permissions to run the 'eval":
    'this user may not run scripts, which compare a record before it is replaced: allow them (ACL SETUSER … +eval +evalsha)',
  "permissions to run the 'wait":
    'the option replicas needs WAIT, which this user may not use: allow it (ACL SETUSER … +wait)',
  "permissions to run the 'cluster":
    'this user may not ask which server of the cluster has which keys: allow it (ACL SETUSER … +cluster)',
  "permissions to run the 'select":
    'this user may not select the database that dataSource names: allow it (ACL SETUSER … +select)',
  'NOPERM ':
    'this user may not do that with these keys: it needs GET, SET, DEL, SCAN, EVAL and EVALSHA on what begins with the option prefix (and INFO; with replicas WAIT; in a cluster CLUSTER)',
  'DB index is out of range': 'the server has no database of the number that dataSource names',
  IN_TRANSACTION:
    'the program has a transaction open on the live client (MULTI), so nothing was read or written: hand over a client of its own',
  'READONLY ': `this server is a replica, which takes no writes: connect to the primary, or by its sentinels; or ${failingOver}`,
  'MASTERDOWN ': failingOver,
  'LOADING ': 'the server is still reading its data after a start: try again in a moment',
  'CLUSTERDOWN ': 'a part of the cluster is down, and with it these keys: see CLUSTER INFO',
  'MOVED ':
    'the server is part of a cluster: write dataSource as redis+cluster://host:port,host:port, or hand over a cluster',
  'NOREPLICAS ': 'fewer replicas are connected than the server asks for (min-replicas-to-write), so it takes no writes',
  'MISCONF ': 'the server cannot save its data, so it takes no writes: see its log and its disk',
  'OOM command':
    'the memory of the server is full (maxmemory): give it more, or have it evict keys that expire (volatile-ttl)',
  'WRONGTYPE ': 'there is something else than a session under this key: choose another option prefix',
  'max number of clients': 'the server has as many connections as it allows (maxclients)',
  'Connection is closed': ended,
  'The command was aborted': ended,
  'Socket closed unexpectedly': ended,
  'max retries per request': ended,
  'The client is closed':
    'the client that was handed over as cache is not connected: await its connect() first, and leave it open',
  'subscriber mode': busy,
  'PubSub mode': busy,
}
