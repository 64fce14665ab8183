import { fireEvent, render, screen } from '@testing-library/svelte';
import { expect, test } from 'vitest';

import { TestHost } from '../dev/test-host';
import Markdown from './Markdown.svelte';

test('a link is opened by the system’s browser and leads this window nowhere', async () => {
  const host = new TestHost({ open_link: () => null });
  render(Markdown, { text: 'See [the docs](https://example.com/a).', isWhole: true });
  const wasStopped = !(await fireEvent.click(screen.getByRole('link', { name: 'the docs' })));
  expect(wasStopped).toBe(true);
  expect(host.argsOf('open_link')).toEqual([{ url: 'https://example.com/a' }]);
});

test('a click with another button opens nothing', async () => {
  const host = new TestHost({ open_link: () => null });
  render(Markdown, { text: '[x](https://example.com)', isWhole: true });
  const link = screen.getByRole('link');
  const event = new MouseEvent('auxclick', { bubbles: true, cancelable: true, button: 1 });
  link.dispatchEvent(event);
  expect(event.defaultPrevented).toBe(true);
  expect(host.calls).toEqual([]);
});

test('a link that can’t be opened says why', async () => {
  new TestHost({
    open_link: () =>
      Promise.reject({ code: 'failed', message: 'No browser.', hint: null, remedy: null }),
  });
  render(Markdown, { text: '[x](https://example.com)', isWhole: true });
  await fireEvent.click(screen.getByRole('link'));
  expect((await screen.findByRole('alert')).textContent).toBe('No browser.');
});

test('a growing text leaves what stands above it in place', async () => {
  const { rerender, container } = render(Markdown, { text: 'One.\n\nTw', isWhole: false });
  const first = container.querySelector('p');
  await rerender({ text: 'One.\n\nTwo.\n\n- a', isWhole: false });
  expect(container.querySelector('p')).toBe(first);
  expect(container.querySelector('li')?.textContent).toBe('a');
});

test('nothing of an answer becomes an element that acts', () => {
  const { container } = render(Markdown, {
    text: '<img src=x onerror=alert(1)> <script>alert(1)</script> [x](javascript:alert(1))',
    isWhole: true,
  });
  expect(container.querySelector('img, script, a')).toBeNull();
  expect(container.textContent).toContain('<img src=x onerror=alert(1)>');
});
