/** Who pays, taken apart so that the loud part of the sentence can be loud. */
import type { PayerSource, Who } from './bindings';

/** What kind of payer it is: a plan, metered money, nobody, or not for the CLI to say. */
export type PayerKind = 'plan' | 'metered' | 'nobody' | 'unclear';

/** A sentence in three parts: what leads up to the payer, the payer, and where that is set. */
export type Verdict = { kind: PayerKind; lead: string; payer: string; rest: string };

/** Takes the program's sentence apart. A sentence of another make is the payer as a whole. */
export function verdict(who: Who): Verdict {
  const kind = payerKind(who);
  const parts =
    /^(Plain `claude -p` (?:bills|sends)) (your plan \([^)]*\)|.+?)(?:(?:, |: | \()(.*?)\)?)?\.$/.exec(
      who.sentence,
    );
  if (!parts) return { kind, lead: '', payer: who.sentence, rest: '' };
  const [, lead = '', payer = '', rest = ''] = parts;
  return { kind, lead, payer, rest };
}

/** Tells who is billed by what is sent. */
export function payerKind({ payer }: Who): PayerKind {
  if (payer.payer === 'nobody') return 'nobody';
  if (payer.payer === 'both') return 'unclear';
  return payer.payer === 'one' && isPlan(payer.source) ? 'plan' : 'metered';
}

function isPlan(source: PayerSource): boolean {
  if (source.kind === 'login') return true;
  return source.kind === 'credential' && source.shape === 'subscription_token';
}

/** Says what a person should know although the sentence doesn't say it; `null` where all is well. */
export function caution(who: Who): string | null {
  if (who.redirect) return who.redirect.sentence;
  if (who.next) return who.next.sentence;
  const hasIdlePlan = who.findings.some(
    ({ place, state }) => place.place === 'login' && state.state === 'overridden',
  );
  return payerKind(who) === 'metered' && hasIdlePlan
    ? 'Your plan is not used: this outranks it.'
    : null;
}

/** A key that alone pays right now, and where it is set, in words. */
export type PayingKey = { name: string; last4: string; source: string };

/** Returns the API key that could be taken over: it pays alone, and at Anthropic's own server. */
export function payingKey({ payer, redirect, findings }: Who): PayingKey | null {
  if (redirect || payer.payer !== 'one' || payer.source.kind !== 'credential') return null;
  const { name, last4, shape } = payer.source;
  if (shape !== 'api_key') return null;
  const finding = findings.find((one) => one.name === name && one.state.state === 'in_force');
  return finding ? { name, last4, source: finding.source } : null;
}

/** Splits a text at its backticks, so that code looks like code. */
export function pieces(text: string): { text: string; isCode: boolean }[] {
  return text
    .split('`')
    .map((text, index) => ({ text, isCode: index % 2 === 1 }))
    .filter(({ text }) => text !== '');
}
