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
    probe.style.cssText = 'position: absolute; visibility: hidden; white-space: nowrap';
    const text = (font) => {
      const line = probe.appendChild(document.createElement('span'));
      line.style.font = font;
      line.style.fontVariantNumeric = 'tabular-nums';
      line.textContent = 'Switchyard 0';
      return line;
    };
    document.documentElement.append(probe);
    // A system font that only stands for the usual one, or is not there, would be looked for again for each face.
    const widthOf = (font) => text(font).getBoundingClientRect().width;
    const [own, usual] = ['system-ui', 'sans-serif'].map((name) => widthOf(`13px ${name}, sans-serif`));
    const name = own === usual ? 'sans-serif' : 'system-ui';
    if (own === usual) document.documentElement.style.setProperty('--sans', name);
    for (const face of ['600 13px', '12px', '600 15px']) text(`${face} ${name}`);
    text('12px monospace');
    probe.getBoundingClientRect();
    probe.remove();
  };
  document.addEventListener('readystatechange', lookForFonts, { once: true });
}
