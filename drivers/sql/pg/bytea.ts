/** PostgreSQL's two texts for bytes. */

/** `\x`, then hex digits; or, as older servers and `bytea_output = escape` have it, with `\000` and `\\` in text. */
export function bytesOfBytea(text: string): Uint8Array {
  if (text.startsWith('\\x')) return Buffer.from(text.slice(2), 'hex')
  const bytes = text.replace(/\\(\\|[0-3][0-7]{2})/g, (_, escaped: string) =>
    escaped === '\\' ? '\\' : String.fromCharCode(Number.parseInt(escaped, 8)),
  )
  return Buffer.from(bytes, 'latin1')
}
