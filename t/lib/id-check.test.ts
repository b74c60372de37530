import { describe, expect, it } from 'vitest'
import type { IdShape } from '../../lib/contracts.js'
import { IdError } from '../../lib/errors.js'
import { assertId, isId, logId } from '../../lib/id-check.js'

const shapes: readonly IdShape[] = ['word', 'text', 'bytes']

/** Which shapes take an id, from w, t and b. */
function taken(id: string): string {
  return shapes
    .filter((shape) => isId(id, shape))
    .map((shape) => shape[0])
    .join('')
}

describe('ids', () => {
  it.each([
    ['0123456789abcdef0123456789abcdef', 'wtb'],
    ['F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6', 'wtb'],
    ['1', 'wtb'],
    ['-_.,@+=~', 'wtb'],
    ['x'.repeat(200), 'wtb'],
    ['console', 'wtb'],
    ['com10', 'wtb'],
    ['x'.repeat(201), 'tb'],
    ['x'.repeat(251), 't'],
    ['x'.repeat(256), ''],
    ['', ''],
    ['.', 'tb'],
    ['..', 'tb'],
    ['.hidden', 'tb'],
    ['a.', 'tb'],
    ['../x', 'tb'],
    ['a/b', 'tb'],
    ['a\\b', 'tb'],
    ['a b', 'tb'],
    ['~root', 'tb'],
    ['{f81d4fae}', 'tb'],
    ['%s', 'tb'],
    ['a:b', 'tb'],
    ['con', 'tb'],
    ['NUL.txt', 'tb'],
    ['Com1', 'tb'],
    ['lpt9.', 'tb'],
    ['\xe9', 'tb'],
    ['\u263a', 't'],
    ['\u{1f600}', 't'],
    ['a\0b', 'b'],
    ['a\nb', 'b'],
    ['id\n', 'b'],
    ['\x7f', 'b'],
    ['\x85', 'b'],
    ['\xff\x00', 'b'],
    ['\u2028', ''],
    ['\ud800', ''],
  ])('%j is taken as %j', (id, expected) => {
    expect(taken(id)).toBe(expected)
  })

  it('gives back a good id', () => {
    expect(assertId('abc', 'word', 'File')).toBe('abc')
  })

  it.each([undefined, null, 5, 5n, {}, ['abc'], Symbol('abc')])('%s is misuse', (id) => {
    expect(() => assertId(id, 'word', 'File')).toThrow(TypeError)
  })

  it('a bad id is an error with a code, and is not shown in full', () => {
    const id = '/0123456789abcdef'
    let thrown: unknown
    try {
      assertId(id, 'word', 'File')
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeInstanceOf(IdError)
    expect(thrown).toMatchObject({ code: 'ERR_SESSION_ID_INVALID' })
    const { message } = thrown as Error
    expect(message).toMatch(/^#1b4785ff \(17 characters\) cannot be a session id: File wants 1 to 200 letters/)
    expect(() => assertId('', 'text', 'Pg')).toThrow('An empty string cannot be a session id: Pg wants 1 to 255')
  })

  it('is named by the beginning of its SHA-256, as sha256sum prints it', () => {
    expect(logId('0123456789abcdef0123456789abcdef')).toBe('#3eb1bd43')
    expect(logId('Zoë')).toBe('#c6a12698')
  })
})
