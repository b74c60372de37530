/** Sessions of any shape: what programs put into them, and what they should not. */

import fc from 'fast-check'
import { type Hash, isPlainObject, setElement } from '../../../lib/hash.js'

/** Stands for a container that the session has already: the one at this place among those made so far. */
class Again {
  readonly at: number

  constructor(at: number) {
    this.at = at
  }
}

const odd = [
  '',
  '0',
  '1',
  '00',
  ' ',
  '~',
  '- a',
  'a: b',
  '\n',
  'x\r\n',
  '\0',
  '\x7f',
  "it's",
  '"',
  '\\',
  '$x @y',
  'null',
]
const nonAscii = ['é', 'Ã©', 'ÿ', '\x80', '☺', '😀', '\ud800', 'a\udc00', '\ufeff', '\uffff', '\u2028']
const text = fc.oneof(
  fc.string({ unit: 'grapheme-ascii', maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.array(fc.constantFrom(...odd, ...nonAscii), { maxLength: 3 }).map((parts) => parts.join('')),
  fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
)
const wellFormed = text.map((one) => one.toWellFormed())
const numbers = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(0, -0, 0.1, 1e21, 2 ** 53, -(2 ** 31), 2 ** 32, 1e-7, 5e-324, Number.MAX_VALUE),
  fc.bigInt(-(2n ** 63n), 2n ** 64n - 1n),
)
const bytes = fc.uint8Array({ maxLength: 12 }).map((some) => Buffer.from(some))
const key = fc.oneof(wellFormed, fc.constantFrom('__proto__', 'constructor', 'toString', '', '10', '-1', 'é', 'Ã©'))

const entries = (value: fc.Arbitrary<unknown>) =>
  fc.array(fc.tuple(key, value), { maxLength: 5 }).map((pairs) => {
    const made: Hash = {}
    for (const [name, one] of pairs) setElement(made, name, one)
    return made
  })

/** Values of a session; those that only some formats hold are rare, so that no format refuses most sessions. */
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    { arbitrary: wellFormed, weight: 30 },
    { arbitrary: text, weight: 2 },
    { arbitrary: numbers, weight: 20 },
    { arbitrary: fc.constantFrom(null, true, false), weight: 10 },
    { arbitrary: bytes, weight: 1 },
    { arbitrary: fc.nat(8).map((at) => new Again(at)), weight: 1 },
    { arbitrary: fc.array(tie('value'), { maxLength: 5 }), weight: 15 },
    { arbitrary: entries(tie('value')), weight: 15 },
  ),
}))

/** A copy in which every `Again` is a container that stands elsewhere too, or that it is in itself (a cycle). */
function resolved(node: unknown, made: object[]): unknown {
  if (node instanceof Again) return made[node.at % made.length]
  if (!Array.isArray(node) && !isPlainObject(node)) return node
  const copy = Array.isArray(node) ? [] : {}
  made.push(copy)
  for (const [name, part] of Object.entries(node)) setElement(copy as Hash, name, resolved(part, made))
  return copy
}

/** A record of a session with up to four parameters. */
export const sessions: fc.Arbitrary<Hash> = fc.array(value, { minLength: 1, maxLength: 4 }).map((all) => {
  const parameters = Object.fromEntries(all.map((one, index) => [`p${index}`, one]))
  const session = { _SESSION_ID: '0123456789abcdef0123456789abcdef', _SESSION_ETIME: 0, ...parameters }
  return resolved(session, []) as Hash
})
