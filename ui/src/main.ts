import './tokens.css';
import './app.css';
import './shared/popup.css';

import { mount } from 'svelte';

import App from './App.svelte';
import { first_screen_shown } from './lib/bindings';
import { reportFaults } from './lib/faults';
import { startFollowing } from './lib/follow.svelte';
import { useHost } from './lib/host';
import { route } from './lib/router.svelte';
import { afterPaint } from './lib/shown';
import { standing } from './lib/standing.svelte';
import { applyTheme } from './lib/theme.svelte';
import { prepareView } from './parts/views';

/** A page that runs in a browser has no program behind it; while it is built, a stand-in answers. */
async function standIn(): Promise<void> {
  if (!import.meta.env.DEV || '__TAURI_INTERNALS__' in window) return;
  const { FakeHost } = await import('./dev/fake-host');
  const { scenario } = await import('./dev/scenario');
  useHost(new FakeHost(scenario(new URL(location.href))));
}

await standIn();
// Asked for before the page is drawn, so that the answers come while it is.
prepareView(route().screen);
void standing.load();
applyTheme();
startFollowing();

reportFaults();

const target = document.getElementById('app');
if (target) mount(App, { target });
// What goes on behind the window can wait for it.
afterPaint(() => void first_screen_shown());
