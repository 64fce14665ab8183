import type { Component } from 'svelte';

/** One line of a menu, or a hairline between two groups. */
export type MenuItem =
  | {
      label: string;
      act: () => void;
      icon?: Component<{ size?: number }>;
      /** A few quiet words behind the label. */
      hint?: string;
      kind?: 'plain' | 'danger';
      isDisabled?: boolean;
    }
  | 'line';
