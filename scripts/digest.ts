#!/usr/bin/env node
/**
 * Prints how long the ids of each generator are, which sizes the id column of a table.
 * Data::Session has it as scripts/digest.pl.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PluginError } from '../lib/errors.js'
import { readOptions } from '../lib/options.js'
import { loadPlugin, pluginNames } from '../lib/registry.js'

const context = { now: () => Math.floor(Date.now() / 1000), padding: false }

/** One character a byte would upset a terminal: such bytes are shown as Perl writes them. */
function printable(id: string): string {
  return id.replace(/[^\x21-\x7e]|\\/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

/** A line for a generator; one that lacks its package says so. */
async function lineOf(name: string, given: Readonly<Record<string, unknown>>): Promise<string> {
  try {
    return await describeGenerator(name, given)
  } catch (error) {
    if (!(error instanceof PluginError)) throw error
    return `${name.padEnd(14)}     -  -      ${error.message}`
  }
}

async function describeGenerator(name: string, given: Readonly<Record<string, unknown>>): Promise<string> {
  const { Plugin } = await loadPlugin('id', name)
  const generator = new Plugin(readOptions(Plugin.options, given), context)
  const example = printable(await generator.generate())
  return `${name.padEnd(14)}${String(generator.length).padStart(6)}  ${generator.shape.padEnd(6)} ${example}`
}

async function main(): Promise<void> {
  // The example of AutoIncrement must not use up a number of the counter that programs share.
  const folder = mkdtempSync(join(tmpdir(), 'data-session-digest-'))
  try {
    const given = { id: 'the-id-that-you-choose', idFile: join(folder, 'data.session.id'), noFlock: true }
    console.log('id generator  length  shape  an example')
    for (const name of pluginNames('id')) console.log(await lineOf(name, given))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

main().catch((error: unknown) => {
  console.error(error)
  process.exitCode = 1
})
