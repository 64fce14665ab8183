import { describe, expect, test } from 'vitest';

import { TestHost } from '../dev/test-host';
import { grouped, known, plain, readLimits } from './settings';
import { SettingsState } from './settings.svelte';

const row = (name: string, value = 'null') => ({ name, about: 'About it.', value });

describe('a setting', () => {
  test('that is not known has a place all the same', () => {
    const groups = grouped([row('new.thing'), row('dispatch.model'), row('usage.zone')]);
    expect(groups.map(({ title }) => title)).toEqual(['Dispatch', 'History and ledger', 'More']);
    expect(groups.at(-1)?.rows[0]?.name).toBe('new.thing');
  });

  test('that is known has its place under a heading', () => {
    const groups = grouped(Object.keys(known).map((name) => row(name)));
    expect(groups.some(({ title }) => title === 'More')).toBe(false);
  });

  test('is shown as a person would write it', () => {
    expect(plain('"sonnet"')).toBe('sonnet');
    expect(plain('90')).toBe('90');
    expect(plain('null')).toBe('null');
    expect(plain('not json')).toBe('not json');
  });

  test('of another form than its control is not taken apart', () => {
    const limits = { connect: 1, first_byte: 2, idle: 3, total: 4 };
    expect(readLimits(JSON.stringify(limits))).toEqual(limits);
    expect(readLimits('{"connect":1}')).toBeNull();
    expect(readLimits('7')).toBeNull();
    expect(readLimits('null')).toBeNull();
  });
});

describe('a shorter time', () => {
  const loss = (name: string, from: string, to: string) => known[name]?.loss?.(from, to) ?? null;

  test('takes away what is older, and says so', () => {
    expect(loss('history.keep_days', 'null', '30')).toContain('older than 30 days');
    expect(loss('history.keep_days', '30', '0')).toContain('All prompts');
    expect(loss('usage.keep_months', '0', '13')).toContain('older than 13 months');
  });

  test('is no longer time', () => {
    expect(loss('history.keep_days', '30', 'null')).toBeNull();
    expect(loss('history.keep_days', '0', '30')).toBeNull();
    expect(loss('usage.keep_months', '13', '0')).toBeNull();
  });
});

describe('saving', () => {
  test('says so for the setting that was changed', async () => {
    const host = new TestHost({
      change_setting: () => null,
      list_settings: () => [row('usage.zone', '"Europe/Berlin"')],
    });
    const settings = new SettingsState();
    expect(await settings.save('usage.zone', 'Europe/Berlin')).toBe(true);
    expect(settings.saved).toBe('usage.zone');
    expect(settings.list.value?.[0]?.value).toBe('"Europe/Berlin"');
    await settings.save('usage.zone', 'default');
    expect(host.argsOf('change_setting').map((args) => args['value'])).toEqual([
      'Europe/Berlin',
      'default',
    ]);
  });

  test('that fails is told at its own setting, until it is saved', async () => {
    const host = new TestHost({
      change_setting: () =>
        Promise.reject({ code: 'bad_input', message: 'No zone.', hint: null, remedy: null }),
      list_settings: () => [row('usage.zone')],
    });
    const settings = new SettingsState();
    expect(await settings.save('usage.zone', 'Mars')).toBe(false);
    expect(settings.failures['usage.zone']?.message).toBe('No zone.');
    expect(settings.saved).toBeNull();
    host.on('change_setting', () => null);
    await settings.save('usage.zone', 'UTC');
    expect(settings.failures).toEqual({});
  });
});
