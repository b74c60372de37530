/** Records that tell whether they are whole, in the form of CGI::Session's default serializer. */

/** A record with a payload of `length` times the same letter. */
export function recordOf(id: string, length: number, letter: number): Buffer {
  const payload = String.fromCharCode(97 + letter).repeat(length)
  return Buffer.from(
    `$D = {'_SESSION_ID' => '${id}','_SESSION_ATIME' => 1700000000,'_SESSION_CTIME' => 1700000000,` +
      `'n' => ${length},'payload' => '${payload}'};;$D`,
  )
}

/** What is wrong with a record that Node or Perl wrote; undefined when it is whole. */
export function problemOf(record: Uint8Array): string | undefined {
  const text = Buffer.from(record).toString('latin1').replace(/\n+$/, '')
  if (!/^\$D = \{[^{}]*\};(?:;\$D)?$/.test(text)) return 'not one whole hash'
  const payload = /'payload' => '(([a-z])\2*)'/.exec(text)?.[1]
  const length = /'n' => '?(\d+)'?/.exec(text)?.[1]
  if (payload === undefined || length === undefined) return 'a mixture of records'
  return payload.length === Number(length) ? undefined : 'a payload of another record'
}
