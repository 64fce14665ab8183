import { expect, it } from 'vitest';

import { modelName, modelNames } from './model-name';

it.each([
  ['claude-haiku-5-5', 'Haiku 5.5'],
  ['claude-opus-5', 'Opus 5'],
  ['claude-sonnet-4-5-20250929', 'Sonnet 4.5'],
  ['claude-sonnet-4-20250514', 'Sonnet 4'],
  ['claude-3-5-haiku-20241022', 'Haiku 3.5'],
  ['claude-3-opus-latest', 'Opus 3'],
  ['sonnet', 'newest Sonnet'],
  ['gateway/sonnet', 'gateway/sonnet'],
  ['claude-next-preview', 'claude-next-preview'],
])('%s is called %s', (id, name) => {
  expect(modelName(id)).toBe(name);
});

it('models that would be called the same keep their ids', () => {
  const names = modelNames(['claude-haiku-5', 'claude-haiku-5-20260801', 'claude-opus-5']);
  expect([...names.values()]).toEqual(['claude-haiku-5', 'claude-haiku-5-20260801', 'Opus 5']);
});
