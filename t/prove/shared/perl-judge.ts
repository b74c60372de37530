/** What Perl finds in a store: t/prove/children/perl-judge.pl, asked line by line. */

import { type Child, startPerl } from '../../support/child.js'

/** One Perl process that answers a line for a line. */
export class PerlJudge {
  readonly #child: Child = startPerl('t/prove/children/perl-judge.pl', [])
  #asked = 0
  #last: Promise<unknown> = Promise.resolve()

  /** `none`, `broken`, or the length and the letter of the payload. */
  verdict(driver: 'file' | 'sqlite', path: string, id: string): Promise<string> {
    const answer = this.#last.then(() => this.#ask(`${driver} ${path} ${id}`))
    this.#last = answer.catch(() => undefined)
    return answer
  }

  async #ask(line: string): Promise<string> {
    const index = this.#asked++
    const { stdin, stdout } = this.#child.process
    stdin.write(`${line}\n`)
    for (;;) {
      const answers = this.#child.output().split('\n')
      if (answers.length > index + 1) return answers[index]!
      await Promise.race([new Promise((resolve) => stdout.once('data', resolve)), this.#child.done])
    }
  }

  end(): void {
    this.#child.process.stdin.end()
  }
}
