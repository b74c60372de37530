/** The way to a server: what can go wrong on it, by the codes of the system and of Node. */

import { NO_ANSWER } from './within.js'

/** What went wrong on the way. `unanswered`: the request was sent, and may have been carried out. */
export type WayProblem = 'unreachable' | 'denied' | 'timeout' | 'tls' | 'unanswered'

/** Code -> problem. */
export const wayProblems: Readonly<Record<string, WayProblem>> = {
  ECONNREFUSED: 'unreachable',
  ECONNRESET: 'unreachable',
  EPIPE: 'unreachable',
  ENOTFOUND: 'unreachable',
  EAI_AGAIN: 'unreachable',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  ENOENT: 'unreachable',
  EACCES: 'denied',
  ETIMEDOUT: 'timeout',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'tls',
  SELF_SIGNED_CERT_IN_CHAIN: 'tls',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'tls',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'tls',
  CERT_HAS_EXPIRED: 'tls',
  ERR_TLS_CERT_ALTNAME_INVALID: 'tls',
  EPROTO: 'tls',
  [NO_ANSWER]: 'unanswered',
}
