/** Light, dark, or what the system says. Nothing else is kept in the page's own storage by this. */

export type Theme = 'system' | 'light' | 'dark';

const KEY = 'theme';

function isTheme(text: string | null): text is Theme {
  return text === 'light' || text === 'dark' || text === 'system';
}

function kept(): Theme {
  const asked = new URLSearchParams(location.search).get('theme') ?? localStorage.getItem(KEY);
  return isTheme(asked) ? asked : 'system';
}

let chosen = $state<Theme>(kept());

/** Returns the theme that was chosen. */
export function theme(): Theme {
  return chosen;
}

/** Chooses a theme, now and for the next start. */
export function chooseTheme(next: Theme): void {
  chosen = next;
  localStorage.setItem(KEY, next);
  applyTheme();
}

/** Puts the chosen theme on the page. */
export function applyTheme(): void {
  if (chosen === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
}
