import type { HostId } from '../../lib/bindings';
import type { From } from './bringing.svelte';

/** How hosts are added: one by hand, or those of a list. */
export type AddWay = 'hand' | From;

/** Which dialog the screen asks for, and about which host. */
export type Wanted =
  { dialog: 'add'; way: AddWay } | { dialog: 'pin' | 'edit' | 'remove'; id: HostId } | null;
