import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { NOTHING_LEFT, refuse } from '../dev/sample-replies';
import { TestHost } from '../dev/test-host';
import type { LeftDraft } from './bindings';
import { DraftState } from './draft.svelte';

const file = { id: 3, name: 'trace.txt', media: 'text/plain', bytes: 12 };

let host: TestHost;
let left: LeftDraft;

beforeEach(() => {
  vi.useFakeTimers();
  left = NOTHING_LEFT;
  host = new TestHost({
    left_draft: () => left,
    keep_draft: ({ left: kept }: { left: LeftDraft }) => {
      left = kept;
      return null;
    },
  });
});

afterEach(() => vi.useRealTimers());

test('what was written is there again in the page that comes after', async () => {
  const former = new DraftState();
  await former.comeBack();
  former.prompt = 'A long thought';
  former.system = 'Be brief.';
  former.attachments = [file];
  former.before = { run: 7, title: 'What came before', payer: 'Work', tier: 'metered' };
  former.leaveSoon();
  await vi.advanceTimersByTimeAsync(150);

  const later = new DraftState();
  await later.comeBack();
  expect(later.wire).toEqual(former.wire);
  expect(later.attachments).toEqual([file]);
  expect(later.before).toEqual(former.before);
});

test('what was written first in the new page is not overwritten', async () => {
  left = { ...NOTHING_LEFT, draft: { ...NOTHING_LEFT.draft, prompt: 'Old' } };
  const draft = new DraftState();
  draft.prompt = 'New';
  await draft.comeBack();
  expect(draft.prompt).toBe('New');
});

test('an empty page that has not looked yet hands nothing on', async () => {
  new DraftState().leaveSoon();
  await vi.advanceTimersByTimeAsync(150);
  expect(host.argsOf('keep_draft')).toHaveLength(0);
});

test('of chosen files those that can be read are attached, and the other one is named', async () => {
  const trouble = refuse('bad_input', 'The file a.bin is neither an image nor text.', null);
  host.on('choose_files', () => ({ attached: [file], trouble }));
  const draft = new DraftState();
  await draft.chooseFiles();
  expect(draft.attachments).toEqual([file]);
  expect(draft.attachFailure).toEqual(trouble);
});
