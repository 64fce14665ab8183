/**
 * The one door to the program behind the page. Nothing else imports `@tauri-apps/*`, so every view
 * can be tested with a host of the test's own.
 */
import { Channel, invoke } from '@tauri-apps/api/core';

import type { Failure } from './bindings';

type Arguments = Record<string, unknown>;

/** What answers the page's commands. */
export interface Host {
  call(command: string, args: Arguments): Promise<unknown>;
  stream(
    command: string,
    args: Arguments,
    channel: string,
    take: (event: never) => void,
  ): Promise<unknown>;
}

declare global {
  interface Window {
    /** What the program asked for as soon as there was a page, before any code of it was. */
    __AHEAD__?: Record<string, Promise<unknown>>;
  }
}

/** Takes an answer that was asked for ahead, once. */
function ahead(command: string): Promise<unknown> | undefined {
  const answer = window.__AHEAD__?.[command];
  delete window.__AHEAD__?.[command];
  return answer;
}

const desktop: Host = {
  call: (command, args) => ahead(command) ?? invoke(command, args),
  stream: (command, args, channel, take) => {
    const events = new Channel<never>();
    events.onmessage = take;
    return invoke(command, { ...args, [channel]: events });
  },
};

let host = desktop;

/** Puts another host in place of the program, in a test or in a browser. */
export function useHost(other: Host): void {
  host = other;
}

/** Calls a command. Used by the generated bindings only. */
export function call<Reply>(command: string, args: Arguments): Promise<Reply> {
  return host.call(command, args) as Promise<Reply>;
}

/** Calls a command whose events come while it runs. Used by the generated bindings only. */
export function stream<Event, Reply>(
  command: string,
  args: Arguments,
  channel: string,
  take: (event: Event) => void,
): Promise<Reply> {
  return host.stream(command, args, channel, take as (event: never) => void) as Promise<Reply>;
}

/** Tells the program's own failures from anything else that can go wrong in a page. */
export function failure(error: unknown): Failure {
  if (typeof error === 'object' && error !== null && 'code' in error && 'message' in error) {
    return error as Failure;
  }
  return {
    code: 'failed',
    message: 'Something in this window went wrong.',
    hint: null,
    remedy: null,
  };
}
