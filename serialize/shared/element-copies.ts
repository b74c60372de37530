/** Stand-ins for references to elements, in formats that know references to whole scalars only. */

import { type ElementRef, ScalarRef } from '../../lib/perl-values.js'
import { formOf, noteSlot, originOf } from './origin.js'

type Key = string | number

/** One scalar for each element: references to one element stay references to one scalar. */
export class ElementCopies {
  private readonly copies = new Map<object, Map<Key, ScalarRef>>()

  /** A reference to a copy of the element, with the form that the element has. */
  of({ container, key, value }: ElementRef): ScalarRef {
    const known = this.copies.get(container) ?? new Map<Key, ScalarRef>()
    this.copies.set(container, known)
    const copy = known.get(key) ?? new ScalarRef(value)
    known.set(key, copy)
    const form = formOf(originOf(container), key, value)
    if (form !== undefined) noteSlot(copy, 'value', value, form)
    return copy
  }
}
