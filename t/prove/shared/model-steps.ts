/** What programs do with sessions, as plain data that can be printed and made shorter, and how it is done to the model and for real. */

import { isDeepStrictEqual, inspect as show } from 'node:util'
import fc from 'fast-check'
import { type ManagerOptions, type Session, SessionManager, UnsupportedError } from '../../../lib/index.js'
import { ModelSession, ModelStore, type Value } from './session-model.js'

/** One thing that a program does: its name, to which of the session objects, and with what. */
export type Step = readonly [name: keyof typeof actions, slot: number, ...details: unknown[]]

/** Two processes with two session objects each. */
const SLOTS = 4
const slot = fc.nat(SLOTS - 1)
const key = fc.constantFrom('a', 'b', 'c')
const value = fc.oneof(fc.nat(3), fc.constantFrom('', 'x'), fc.array(fc.nat(3), { maxLength: 2 }))
/** A minute at least: see `isDisturbed`. */
const lifetime = fc.oneof(fc.constant(0), fc.integer({ min: 60, max: 300 }))

const step = (name: Step[0], ...details: fc.Arbitrary<unknown>[]) =>
  fc.tuple(fc.constant(name), slot, ...details) as unknown as fc.Arbitrary<Step>

export const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { arbitrary: step('open', fc.nat(4), fc.boolean()), weight: 6 },
    { arbitrary: step('set', key, value), weight: 6 },
    { arbitrary: step('flush'), weight: 8 },
    { arbitrary: step('grow', key, fc.nat(9)), weight: 3 },
    { arbitrary: step('increment', key, fc.integer({ min: -3, max: 3 })), weight: 3 },
    { arbitrary: step('push', key, fc.nat(9)), weight: 3 },
    { arbitrary: step('addToSet', key, fc.nat(3)), weight: 3 },
    { arbitrary: step('clear', fc.option(key)), weight: 2 },
    { arbitrary: step('expire', lifetime), weight: 2 },
    { arbitrary: step('expireParameter', key, lifetime), weight: 2 },
    { arbitrary: step('wait', fc.oneof(fc.nat(5), fc.integer({ min: 30, max: 400 }))), weight: 4 },
    { arbitrary: step('checkExpiry'), weight: 1 },
    { arbitrary: step('delete'), weight: 1 },
    { arbitrary: step('regenerate'), weight: 1 },
    { arbitrary: step('purge'), weight: 1 },
    { arbitrary: step('restart'), weight: 1 },
  ),
  { maxLength: 25, size: 'max' },
)

/** The same session, for real and in the model, in one of the processes. */
interface Pair {
  readonly process: number
  real: Session
  model: ModelSession
}

const isNumber = (one: unknown) => one === undefined || typeof one === 'number'
const isList = (one: unknown) => one === undefined || Array.isArray(one)
const listOf = (one: unknown) => (one ?? []) as readonly number[]

/** What is done to a pair; the answers of both must be equal. */
const actions = {
  open: (world: World, pair: Pair, which: number, asClient: boolean) =>
    world.reopen(pair, world.ids[which % world.ids.length]!, asClient),
  set: (_: World, { real, model }: Pair, name: string, one: Value) => {
    // A list of its own: the steps may be done again.
    real.param(name, structuredClone(one))
    model.set(name, one)
  },
  grow: (_: World, { real, model }: Pair, name: string, item: number) => {
    const list = real.param(name)
    if (Array.isArray(list)) list.push(item)
    model.grow(name, item)
  },
  increment: (_: World, { real, model }: Pair, name: string, amount: number) => {
    if (isNumber(model.get(name))) real.increment(name, amount)
    model.operate(name, (one) => (isNumber(one) ? Number(one ?? 0) + amount : undefined))
  },
  push: (_: World, { real, model }: Pair, name: string, item: number) => {
    if (isList(model.get(name))) real.push(name, item)
    model.operate(name, (one) => (isList(one) ? [...listOf(one), item] : undefined))
  },
  addToSet: (_: World, { real, model }: Pair, name: string, item: number) => {
    if (isList(model.get(name))) real.addToSet(name, item)
    model.operate(name, (one) =>
      isList(one) ? [...listOf(one), ...(listOf(one).includes(item) ? [] : [item])] : undefined,
    )
  },
  clear: (_: World, { real, model }: Pair, name: string | null) => {
    if (name === null) real.clear()
    else real.clear(name)
    if (name === null) model.clear()
    else model.set(name, undefined)
  },
  expire: (_: World, { real, model }: Pair, seconds: number) => {
    real.expire(seconds)
    model.expire(seconds)
  },
  expireParameter: (_: World, { real, model }: Pair, name: string, seconds: number) => {
    real.expire(name, seconds)
    model.expireParameter(name, seconds)
  },
  flush: async (_: World, { real, model }: Pair) => [await real.flush(), model.flush()],
  delete: async (_: World, { real, model }: Pair) => [await real.delete(), model.delete()],
  checkExpiry: async (_: World, { real, model }: Pair) => [await real.checkExpiry(), model.checkExpiry(real.id())],
  regenerate: async (_: World, { real, model }: Pair) => [await real.regenerate(), model.regenerate(real.id())],
  wait: (world: World, _: Pair, seconds: number) => {
    world.store.now += seconds
  },
  purge: (world: World) => world.purge(),
  restart: (world: World, pair: Pair) => world.restart(pair.process),
} as const

/** What both worlds differ in. */
export class Difference extends Error {}

/** A store of a driver with two processes on it, and a model of both. */
export class World {
  readonly store = new ModelStore()
  readonly ids: string[]
  readonly #options: ManagerOptions
  readonly #managers: SessionManager[] = []
  readonly #pairs: Pair[] = []

  /** @param ids that two programs agreed on, and no store has */
  constructor(options: ManagerOptions, ids: readonly string[]) {
    this.store.now = Math.floor(Date.now() / 1000)
    this.ids = [...ids]
    this.#options = { ...options, clock: () => this.store.now * 1000 }
  }

  static async open(driver: string, options: ManagerOptions, ids: readonly string[]): Promise<World> {
    const world = new World({ type: `driver:${driver};serialize:JSON`, ...options }, ids)
    for (const process of [0, 1]) world.#managers[process] = await SessionManager.create(world.#options)
    for (let at = 0; at < SLOTS; at++) world.#pairs.push(await world.#pair(at >> 1, world.ids[at % 2]!))
    return world
  }

  async #pair(process: number, id: string, asClient = false): Promise<Pair> {
    const real = await this.#managers[process]!.open(asClient ? { clientId: id } : { id })
    const model = new ModelSession(this.store, id, asClient ? real.id() : undefined)
    return { process, real, model }
  }

  /** Do a step to both. @throws {Difference} */
  async take([name, slot, ...details]: Step): Promise<void> {
    const pair = this.#pairs[slot]!
    const action = actions[name] as (world: World, pair: Pair, ...details: readonly unknown[]) => unknown
    const answers = await action(this, pair, ...details)
    if (Array.isArray(answers)) compare(`what ${name} gives`, answers[0], answers[1])
    for (const each of this.#pairs) {
      this.#note(each)
      compare(`session ${this.#pairs.indexOf(each)} after ${name}`, viewOf(each.real), each.model.view)
    }
  }

  /** An id that the store knows may be opened. (Whoever opens another program's new id before that is stored takes it away.) */
  #note({ model: { id } }: Pair): void {
    if (this.store.stored.has(id) && !this.ids.includes(id)) this.ids.push(id)
  }

  /** Flush the session, and open another one in its place. */
  async reopen(pair: Pair, id: string, asClient: boolean): Promise<unknown> {
    const answers = [await pair.real.flush(), pair.model.flush()]
    this.#note(pair)
    Object.assign(pair, await this.#pair(pair.process, id, asClient))
    return answers
  }

  /** A process ends in good order, and begins again with the sessions that it had. */
  async restart(process: number): Promise<void> {
    const pairs = this.#pairs.filter((pair) => pair.process === process)
    for (const { real, model } of pairs) compare('what the last flush gives', await real.flush(), model.flush())
    await this.#managers[process]!.close()
    this.#managers[process] = await SessionManager.create(this.#options)
    for (const pair of pairs) Object.assign(pair, await this.#pair(process, pair.model.id))
  }

  /** A second later: so long a session stays that had ended when it was written, where the store keeps a time for it. */
  async purge(): Promise<unknown> {
    this.store.now++
    try {
      return [(await this.#managers[0]!.purge()).removed, this.store.purge()]
    } catch (error) {
      if (error instanceof UnsupportedError) return undefined
      throw error
    }
  }

  /** Flush everything, and compare what a new program finds. @throws {Difference} */
  async finish(): Promise<void> {
    for (let slot = 0; slot < SLOTS; slot++) await this.take(['flush', slot])
    for (const id of [...this.ids]) {
      const { real, model } = await this.#pair(0, id)
      compare('what is found at the end', viewOf(real), model.view)
      await real.delete()
    }
  }

  /** Leave nothing for the purges of later runs. */
  async close(): Promise<void> {
    for (const { real } of this.#pairs) await real.delete()
    for (const id of this.ids) await (await this.#managers[0]!.open({ id })).delete()
    for (const one of this.#managers) await one.close()
  }
}

const inspect = (value: unknown) => show(value, { depth: 6, breakLength: Number.POSITIVE_INFINITY })

function compare(what: string, real: unknown, model: unknown): void {
  if (!isDeepStrictEqual(real, model))
    throw new Difference(`${what}: ${inspect(real)}, and in the model ${inspect(model)}`)
}

/** All that can be seen of a session, as `ModelSession.view` has it. */
function viewOf(real: Session): object {
  const pairsOf = (names: readonly string[], one: (name: string) => unknown) =>
    [...names].sort().map((name) => [name, one(name)])
  return {
    id: real.id(),
    isNew: real.isNew(),
    expired: real.expired(),
    deleted: real.deleted(),
    isModified: real.modified(),
    ctime: real.ctime(),
    atime: real.atime(),
    etime: real.etime(),
    params: pairsOf(real.param(), (name) => structuredClone(real.param(name))),
    ptime: pairsOf(Object.keys(real.ptime()), (name) => real.ptime(name)),
  }
}
