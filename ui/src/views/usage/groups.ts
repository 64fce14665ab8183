/** The groups of a report as people call them. */
import type { Tier, UsageGroup, UsageReport } from '../../lib/bindings';
import { modelNames } from '../../lib/model-name';
import { TIERS } from '../../lib/tiers';

/** The hosts of a report have those runs under this id that were on none. */
const NO_HOST = '0';

/** By tier, in its words. */
export function tierGroups(report: UsageReport | null): UsageGroup[] {
  return report?.tiers.map((group) => ({ ...group, label: TIERS[group.id as Tier].word })) ?? [];
}

/** By model, each by its name. */
export function modelGroups(report: UsageReport | null): UsageGroup[] {
  const models = report?.models ?? [];
  const names = modelNames(models.map(({ id }) => id));
  return models.map((group) => ({ ...group, label: names.get(group.id) ?? group.label }));
}

/** By host; nothing where no run was on one. */
export function hostGroups({ hosts }: UsageReport): UsageGroup[] {
  return hosts.every(({ id }) => id === NO_HOST) ? [] : hosts;
}
