// What the bench asks of a page. The first argument names it; the last one takes the answer.
const [wanted, given, done] = arguments;
const FRAME = 1000 / 60;

const frame = () => new Promise((go) => requestAnimationFrame(go));
const pause = (ms) => new Promise((go) => setTimeout(go, ms));
/** Waits until what was changed is on the screen: the task after the next frame. */
const painted = async () => {
  await frame();
  await pause(0);
};

/** Counts frames, and those of 1/60 s that did not come, until it is stopped. */
function countFrames() {
  let last = null;
  let isOn = true;
  const began = performance.now();
  const seen = { frames: 0, dropped: 0, late: [] };
  const step = (now) => {
    if (last !== null) {
      const took = now - last;
      seen.frames += 1;
      const dropped = Math.max(0, Math.round(took / FRAME) - 1);
      seen.dropped += dropped;
      if (dropped > 0) seen.late.push([now - began, took]);
    }
    last = now;
    if (isOn) requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
  return () => {
    isOn = false;
    return seen;
  };
}

/** Sets a field as typing does, and returns after how long that is on the screen. */
async function type(field, text) {
  const before = performance.now();
  const set = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), 'value').set;
  set.call(field, text);
  field.dispatchEvent(new InputEvent('input', { bubbles: true }));
  await painted();
  return performance.now() - before;
}

const asked = {
  /** Returns when the page was asked for, and when it was there with all that it loads: in ms since 1970. */
  async start() {
    const isThere = () =>
      performance.getEntriesByName('first-contentful-paint').length > 0 &&
      document.querySelector(given);
    while (!isThere()) await frame();
    const loaded = performance.getEntriesByType('resource').map((one) => one.responseEnd);
    const paint = performance.getEntriesByName('first-contentful-paint')[0].startTime;
    return [performance.timeOrigin, performance.timeOrigin + Math.max(paint, ...loaded)];
  },

  /** Returns when the page was asked for, and when it had the key list with as many keys as given. */
  async keys() {
    const noted = () => performance.getEntriesByName('the key list')[0];
    while (!noted()) await frame();
    const tally = document.querySelector('main [role=status]')?.textContent ?? '';
    if (!tally.includes(given)) throw new Error(`the list says ${tally}`);
    return [performance.timeOrigin, performance.timeOrigin + noted().startTime];
  },

  /** Leaves the window at the keys, where the next one opens then. */
  async leave() {
    location.hash = '#/keys';
    await asked.keys();
    return null;
  },

  /** Watches a page at rest for as many ms as given. */
  async rest() {
    const stop = countFrames();
    await pause(given);
    return stop();
  },

  /** Searches the keys, letter by letter. */
  async search() {
    const field = document.querySelector('[aria-label="Search keys"]');
    const stop = countFrames();
    const took = [];
    for (const word of given) {
      for (let end = 1; end <= word.length; end += 1) {
        took.push(await type(field, word.slice(0, end)));
        // As quick as a person types, and at no fixed place within a frame.
        await pause(40 + Math.random() * 20);
      }
    }
    const seen = stop();
    await type(field, '');
    return { ...seen, took };
  },

  /** Orders the keys by each column, both ways, and scrolls through them as a wheel does. */
  async sort() {
    const heads = document.querySelectorAll('main [role=columnheader] button');
    const list = document.querySelector('main [role=rowgroup][aria-label="Keys"]');
    const stop = countFrames();
    for (const head of [...heads].flatMap((head) => [head, head])) {
      head.click();
      await pause(40 + Math.random() * 20);
    }
    for (let turn = 0; turn < 60; turn += 1) {
      list.scrollTop += 120;
      await frame();
    }
    return stop();
  },

  /** Types into the prompt until the answer of the run that has begun is all there. */
  async stream() {
    const field = document.querySelector('main textarea');
    const main = document.querySelector('main');
    const stop = countFrames();
    const took = [];
    while (!main.textContent.includes(given)) {
      took.push(await type(field, `${'typing on '.repeat(took.length % 20)}`));
      await pause(60 + Math.random() * 40);
    }
    return { ...stop(), took };
  },
};

asked[wanted]().then(done, (error) => done({ error: String(error) }));
