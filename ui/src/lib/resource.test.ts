import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { Resource } from './resource.svelte';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

type Answer<T> = { resolve: (value: T) => void; reject: (reason: unknown) => void };

/** A reading whose answers the test gives one by one. */
function slow<T>() {
  const answers: Answer<T>[] = [];
  const resource = new Resource<T>(
    () => new Promise((resolve, reject) => answers.push({ resolve, reject })),
  );
  return { resource, answers };
}

it('a value stays while it is read again', async () => {
  const { resource, answers } = slow<number>();
  const first = resource.load();
  answers[0]?.resolve(1);
  await first;
  const second = resource.load();
  expect([resource.value, resource.isLoading]).toEqual([1, true]);
  answers[1]?.resolve(2);
  await second;
  expect([resource.value, resource.isLoading]).toEqual([2, false]);
});

it('an answer that a newer question has overtaken is dropped', async () => {
  const { resource, answers } = slow<string>();
  const both = [resource.load(), resource.load()];
  answers[1]?.resolve('new');
  answers[0]?.resolve('old');
  await Promise.all(both);
  expect(resource.value).toBe('new');
});

it('a wait is shown only once it is long', async () => {
  const { resource, answers } = slow<number>();
  const loading = resource.load();
  await vi.advanceTimersByTimeAsync(290);
  expect(resource.isSlow).toBe(false);
  await vi.advanceTimersByTimeAsync(20);
  expect(resource.isSlow).toBe(true);
  answers[0]?.resolve(1);
  await loading;
  expect(resource.isSlow).toBe(false);
});

it('a failure keeps the value, and a success takes the failure away', async () => {
  const { resource, answers } = slow<number>();
  const first = resource.load();
  answers[0]?.resolve(1);
  await first;
  const second = resource.load();
  answers[1]?.reject({ code: 'network', message: 'No answer.', hint: null, remedy: null });
  await second;
  expect([resource.value, resource.failure?.code]).toEqual([1, 'network']);
  const third = resource.load();
  answers[2]?.resolve(3);
  await third;
  expect([resource.value, resource.failure]).toEqual([3, null]);
});

it('what is not a failure of the program is called one in plain words', async () => {
  const { resource, answers } = slow<number>();
  const loading = resource.load();
  answers[0]?.reject(new TypeError('x is undefined'));
  await loading;
  expect(resource.failure?.message).toBe('Something in this window went wrong.');
});

it('is not read again by a screen for which it was read ahead', async () => {
  const read = vi.fn(() => Promise.resolve(1));
  const resource = new Resource(read);
  const ahead = resource.load();
  await resource.loadUnlessNew();
  await ahead;
  await resource.loadUnlessNew();
  expect(read).toHaveBeenCalledTimes(1);
  await resource.load();
  expect(read).toHaveBeenCalledTimes(2);
});
