/** Hashes for what is rare: messages, and writes that failed. */

/** The SHA-256 of bytes, or of a text as UTF-8, in hex. */
export function sha256(data: Uint8Array | string): string {
  // Not imported: a program that starts for each request should not load what it may not need.
  return process.getBuiltinModule('node:crypto').createHash('sha256').update(data).digest('hex')
}
