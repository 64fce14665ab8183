/** The user's plan, and the risk texts: one reading each for all parts of the page. */
import {
  consents as readConsents,
  plan_status,
  type LoginRow,
  type PlanStatus,
} from '../lib/bindings';
import { Resource } from '../lib/resource.svelte';

/** How things stand with the plan: its logins, and the CLI. */
export const planStatus = new Resource<PlanStatus>(plan_status);

/** Every risk text, with what was accepted of it. */
export const consents = new Resource(readConsents);

/** Finds a login by its name. */
export function loginOf(status: PlanStatus | undefined, name: string): LoginRow | undefined {
  return status?.logins.find(({ login }) => login.name === name);
}
