import type { HostId } from '../../lib/bindings';

/** Which dialog the screen asks for, and about which host. */
export type Wanted = { dialog: 'add' } | { dialog: 'pin' | 'edit' | 'remove'; id: HostId } | null;
