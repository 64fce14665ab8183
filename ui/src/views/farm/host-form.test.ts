import { expect, it } from 'vitest';

import { hostRow } from '../../dev/sample-hosts';
import { HostForm } from './host-form.svelte';

const row = hostRow({
  id: 1,
  name: 'box',
  destination: 'me@box',
  port: 2222,
  slots: 4,
  key: 'k',
  service_unit: 'worker.service',
  labels: ['eu'],
});

it('a host that was not touched has no change', () => {
  expect(new HostForm(row).changeOf(row)).toEqual({});
});

it('what is emptied is taken away', () => {
  const form = new HostForm(row);
  form.port = form.unit = form.labels = '';
  form.paidBy = 'active';
  expect(form.changeOf(row)).toEqual({ port: 0, service_unit: '', key: '', labels: [] });
});

it('the box’s own key takes the place of ours', () => {
  const form = new HostForm(row);
  form.paidBy = 'own';
  expect(form.isReady).toBe(false);
  form.program = ' /usr/local/bin/own ';
  expect(form.isReady).toBe(true);
  expect(form.changeOf(row)).toEqual({ key: '', own_command: '/usr/local/bin/own' });
});

it('only a host that goes elsewhere loses its pin', () => {
  const form = new HostForm(row);
  form.slots = '8';
  expect(form.movesFrom(row)).toBe(false);
  form.destination = 'me@other';
  expect(form.movesFrom(row)).toBe(true);
  expect(form.movesFrom({ ...row, host_keys: [] })).toBe(false);
});

it('a new host is sent without what was left empty', () => {
  const form = new HostForm();
  form.name = ' box-1 ';
  form.destination = 'ubuntu@10.0.0.7';
  form.labels = 'eu, , cheap';
  expect(form.host).toEqual({
    name: 'box-1',
    destination: 'ubuntu@10.0.0.7',
    slots: 1,
    labels: ['eu', 'cheap'],
  });
});

it('a number that is none is left to the program to refuse', () => {
  const form = new HostForm(row);
  form.slots = 'many';
  expect(form.changeOf(row)).toEqual({ slots: 0 });
});
