// Runs in a new page before all else: what its first screen shows is asked for at once.
{
  const ask = window.__TAURI_INTERNALS__.invoke;
  const asked = { standing: ask('standing') };
  if (['keys', 'dispatch'].includes(localStorage.getItem('screen') ?? 'dispatch')) {
    asked.list_keys = ask('list_keys');
  }
  // What fails is told where it is taken.
  for (const answer of Object.values(asked)) answer.catch(() => undefined);
  Object.defineProperty(window, '__AHEAD__', { value: asked });
}
