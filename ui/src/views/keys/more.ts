import Copy from '@lucide/svelte/icons/copy';
import FlaskConical from '@lucide/svelte/icons/flask-conical';
import Pencil from '@lucide/svelte/icons/pencil';
import ShieldCheck from '@lucide/svelte/icons/shield-check';
import Trash from '@lucide/svelte/icons/trash';

import type { KeyRow } from '../../lib/bindings';
import type { MenuItem } from '../../shared/menu';

/** Which dialog a row asks for. */
export type Wanted = 'edit' | 'delete' | 'test' | null;

/** The acts on a key: those with a button that a narrow window leaves out, and the rare and grave. */
export function moreFor(
  key: KeyRow,
  open: (wanted: Wanted) => void,
  acts: { check: () => void; copy: () => void },
): MenuItem[] {
  const test: MenuItem = {
    label: 'Test with a real call …',
    icon: FlaskConical,
    act: () => open('test'),
    isDisabled: key.kind === 'admin',
  };
  return [
    { label: 'Check for free', icon: ShieldCheck, act: acts.check },
    test,
    { label: 'Copy', icon: Copy, act: acts.copy },
    'line',
    { label: 'Edit …', icon: Pencil, hint: 'F2', act: () => open('edit') },
    'line',
    { label: 'Delete …', icon: Trash, hint: 'Del', kind: 'danger', act: () => open('delete') },
  ];
}
