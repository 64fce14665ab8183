import { expect, it } from 'vitest';

import { inColumn } from './line';

it('a sum of millions is shown without cents, and never cut off', () => {
  expect(inColumn('$12,345.67')).toBe('$12,345.67');
  expect(inColumn('≥ $123,456.78')).toBe('≥ $123,456.78');
  expect(inColumn('$1,234,567.89')).toBe('$1,234,567');
  expect(inColumn('≥ $1,234,567.89')).toBe('≥ $1,234,567');
  expect(inColumn('$12,345,678.90')).toBe('$12,345,678');
});
