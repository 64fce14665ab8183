/** How much work goes into an answer, as a list to choose from. */
import type { Effort } from './bindings';

export const EFFORTS: readonly { value: Effort; label: string }[] = [
  { value: 'low', label: 'Low' },
  { value: 'medium', label: 'Medium' },
  { value: 'high', label: 'High' },
  { value: 'xhigh', label: 'Very high' },
  { value: 'max', label: 'As high as it goes' },
];
