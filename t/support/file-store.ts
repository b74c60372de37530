/** The file driver, as tests make it. */

import File from '../../drivers/File.js'
import { readOptions } from '../../lib/options.js'

/** A file driver with these options, for a serializer that can or cannot be padded. */
export function fileStore(options: Record<string, unknown>, padding = true): File {
  return new File(readOptions(File.options, options), { now: () => 1_700_000_000, padding })
}
