/** Updates of one session by several writers, and how many of them are missing afterwards. */

import type { ManagerOptions, Session } from '../../../lib/index.js'
import type { Managers } from './managers.js'

/** Updates for one writer to make. */
export interface Updates {
  readonly options: ManagerOptions
  readonly id: string
  /** The name of the writer's own key. */
  readonly writer: string
  /** So many at the most, and no longer than so. */
  readonly most: number
  readonly milliseconds: number
}

/** Make updates, each with the session opened anew: one more in the own key, a tag for the set. The tags of those that were acknowledged. */
export async function update(
  managers: Managers,
  { options, id, writer, most, milliseconds }: Updates,
): Promise<string[]> {
  const sessions = await managers.for(options)
  const acknowledged: string[] = []
  const end = performance.now() + milliseconds
  for (let done = 0; done < most && performance.now() < end; done++) {
    const session = await sessions.open({ id })
    const tag = `${writer}.${done}`
    session.increment(writer)
    session.addToSet('tags', tag)
    if (await session.flush()) acknowledged.push(tag)
  }
  return acknowledged
}

/** How many acknowledged updates of a writer are not in the session, or in it more than once. */
export function missing(session: Session, writer: string, acknowledged: readonly string[]): number {
  const tags: readonly string[] = session.param('tags') ?? []
  const times = new Map<string, number>()
  for (const tag of tags) times.set(tag, (times.get(tag) ?? 0) + 1)
  const wrongTags = acknowledged.filter((tag) => times.get(tag) !== 1).length
  const uncounted = Math.abs(acknowledged.length - Number(session.param(writer) ?? 0))
  return Math.max(wrongTags, uncounted)
}
