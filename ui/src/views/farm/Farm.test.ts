import { render, screen, waitFor, within } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { beforeEach, expect, it } from 'vitest';

import { FakeHost } from '../../dev/fake-host';
import { OTHER, PINNED, threeHosts } from '../../dev/sample-hosts';
import { refuse } from '../../dev/sample-replies';
import { scenario } from '../../dev/scenario';
import { TestHost } from '../../dev/test-host';
import { useHost } from '../../lib/host';
import { keys } from '../../lib/keys.svelte';
import { go } from '../../lib/router.svelte';
import { hosts } from '../../parts/hosts.svelte';
import Farm from './Farm.svelte';

beforeEach(() => {
  keys.value = undefined;
  hosts.value = undefined;
  hosts.failure = null;
  go('farm');
});

/** Shows the farm of a scene. */
function open(scene: string): void {
  useHost(new FakeHost(scenario(new URL(`http://page/?farm=${scene}`))));
  render(Farm);
}

const rowOf = async (name: string) => within(await screen.findByRole('listitem', { name }));
const button = (name: RegExp | string) => screen.findByRole('button', { name });

it('without hosts it says what a farm is, and how one is begun', async () => {
  open('none');
  expect((await screen.findByText(/^A farm is boxes of yours/)).textContent).toContain('over SSH');
  await button('Add by hand');
  await userEvent.click(await button(/^Take over a list/));
  expect(await screen.findByRole('radio', { name: 'From ~/.ssh/config' })).toHaveProperty(
    'checked',
    true,
  );
});

it('a row says how the host stands and who pays there', async () => {
  open('three');
  const box = await rowOf('box-1');
  for (const text of [
    'healthy',
    'claude 2.1.330',
    'service active',
    '2 of 4 slots',
    'load 0.4 of 4',
  ])
    box.getByText(text);
  await box.findByText('Work …3f9a, active');
  await (await rowOf('box-2')).findByText('Personal …77c2');
  (await rowOf('lightsail-frankfurt')).getByText('its own key');
  expect(screen.getByRole('status').textContent).toBe('3 hosts · 2 of 14 slots');
});

it('a host that is probed says so at once, and how it stands then', async () => {
  open('resting');
  const box = await rowOf('box-2');
  box.getByText(/^resting until/);
  box.getByText(/did not answer in time/);
  await userEvent.click(box.getByRole('button', { name: 'Probe box-2' }));
  box.getByText('probing …');
  await waitFor(() => box.getByText('healthy'), { timeout: 3000 });
});

it('one host that fails does not hide what the others answer', async () => {
  const host = new TestHost({
    list_hosts: threeHosts,
    list_keys: () => [],
    probe_host: ({ id }: { id: number }) =>
      id === 2
        ? Promise.reject(refuse('failed', '`ssh` could not be started.', 'Install OpenSSH.'))
        : {},
  });
  render(Farm);
  await userEvent.click(await button('Probe all'));
  const box = await rowOf('box-2');
  await waitFor(() => expect(box.getByRole('alert').textContent).toMatch(/Install OpenSSH/));
  expect(host.argsOf('probe_host')).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }]);
  expect(screen.getAllByRole('alert')).toHaveLength(1);
  await userEvent.click(box.getByRole('button', { name: 'Dismiss' }));
  expect(screen.queryByRole('alert')).toBeNull();
});

it('a new key is shown with its fingerprint before it is pinned, and compared on the box', async () => {
  open('unpinned');
  await userEvent.click(await button(/^Look at the host key of box-1 and pin/));
  const dialog = within(await screen.findByRole('dialog', { name: 'Host key of box-1' }));
  await dialog.findByText(PINNED, {}, { timeout: 3000 });
  dialog.getByText('ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub');
  (await rowOf('box-1')).getByText('host key not pinned');
  await userEvent.click(dialog.getByRole('button', { name: 'It is the same: pin it' }));
  await waitFor(async () => (await rowOf('box-1')).getByText('healthy'), { timeout: 3000 });
});

it('a changed key is an alarm with both fingerprints, and stays one until it is pinned', async () => {
  open('changed');
  const alarm = within(await screen.findByRole('alert'));
  alarm.getByRole('heading', { name: 'box-2 shows another host key than the pinned one' });
  alarm.getByText(PINNED);
  await alarm.findByText(OTHER, {}, { timeout: 3000 });
  (await rowOf('box-2')).getByText('host key changed');
  await userEvent.click(alarm.getByRole('button', { name: /^Compare and pin/ }));
  const dialog = within(await screen.findByRole('dialog', { name: 'Another host key of box-2' }));
  await userEvent.click(
    await dialog.findByRole('button', { name: 'Pin the new host key' }, { timeout: 3000 }),
  );
  await waitFor(() => expect(screen.queryByRole('alert')).toBeNull(), { timeout: 3000 });
}, 10_000);

it('a host that was added by hand is asked for its key next', async () => {
  open('none');
  await userEvent.click(await button('Add by hand'));
  await userEvent.type(await screen.findByLabelText('Name'), 'box-9');
  await userEvent.type(screen.getByLabelText('Destination'), 'ubuntu@203.0.113.9');
  await userEvent.click(await button('Add host'));
  await screen.findByRole('dialog', { name: 'Host key of box-9' });
});

it('a name that is taken is refused in the dialog, which stays', async () => {
  open('three');
  await userEvent.click(await button('Add hosts'));
  await userEvent.type(await screen.findByLabelText('Name'), 'box-1');
  await userEvent.type(screen.getByLabelText('Destination'), 'ubuntu@203.0.113.9');
  await userEvent.click(await button('Add host'));
  const dialog = within(screen.getByRole('dialog'));
  expect((await dialog.findByRole('alert')).textContent).toMatch(/Choose another name/);
});

it('a port that is none keeps the dialog open, and nothing is changed', async () => {
  open('three');
  await userEvent.click(await button('Edit box-2'));
  const port = await screen.findByLabelText('Port');
  await userEvent.clear(port);
  await userEvent.type(port, '70000');
  await userEvent.click(await button('Save'));
  expect(port).toHaveProperty('validity.patternMismatch', true);
  await userEvent.clear(port);
  await userEvent.type(port, '65535');
  await userEvent.click(await button('Save'));
  await waitFor(async () => (await rowOf('box-2')).getByText('ubuntu@203.0.113.8:65535'));
});

it('what taking over a list would do is shown before it is done', async () => {
  open('three');
  await userEvent.click(await button('Add hosts'));
  await userEvent.click(await screen.findByRole('radio', { name: 'From ~/.ssh/config' }));
  const preview = within(await screen.findByRole('list', { name: 'What would change' }));
  expect(preview.getAllByText('new')).toHaveLength(2);
  preview.getByText('changed');
  preview.getByText(/It begins with a dash/);
  expect(screen.queryByRole('listitem', { name: 'gpu' })).toBeNull();
  await userEvent.click(await button('Take over'));
  await rowOf('gpu');
});

it('instances of EC2 come from a file that is chosen, with a tag that is looked at anew', async () => {
  const asked: unknown[] = [];
  const none = { added: [], changed: [], same: 0, gone: [], refused: [] };
  new TestHost({
    list_hosts: () => [],
    list_keys: () => [],
    choose_host_list: () => ({ name: 'instances.json', text: '{}' }),
    preview_hosts: ({ list }: { list: unknown }) => (asked.push(list), none),
  });
  render(Farm);
  await userEvent.click(await button(/^Take over a list/));
  await userEvent.click(await screen.findByRole('radio', { name: 'From EC2' }));
  await userEvent.click(await button(/^Choose a file/));
  await screen.findByText('instances.json');
  await userEvent.type(screen.getByLabelText('Only with the tag'), 'role=farm');
  await userEvent.type(screen.getByLabelText('User on the instances'), 'ubuntu');
  await waitFor(() =>
    expect(asked.at(-1)).toMatchObject({
      from: 'ec2',
      json: '{}',
      tag: 'role=farm',
      each: { destination: 'ubuntu' },
    }),
  );
  expect(await button('Take over')).toHaveProperty('disabled', true);
});

it('arrow keys walk the hosts, Delete asks, and Cancel keeps the host', async () => {
  open('three');
  const box = await screen.findByRole('listitem', { name: 'box-1' });
  box.focus();
  await userEvent.keyboard('{ArrowDown}');
  expect(document.activeElement?.getAttribute('aria-label')).toBe('box-2');
  await userEvent.keyboard('{Delete}');
  await screen.findByRole('dialog', { name: 'Remove box-2?' });
  await userEvent.click(await button('Cancel'));
  await rowOf('box-2');
});

it('a paused host can be resumed', async () => {
  open('three');
  await userEvent.click(await button('Pause box-1'));
  await waitFor(async () => (await rowOf('box-1')).getByText('paused'));
  await userEvent.click(await button('Resume box-1'));
  await waitFor(async () => (await rowOf('box-1')).getByText('healthy'));
});

it('many hosts are searched by name, place and label', async () => {
  open('fifty');
  await userEvent.type(await screen.findByLabelText('Search hosts'), 'haiku zone-1');
  expect(screen.getByRole('status').textContent).toBe('9 of 50 hosts');
  await userEvent.type(screen.getByLabelText('Search hosts'), ' nothing');
  await userEvent.click(await button('Show all hosts'));
  expect(screen.getAllByRole('listitem')).toHaveLength(50);
});

it('a list that can not be read says why in its place', async () => {
  new TestHost({
    list_keys: () => [],
    list_hosts: () => Promise.reject(refuse('failed', 'The list is torn.', 'Mend it.')),
  });
  render(Farm);
  expect((await screen.findByRole('alert')).textContent).toMatch(/The list is torn.*Mend it/s);
});

it('the palette leads to the dialog that adds a host', async () => {
  go('farm', 'add');
  open('three');
  await screen.findByRole('dialog', { name: 'Add hosts' });
  expect(location.hash).toBe('#/farm');
});
