/** The containers that a writer is in, and the paths by which fix-up statements name them. */

import { ScalarRef } from '../../lib/perl-values.js'
import { type ContainerOrigin, originOf } from '../shared/origin.js'

/** A container that is being written, or has been. */
export class Frame {
  /** The hash, array, scalar or pattern itself: not the object around it. */
  readonly target: object
  readonly className: string | undefined
  readonly outer: Frame | undefined
  /** Its place in `outer`. */
  readonly key: string | number
  readonly depth: number
  readonly origin: ContainerOrigin | undefined
  /** The keys of a hash; undefined for an array or a scalar. */
  readonly keys: readonly string[] | undefined
  /** How many elements there are, and how many of them are done. */
  readonly size: number
  done = 0
  /** No element of a hash has been written: those without a value are left out. */
  isEmpty = true
  /** What is written behind the last element. */
  readonly close: string
  /** Perl's name for the reference to the target, when it is known. */
  path: string | undefined

  constructor(
    target: object,
    className: string | undefined,
    outer: Frame | undefined,
    key: string | number,
    close: string,
  ) {
    this.target = target
    this.className = className
    this.outer = outer
    this.key = key
    this.close = close
    this.depth = outer === undefined ? 1 : outer.depth + 1
    this.origin = originOf(target)
    const isList = Array.isArray(target)
    this.keys = isList || target instanceof ScalarRef ? undefined : Object.keys(target)
    this.size = isList ? target.length : (this.keys?.length ?? 1)
  }
}

/** The keys that lead to an element, for error messages. */
export function keysTo(frame: Frame | undefined, key: string | number): (string | number)[] {
  const keys: (string | number)[] = []
  let last = key
  for (let at = frame; at !== undefined; at = at.outer) {
    keys.unshift(last)
    last = at.key
  }
  return keys
}

/** Perl's name for the reference to a container: `$D->{'cart'}[0]`. */
export function pathOf(frame: Frame, quoteKey: (frame: Frame, key: string) => string): string {
  const unnamed: Frame[] = []
  let at = frame
  for (; at.path === undefined; at = at.outer!) unnamed.push(at)
  let path = at.path
  for (let inner = unnamed.pop(); inner !== undefined; inner = unnamed.pop()) {
    path = elementPath(inner.outer!, path, inner.key, quoteKey)
    inner.path = path
  }
  return path
}

/**
 * Perl's name for an element, or for the target of a reference to a scalar. The first subscript has an arrow; behind a
 * brace every one has.
 */
export function elementPath(
  frame: Frame,
  path: string,
  key: string | number,
  quoteKey: (frame: Frame, key: string) => string,
): string {
  if (frame.target instanceof ScalarRef) return `\${${path}}`
  const arrow = path.startsWith('${') || /^\$\w+$/.test(path) ? '->' : ''
  return typeof key === 'number' ? `${path}${arrow}[${key}]` : `${path}${arrow}{${quoteKey(frame, key)}}`
}
