/** How long memcached keeps an item. */

/** A longer lifetime is taken for a time since 1970, which is over. */
const LONGEST_LIFETIME = 30 * 86_400
const LAST_TIME = 0xffff_ffff

/**
 * The expiry of an item that must live for `ttl` seconds; 0: for ever. The server's clock goes in whole seconds, so that an item
 * with n seconds may go after n - 1: it gets one second more.
 * @param now milliseconds since 1970; a time is told by the machine's clock, and compared with the server's
 */
export function expiryOf(ttl: number | undefined, now = Date.now()): number {
  if (!ttl) return 0
  const lifetime = ttl + 1
  if (lifetime <= LONGEST_LIFETIME) return lifetime
  const end = Math.ceil(now / 1000) + lifetime
  // A session that lasts beyond the year 2106 ends by its own rules alone.
  return end <= LAST_TIME ? end : 0
}
