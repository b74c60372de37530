/** What writers do who got in each other's way. */

/** So many writers cannot be in front of one by chance: something is wrong. */
export const MOST_ATTEMPTS = 1000

/** Wait a little, longer from attempt to attempt, so that many writers do not keep in each other's way. */
export function stepAside(attempt: number): Promise<void> | undefined {
  if (attempt <= 3) return undefined
  return new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(attempt, 10)))
}
