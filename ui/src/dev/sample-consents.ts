/** Risk texts in the shape of the wire: those of the program, shortened. */
import type { Consent, ConsentBlock, ConsentSubject } from '../lib/bindings';

const said = (text: string): ConsentBlock => ({ kind: 'paragraph', text });

function quoted(date: string, sentence: string): ConsentBlock {
  const url = 'https://code.claude.com/docs/en/legal-and-compliance';
  return { kind: 'quote', sentence, url, date };
}

const QUOTES = [
  said('Anthropic\'s page "Legal and compliance" of Claude Code says:'),
  quoted(
    '2026-08-22',
    'Anthropic does not permit third-party developers to offer Claude.ai login into their own applications, or to route requests through Free, Pro, or Max plan credentials on behalf of their users.',
  ),
  quoted(
    '2026-08-22',
    "Moreover, developers may not collect, store, or intermediate Claude.ai credentials or session tokens — sign-in to a Claude account must complete through Anthropic's own flow.",
  ),
  said('The same page, as it was noted earlier, says that developers who build products'),
  quoted('2026-07-02', 'should use API key authentication'),
  said('and that this may be enforced'),
  quoted('2026-07-02', 'without prior notice'),
  said(
    'Of the last two, only the words quoted were noted, not the sentences around them. The page may have changed since the days that are given here; read it before you decide.',
  ),
];

const RISK = [
  said(
    'What is not clear: whether a program on your own desk may start your own, unmodified `claude` with your own login. We have found no sentence that says so, and none that forbids it in so many words. Other projects read the page in different ways: some leave this out, some offer it to those who ask for it.',
  ),
  said(
    'What can happen: Anthropic can refuse such use, or limit, suspend or end your account, without a warning. Since January 2026 its servers have refused the tokens of a plan that come from other programs than its own. How use through `claude -p` is counted can change, and with it what it costs you: a bill of its own was announced for 15 June 2026, and put off on that day. The account is yours, and so is the risk.',
  ),
  said(
    "You can withdraw at any time. From then on nothing is sent through your plan; what was sent stays sent. Whether your account pays for usage beyond the plan's limits is asked separately.",
  ),
];

function text(subject: ConsentSubject, title: string, first: string[]): Consent {
  const blocks = [...first.map(said), ...QUOTES, ...RISK];
  const version = '1-3f9a77c2';
  return {
    subject,
    standing: { state: 'never' },
    text: { subject, version, title, blocks },
    history: [],
  };
}

/** Every risk text, none of them accepted. */
export function someConsents(): Consent[] {
  return [
    text('subscription', 'Use your Claude plan through your own `claude` program', [
      'With this tier, Switchyard starts the `claude` program that you have installed, on this machine, with the login that you gave it, and hands it your prompt. What a prompt uses counts against the limits of your plan. Switchyard leaves that program as it is, does not imitate it, works for you alone, and never reads, stores or passes on its login.',
      'The recommended way is another: an API key from the Anthropic Console. It is what Anthropic names for programs like this one, it needs no consent here, and what a prompt costs at most is shown before it is sent.',
    ]),
    text('extra_usage', "Pay in dollars for usage beyond your plan's limits", [
      'A plan has limits. Where extra usage is switched on in your Claude account, what goes beyond them is not refused but billed: real dollars, on top of the price of the plan.',
      'As long as you have not accepted this, Switchyard stops where such usage begins.',
    ]),
    text('oauth', 'Sign in to Anthropic to make an API key', [
      "This sign-in opens Anthropic's own page in your browser. Once you have agreed there, an API key is made for your account and stored in the vault.",
    ]),
  ];
}
