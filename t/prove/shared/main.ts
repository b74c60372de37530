/** Runs one proof and prints its line; scripts/dev/prove.mjs bundles it with the proof and starts it. */

import openDesk from '../../support/server-desk.js'
import { doAtEnd } from './at-end.js'
import { absent } from './drivers.js'
import { type Finding, isReached, type Proof, type Run } from './proof.js'
import { Random } from './random.js'

/** One line: `NAME value target ok|short seed=N`, and what was counted is separated by commas. */
function lineOf(name: string, findings: readonly Finding[], seed: number): string {
  const values = findings.map((one) => `${one.name}=${one.value}`).join(',')
  const targets = findings.map((one) => `${one.name}${one.rule}${one.target}`).join(',')
  return `${name} ${values} ${targets} ${findings.every(isReached) ? 'ok' : 'short'} seed=${seed}`
}

function runOf(proof: Proof, seconds: number, seed: number): Run {
  return {
    seconds,
    end: performance.now() + seconds * 1000,
    random: new Random(seed),
    log: (text) => void process.stderr.write(`  ${text}\n`),
    atLeast: (name, value, target) => {
      const part = Math.min(1, seconds / proof.seconds)
      return { name, value, target: Math.ceil(target * part), rule: '>=' }
    },
    exactly: (name, value, target = 0) => ({ name, value, target, rule: '=' }),
    atMost: (name, value, target) => ({ name, value, target, rule: '<=' }),
  }
}

/** What the command line asks for. */
interface Wanted {
  readonly seconds?: string
  readonly seed?: string
  readonly short?: boolean
}

async function main(): Promise<void> {
  const [name = '', file = '', options = '{}'] = process.argv.slice(2)
  const wanted: Wanted = JSON.parse(options)
  const { default: proof } = (await import(file)) as { default: Proof }
  const reason = absent(proof.parts)
  if (reason !== undefined) {
    process.stdout.write(`${name} - - skipped: ${reason}\n`)
    return
  }
  const seconds = Number(wanted.seconds ?? (wanted.short ? proof.short : proof.seconds))
  const seed = Number(wanted.seed ?? Math.floor(Math.random() * 2 ** 32))
  process.stderr.write(`${name}: ${proof.summary}\n`)
  const closeDesk = await openDesk()
  try {
    const findings = await proof.run(runOf(proof, seconds, seed))
    process.stdout.write(`${lineOf(name, findings, seed)}\n`)
    if (!findings.every(isReached)) process.exitCode = 1
  } catch (error) {
    process.exitCode = 1
    process.stdout.write(`${name} error - short seed=${seed}\n`)
    process.stderr.write(`${(error as Error).stack}\n`)
  } finally {
    await doAtEnd()
    await closeDesk()
  }
}

void main()
