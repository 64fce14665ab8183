/** Risk texts in words: what accepting one does, and how things stand with it. */
import type { Consent, ConsentStanding, ConsentSubject } from '../lib/bindings';
import { date } from '../lib/format';

/** What each subject is called, and what its buttons say. */
export const SUBJECTS: Record<ConsentSubject, { name: string; accept: string; after: string }> = {
  subscription: {
    name: 'Your plan, through your own claude',
    accept: 'Accept, and use my plan',
    after: 'Prompts can go through your plan now.',
  },
  extra_usage: {
    name: 'Paid usage beyond the plan’s limits',
    accept: 'Accept, and pay beyond the limits',
    after: 'Beyond the plan’s limits, dollars may leave now.',
  },
  oauth: {
    name: 'Sign-in that makes an API key',
    accept: 'Accept the sign-in',
    after: 'The sign-in may be used now.',
  },
};

/** Says how things stand with a text, in a few words. */
export function standingOf(standing: ConsentStanding): string {
  switch (standing.state) {
    case 'accepted':
      return `accepted ${date(standing.at)}`;
    case 'never':
      return 'never accepted';
    case 'withdrawn':
      return `withdrawn ${date(standing.at)}`;
    case 'text_changed':
      return `changed since you accepted it ${date(standing.at)}`;
  }
}

/** Tells whether the current text is accepted. */
export function isAccepted({ standing }: Consent): boolean {
  return standing.state === 'accepted';
}
