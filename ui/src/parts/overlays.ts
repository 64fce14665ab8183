/** What lies over the screens or is seldom a part of one, fetched when it is first asked for: no start needs it. */
export const overlays = {
  palette: () => import('./Palette.svelte'),
  unlockForm: () => import('./Unlock.svelte'),
  makeVault: () => import('./MakeVault.svelte'),
  unlock: () => import('./UnlockDialog.svelte'),
  addKey: () => import('./AddKeyDialog.svelte'),
  consent: () => import('./ConsentDialog.svelte'),
  payerNotice: () => import('./PayerNotice.svelte'),
  whoPays: () => import('./WhoPays.svelte'),
  recovery: () => import('./RecoveryDialog.svelte'),
  activeKey: () => import('./ActiveKeyMenu.svelte'),
};
