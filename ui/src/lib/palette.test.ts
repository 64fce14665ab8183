import { expect, it } from 'vitest';

import { manyKeys, someKeys, standingOf } from '../dev/sample';
import { commands, found } from './palette';

const keys = someKeys();
const labels = (typed: string, standing = standingOf(keys)): string[] =>
  found(commands(standing, keys), typed).map(({ label }) => label);

it('every word has to be there, in any order', () => {
  expect(labels('keys go')).toEqual(['Go to Keys']);
});

it('offers keys that can pay, and no admin key', () => {
  expect(labels('pay personal')).toEqual(['Pay with Personal …77c2']);
  expect(labels('org admin')).toEqual([]);
});

it('offers to lock what is open and to unlock what is locked', () => {
  expect(labels('vault')).toEqual(['Lock the vault']);
  const vault = standingOf(keys).vault;
  if (!vault) throw new Error('the sample has a vault');
  const locked = standingOf(keys, { vault: { ...vault, lock: { locked: 'idle' } } });
  expect(labels('vault', locked)).toEqual(['Unlock the vault']);
});

it('shows no more than can be looked through', () => {
  expect(found(commands(undefined, manyKeys(1000)), '').length).toBeLessThanOrEqual(50);
});
