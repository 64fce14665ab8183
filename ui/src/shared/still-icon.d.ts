/** An icon, as `still-icons.ts` draws it. */
import type { Component } from 'svelte';

declare const icon: Component<{
  /** Its width and height, in pixels. */
  size?: number;
  /** How thick its lines are, of 24 across. */
  strokeWidth?: number;
}>;
export default icon;
