/** How long MySQL and MariaDB may take for a statement, in the server's own words: one that is given up is not run later. */

/**
 * For how long the server waits for a lock, in seconds: no longer than a second, because the shared half tries again; and not at all
 * where the limit of the statement would come first. MySQL, which knows no 0, takes it for 1.
 */
function lockSeconds(timeout: number): number {
  return timeout < 2000 ? 0 : 1
}

/**
 * What a connection of our own is set to. MySQL's `max_execution_time` is for `select` only: there, writes end by their limit for
 * locks.
 * @param timeout milliseconds
 */
export function sessionSettings(timeout: number): string {
  const lock = lockSeconds(timeout)
  return (
    `set autocommit = 1, innodb_lock_wait_timeout = ${lock}, lock_wait_timeout = ${lock} ` +
    `/*M!100108 , max_statement_time = ${timeout / 1000} */ /*!50708 , max_execution_time = ${timeout} */`
  )
}

/**
 * A statement with its limits, for a connection whose session must stay as it is. MariaDB reads what MySQL takes for a comment.
 * @param timeout milliseconds
 */
export function withLimits(sql: string, timeout: number): string {
  const lock = lockSeconds(timeout)
  const limits = `max_statement_time = ${timeout / 1000}, innodb_lock_wait_timeout = ${lock}, lock_wait_timeout = ${lock}`
  return `/*M!100302 set statement ${limits} for */ ${sql}`
}
