import FlaskConical from '@lucide/svelte/icons/flask-conical';
import Pencil from '@lucide/svelte/icons/pencil';
import Trash from '@lucide/svelte/icons/trash';

import type { KeyRow } from '../../lib/bindings';
import type { MenuItem } from '../../shared/menu';

/** Which dialog a row asks for. */
export type Wanted = 'edit' | 'delete' | 'test' | null;

/** The acts on a key that are too rare or too grave for a button of their own. */
export function moreFor(key: KeyRow, open: (wanted: Wanted) => void): MenuItem[] {
  const test: MenuItem = {
    label: 'Test with a real call …',
    icon: FlaskConical,
    act: () => open('test'),
    isDisabled: key.kind === 'admin',
  };
  return [
    test,
    { label: 'Edit …', icon: Pencil, hint: 'F2', act: () => open('edit') },
    'line',
    { label: 'Delete …', icon: Trash, hint: 'Del', kind: 'danger', act: () => open('delete') },
  ];
}
