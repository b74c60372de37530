/**
 * Storable: Perl's own binary format.
 *
 * Images of every machine are read. What is written is in network order, which every Perl reads; a session with
 * floating point numbers or integers of more than 32 bits is written as Perl's `freeze` does it on x86-64 and ARM64,
 * because only there such numbers stay numbers. New booleans are objects of JSON::PP::Boolean to Perl (5.14 or newer):
 * Perl's own can be written for Perl 5.38 only, or as constants that no program may assign to; each boolean that Perl
 * wrote keeps its kind. Integers from 2^63 on become text, as in Perl. Nothing is executed: code and ties are refused, and what a class wrote
 * by its own STORABLE_freeze is kept as it is (`StorableHook`).
 */

import { serializerOptions } from './shared/options.js'
import { RecordSerializer } from './shared/record-serializer.js'
import { readRecord } from './storable/reader.js'
import { writeRecord } from './storable/writer.js'

/** Data::Session::Serialize::Storable, and CGI::Session's `storable`. */
export default class Storable extends RecordSerializer {
  /** Perl reads any depth, but `freeze` in Perl stops at 256 to some thousands, as it was built. */
  static readonly options = serializerOptions(2000)
  readonly output = 'bytes'
  /** Perl ignores whatever stands behind the value. */
  readonly padding = true
  protected readonly read = readRecord
  protected readonly write = writeRecord
}
