import { useHost, type Host } from '../lib/host';

type Answer = (args: never, take: (event: never) => void) => unknown;

/** A host for tests: each command answers as the test says, and every call is written down. */
export class TestHost implements Host {
  calls: { command: string; args: Record<string, unknown> }[] = [];
  #answers = new Map<string, Answer>();

  /** Puts itself in the program's place. */
  constructor(answers: Record<string, Answer> = {}) {
    for (const [command, answer] of Object.entries(answers)) this.on(command, answer);
    useHost(this);
  }

  /** Says what a command answers from now on; a throw or a rejected promise is a failure. */
  on(command: string, answer: Answer): this {
    this.#answers.set(command, answer);
    return this;
  }

  /** Returns what a command was called with, each time. */
  argsOf(command: string): Record<string, unknown>[] {
    return this.calls.filter((call) => call.command === command).map((call) => call.args);
  }

  call = (command: string, args: Record<string, unknown>): Promise<unknown> =>
    this.stream(command, args, '', () => undefined);

  stream = async (
    command: string,
    args: Record<string, unknown>,
    _channel: string,
    take: (event: never) => void,
  ): Promise<unknown> => {
    this.calls.push({ command, args });
    const answer = this.#answers.get(command);
    if (!answer) throw new Error(`the test does not say what ${command} answers`);
    return answer(args as never, take);
  };
}
