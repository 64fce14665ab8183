/** Remembers that the recovery code was put off. Only that, never the code. */

const KEY = 'recovery-put-off';

let isDue = $state(localStorage.getItem(KEY) !== null);

/** Tells whether to remind. */
export function isCodePutOff(): boolean {
  return isDue;
}

/** Puts the recovery code off, or takes the reminder away. */
export function putCodeOff(isPutOff: boolean): void {
  isDue = isPutOff;
  if (isPutOff) localStorage.setItem(KEY, 'yes');
  else localStorage.removeItem(KEY);
}
