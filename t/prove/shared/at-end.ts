/**
 * Stands in for vitest where t/support is used outside of tests (scripts/dev/prove.mjs puts it there): what is to be done after the
 * tests of a file is done after the proof.
 */

type Task = () => unknown

const tasks: Task[] = []

export function afterAll(task: Task): void {
  tasks.push(task)
}

export function describe(): never {
  throw new Error('A proof has no tests')
}

/** Do what is to be done at the end, the last first. */
export async function doAtEnd(): Promise<void> {
  for (const task of tasks.splice(0).reverse()) await task()
}
