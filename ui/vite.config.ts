import { svelte } from '@sveltejs/vite-plugin-svelte';
import { svelteTesting } from '@testing-library/svelte/vite';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [svelte(), svelteTesting()],
  // Relative, because the page's address differs between systems.
  base: './',
  build: {
    // The web views that the program runs in: WebKitGTK 2.40, macOS 13, WebView2.
    target: ['safari16.4', 'chrome111'],
    // Nothing inline: the page's policy allows scripts and styles from files only.
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
  },
  server: { port: 5173, strictPort: true },
  test: {
    environment: 'jsdom',
    include: ['src/**/*.test.ts'],
    setupFiles: ['src/dev/test-setup.ts'],
    restoreMocks: true,
  },
});
