/**
 * When a text that grows is drawn again: as often as the window keeps up with, and never before what
 * a person types.
 */

/** A frame at 60 Hz, with what its timer is off by. */
const FRAME_MS = 20;
/** So much of the time is left to everything else: four parts of five. */
const AIR = 4;
/** However slow drawing is, the text moves on ten times a second. */
const LONGEST_MS = 100;
/** How long a keystroke takes to be on the screen: the frame that is under way, and its own. */
const TYPING_MS = 2 * FRAME_MS;

let typedAt = -Infinity;
const typed = (): void => void (typedAt = performance.now());
for (const event of ['keydown', 'input']) addEventListener(event, typed, { capture: true });

/** Draws soon, in a frame of its own. */
export class Pace {
  readonly #draw: () => void;
  #isDue = false;
  /** What the last drawing took is not known yet. */
  #isOut = false;
  #frame: number | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #drawnAt = -Infinity;
  #pause = 0;

  constructor(draw: () => void) {
    this.#draw = draw;
  }

  /** Asks for what has come to be drawn. Asking again before it is changes nothing. */
  soon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    if (!this.#isOut) this.#wait();
  }

  /** Draws at once, and forgets that it was asked for. */
  now(): void {
    this.#forget();
    this.#draw();
  }

  #forget(): void {
    clearTimeout(this.#timer);
    if (this.#frame !== null) cancelAnimationFrame(this.#frame);
    this.#frame = null;
    this.#isDue = false;
  }

  #wait(): void {
    const rest = this.#drawnAt + this.#pause - performance.now();
    if (rest > 0) this.#timer = setTimeout(this.#ask, rest);
    else this.#ask();
  }

  readonly #ask = (): void => {
    this.#frame = requestAnimationFrame(this.#inFrame);
  };

  readonly #inFrame = (): void => {
    const began = performance.now();
    if (began - typedAt < TYPING_MS && began - this.#drawnAt < LONGEST_MS) return this.#ask();
    this.#forget();
    this.#drawnAt = began;
    this.#isOut = true;
    this.#draw();
    // After it is laid out and painted; the next frame is late where that went on elsewhere.
    setTimeout(() => {
      const took = performance.now() - began;
      requestAnimationFrame(() => this.#learn(took, performance.now() - began));
    });
  };

  #learn(took: number, next: number): void {
    this.#isOut = false;
    this.#pause = Math.min(LONGEST_MS, AIR * (next > FRAME_MS ? next : took));
    if (this.#isDue) this.#wait();
  }
}
