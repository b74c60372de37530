/** The containers that a reader is in. */

import type { Hash } from '../../lib/hash.js'
import type { PerlObject, ScalarRef } from '../../lib/perl-values.js'
import type { Form } from '../shared/origin.js'
import type { WideKeys } from '../shared/wide-keys.js'
import type { Cell } from './cells.js'

/** A key as Perl has it. */
export interface PerlKey {
  readonly text: string
  readonly isChars: boolean
}

/** What else is in a hash with flags. */
export interface HashFlags {
  readonly isRestricted: boolean
  readonly locked: PerlKey[]
  readonly allowed: PerlKey[]
}

/** What is open: a container, a scalar that is referred to, or an object that its class wrote. */
export class Frame {
  readonly kind: 'hash' | 'array' | 'scalar' | 'hook'
  readonly target: Hash | unknown[] | ScalarRef | PerlObject
  /** What stands for a reference to the target: the target, or the PerlObject around it. */
  readonly reference: unknown
  /** How many elements there are, and how many of them are complete. */
  readonly size: number
  done = 0
  readonly depth: number
  readonly outer: Frame | undefined
  /** The form of the reference. */
  readonly form: Form | undefined
  /** What a tag stands for that is given to an element. */
  element: unknown
  flags: HashFlags | undefined = undefined
  wideKeys: WideKeys | undefined = undefined
  /** The flags of a hook. */
  hookFlags = 0

  constructor(
    kind: Frame['kind'],
    target: Frame['target'],
    reference: unknown,
    size: number,
    outer: Frame | undefined,
    form: Form | undefined,
  ) {
    this.kind = kind
    this.target = target
    this.reference = reference
    this.size = size
    this.depth = outer === undefined ? 0 : outer.depth + 1
    this.outer = outer
    this.form = form
    // A reference to the scalar of a ScalarRef is that ScalarRef; other scalars need cells to be referred to.
    this.element = kind === 'scalar' ? reference : undefined
  }

  /** The scalar that the next element is. */
  get cell(): Cell {
    return this.element as Cell
  }
}
