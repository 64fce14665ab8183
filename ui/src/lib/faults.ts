/**
 * Faults of the page itself: nobody looks into the console of a program, so they go into its log.
 */
import { report_fault } from './bindings';

/**
 * Reports what is thrown and not caught, what the page's policy forbids, and what libraries complain of, from
 * now on.
 */
export function reportFaults(): void {
  const { error } = console;
  console.error = (...complaint: unknown[]) => {
    error(...complaint);
    report(`complaint: ${complaint.map(said).join(' ')}`);
  };
  addEventListener('error', (event) =>
    report(`${event.message} at ${event.filename}:${event.lineno}`),
  );
  addEventListener('unhandledrejection', (event) => report(`not caught: ${said(event.reason)}`));
  addEventListener('securitypolicyviolation', (event) =>
    report(`policy: ${event.violatedDirective} forbids ${event.blockedURI} ${event.sample}`),
  );
}

function said(reason: unknown): string {
  return reason instanceof Error ? (reason.stack ?? reason.message) : String(reason);
}

function report(fault: string): void {
  // A fault in reporting a fault has nowhere to go.
  report_fault(fault).catch(() => {});
}
