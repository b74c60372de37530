/** Session files under the hands of Node and of Perl's CGI::Session at the same time. */

import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { type Child, startNode, startPerl } from '../support/child.js'
import { fileStore } from '../support/file-store.js'
import { temporaryFolder } from '../support/folders.js'
import { problemOf, recordOf } from '../support/records.js'
import { describeWith } from '../support/requirements.js'

const script = 't/support/file-driver.pl'
const worker = 't/support/file-worker.ts'
const id = '0123456789abcdef0123456789abcdef'

function perl(task: string, directory: string, args: string[] = [], input = ''): Promise<string> {
  const child = startPerl(script, [task, directory, ...args])
  child.process.stdin.end(input)
  return child.done
}

async function results(children: Child[]): Promise<Record<string, number>[]> {
  return (await Promise.all(children.map((child) => child.done))).map((text) => JSON.parse(text))
}

function sum(counts: Record<string, number>[], key: string): number {
  return counts.reduce((total, count) => total + (count[key] ?? 0), 0)
}

describeWith('perl', 'File: with CGI::Session', () => {
  it('Perl reads what Node wrote, byte for byte', async () => {
    const directory = temporaryFolder()
    const driver = fileStore({ directory })
    for (const length of [1, 5000, 30]) {
      await driver.store(id, recordOf(id, length, 3))
      expect(await perl('retrieve', directory, [id])).toBe(recordOf(id, length, 3).toString())
    }
    expect(JSON.parse(await perl('load', directory, [id]))).toEqual({
      is_empty: 0,
      id,
      param: { n: 30, payload: 'd'.repeat(30) },
    })
  })

  it('Node reads what Perl wrote, and each sees the changes of the other', async () => {
    const directory = temporaryFolder()
    const driver = fileStore({ directory })
    await perl('store', directory, [id], recordOf(id, 7000, 1).toString())
    expect(await driver.retrieve(id)).toEqual(recordOf(id, 7000, 1))
    await driver.store(id, recordOf(id, 6, 2))
    expect(await perl('save', directory, [id, 'name', 'Ann'])).toBe(id)
    const text = Buffer.from((await driver.retrieve(id))!).toString()
    expect(text).toContain("'name' => 'Ann'")
    expect(text).toContain("'payload' => 'cccccc'")
    expect(await driver.store(id, recordOf(id, 1, 1), { expect: recordOf(id, 6, 2) })).toBe('conflict')
    expect(await driver.store(id, recordOf(id, 1, 1), { expect: Buffer.from(text) })).toBe('stored')
  })

  it('both list and remove the same sessions', async () => {
    const directory = temporaryFolder()
    const driver = fileStore({ directory })
    await driver.store('fromnode', recordOf('fromnode', 1, 1))
    await perl('store', directory, ['fromperl'], recordOf('fromperl', 1, 1).toString())
    const ids: string[] = []
    for await (const one of driver.ids()) ids.push(one)
    expect(ids.sort()).toEqual(['fromnode', 'fromperl'])
    expect(await perl('traverse', directory)).toBe('fromnode\nfromperl')
    await perl('remove', directory, ['fromnode'])
    expect(await driver.retrieve('fromnode')).toBeUndefined()
    expect(await driver.remove('fromperl')).toBe(true)
    expect(await perl('retrieve', directory, ['fromperl'])).toBe('')
  })

  it('files are made with the mode that Perl makes them with', async () => {
    const directory = temporaryFolder()
    await fileStore({ directory }).store('node', recordOf('node', 1, 1))
    await perl('store', directory, ['perl'], 'x')
    const [node, other] = ['node', 'perl'].map((name) => statSync(join(directory, `cgisess_${name}`)))
    expect(node?.mode).toBe(other?.mode)
  })

  it('nothing is torn, empty or lost while both write one session of 1 to 60 KB', async () => {
    const directory = temporaryFolder()
    await fileStore({ directory }).store(id, recordOf(id, 1000, 0))
    const path = join(directory, `cgisess_${id}`)
    const { ino } = statSync(path)
    const both = [directory, id, '2500']
    const node = (task: string) => startNode(worker, [task, ...both])
    const writers = [startPerl(script, ['write', ...both]), startPerl(script, ['write', ...both])]
    const nodeWriters = await Promise.all([node('write'), node('write')])
    const readers = [await node('read'), startPerl(script, ['read', ...both])]
    const [perlCounts, nodeCounts, reads] = await Promise.all([writers, nodeWriters, readers].map(results))
    expect(reads!.map(({ bad, missing, replaced = 0 }) => ({ bad, missing, replaced }))).toEqual([
      { bad: 0, missing: 0, replaced: 0 },
      { bad: 0, missing: 0, replaced: 0 },
    ])
    // A Perl program that had found no session would have made another one.
    expect(sum(perlCounts!, 'strangers')).toBe(0)
    for (const counts of [perlCounts!, nodeCounts!]) expect(sum(counts, 'written')).toBeGreaterThan(20)
    for (const { reads: count } of reads!) expect(count).toBeGreaterThan(20)
    // The same file from beginning to end: no write went to a file that nobody sees.
    expect(statSync(path).ino).toBe(ino)
    expect(problemOf(readFileSync(path))).toBeUndefined()
    console.info(
      `writes: Perl ${sum(perlCounts!, 'written')}, Node ${sum(nodeCounts!, 'written')}; reads: ${JSON.stringify(reads)}`,
    )
  })
})
