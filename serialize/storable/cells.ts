/**
 * Perl's scalars with an identity of their own, for images in which an element is referred to, or two elements are one
 * scalar.
 *
 * Nearly no image has such things, so a reader does without cells until it finds that it needs them, and then starts
 * again. A scalar may be met first as the target of a reference and later as an element; so what refers to shared
 * scalars is put in place when all is read.
 */

import { type Hash, setElement } from '../../lib/hash.js'
import { ElementRef, PerlObject, ScalarRef } from '../../lib/perl-values.js'
import { booleanOf } from '../shared/json-boolean.js'
import { type Form, noteAlias, noteSlot } from '../shared/origin.js'
import { findKey } from '../shared/wide-keys.js'

type Container = ElementRef['container'] | ScalarRef

/** Where a scalar stands. The key of a hash is in Perl's characters, as its JavaScript key may change while it is read. */
interface Home {
  readonly container: Container
  readonly key: string | number
}

/** A Perl scalar. */
export class Cell {
  value: unknown = null
  form: Form | undefined = undefined
  className: string | undefined = undefined
  /** The ScalarRef whose target this is, or the PerlObject around it. */
  reference: unknown = undefined
  readonly homes: Home[] = []
  /** The scalars that are references to this one. */
  readonly referrers: Cell[] = []
}

/** The cells of an image that are shared. */
export class SharedCells {
  private readonly shared = new Set<Cell>()

  /** Another element is this scalar. */
  alias(cell: Cell): unknown {
    this.shared.add(cell)
    return cell.value
  }

  /** Another scalar is a reference to this one; what it holds until all is read. */
  refer(cell: Cell, referrer: Cell): null {
    this.shared.add(cell)
    cell.referrers.push(referrer)
    return null
  }

  /** Put everything in place. */
  finish(): void {
    const changed = new Set<Cell>()
    for (const cell of this.shared) {
      this.finishReferrers(cell)
      for (const referrer of cell.referrers) changed.add(referrer)
      if (elementsOf(cell).length > 1) changed.add(cell)
    }
    for (const cell of changed) putInPlace(cell)
  }

  private finishReferrers(cell: Cell): void {
    const [element] = elementsOf(cell)
    const reference = element === undefined ? cell.reference : elementReference(element, cell.className)
    const boolean = booleanOf(reference)
    for (const referrer of cell.referrers) {
      referrer.value = boolean ?? reference
      if (boolean !== undefined) referrer.form = 'json-boolean'
    }
  }
}

function elementsOf(cell: Cell): readonly Home[] {
  return cell.homes.filter(({ container }) => !(container instanceof ScalarRef))
}

function keyOf({ container, key }: Home): string | number {
  return typeof key === 'number' || container instanceof ScalarRef ? key : (findKey(container as Hash, key) ?? key)
}

function elementReference(home: Home, className: string | undefined): ElementRef | PerlObject {
  const reference = new ElementRef(home.container as ElementRef['container'], keyOf(home))
  return className === undefined ? reference : new PerlObject(className, reference)
}

function putInPlace(cell: Cell): void {
  const alias = elementsOf(cell).length > 1 ? { shown: cell.value } : undefined
  for (const home of cell.homes) {
    const { container } = home
    const key = keyOf(home)
    setElement(container as Hash, key as string, cell.value)
    if (cell.form !== undefined) noteSlot(container, key, cell.value, cell.form)
    if (alias !== undefined && !(container instanceof ScalarRef)) noteAlias(container, key, alias)
  }
}
