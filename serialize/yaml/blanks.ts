/** White space as YAML::Tiny means it: Perl's \s for characters, which is not quite JavaScript's. */

/** Is the character white space? NaN, behind the end of a text, is not. */
export function isBlank(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13) || (code >= 0x85 && isWideBlank(code))
}

function isWideBlank(code: number): boolean {
  if (code === 0x85 || code === 0xa0) return true
  if (code < 0x1680) return false
  return (code >= 0x2000 && code <= 0x200a) || [0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000].includes(code)
}

/** Where the white space at a position ends. */
export function skipBlanks(line: string, at: number): number {
  let end = at
  while (isBlank(line.charCodeAt(end))) end++
  return end
}

/** A text without the white space at its end. */
export function trimEnd(text: string): string {
  let end = text.length
  while (end > 0 && isBlank(text.charCodeAt(end - 1))) end--
  return end === text.length ? text : text.slice(0, end)
}

/** Where a comment begins: the first `#` behind white space; -1 when there is none. */
export function findComment(text: string): number {
  let at = text.indexOf('#', 1)
  while (at > 0 && !isBlank(text.charCodeAt(at - 1))) at = text.indexOf('#', at + 1)
  return at
}
