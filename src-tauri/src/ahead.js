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
  // Its fonts are looked for while its code is on its way, which is once all of that was asked for: each face
  // takes milliseconds, the first time. Those of app.css and tokens.css that the first screen has.
  const lookForFonts = () => {
    const probe = document.createElement('div');
    probe.style.cssText = 'position: absolute; visibility: hidden';
    // A name that only stands for the usual font would be looked for in vain again for each face.
    const name = window.__HAS_USUAL_FONT__ ? 'sans-serif' : 'system-ui';
    if (window.__HAS_USUAL_FONT__) document.documentElement.style.setProperty('--sans', name);
    const faces = ['13px', '600 13px', '12px', '600 15px'].map((face) => `${face} ${name}, sans-serif`);
    for (const font of [...faces, '12px monospace']) {
      const text = document.createElement('span');
      text.style.font = font;
      text.style.fontVariantNumeric = 'tabular-nums';
      text.textContent = '0';
      probe.append(text);
    }
    document.documentElement.append(probe);
    probe.getBoundingClientRect();
    probe.remove();
  };
  document.addEventListener('readystatechange', lookForFonts, { once: true });
}
