/** A desk in front of a program that a test speaks for: both are new for each test of a file. */
import { afterEach, beforeEach, vi } from 'vitest';

import { Desk } from '../lib/desk.svelte';
import { Program, started } from './test-program';

export let program: Program;
export let desk: Desk;

beforeEach(() => {
  vi.useFakeTimers();
  program = new Program();
  desk = new Desk();
});

afterEach(() => vi.useRealTimers());

/** Writes a prompt and pauses, so that it is asked who would pay. */
export async function write(prompt: string): Promise<void> {
  desk.draft.prompt = prompt;
  desk.draft.askSoon();
  await vi.advanceTimersByTimeAsync(150);
}

/** Sends what was written. */
export async function press(): Promise<void> {
  void desk.send();
  await vi.advanceTimersByTimeAsync(0);
}

/** Sends a prompt whose run begins. */
export async function begin(prompt = 'Hello'): Promise<void> {
  await write(prompt);
  await press();
  program.tell(started);
}
