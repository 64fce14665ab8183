import { svelte } from '@sveltejs/vite-plugin-svelte';
import { svelteTesting } from '@testing-library/svelte/vite';
import { defineConfig } from 'vitest/config';

import { stillIcons } from './still-icons.ts';

export default defineConfig({
  plugins: [stillIcons(), svelte(), svelteTesting()],
  // Relative, because the page's address differs between systems.
  base: './',
  build: {
    // The web views that the program runs in: WebKitGTK 2.40, macOS 13, WebView2.
    target: ['safari16.4', 'chrome111'],
    // Nothing inline: the page's policy allows scripts and styles from files only.
    assetsInlineLimit: 0,
    // Styles that came with a screen would lay out anew what is there already.
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
    // Each file is a round trip to the program, so what several screens share comes in few.
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            {
              name: 'base',
              test: /node_modules.(svelte|esm-env|clsx|@lucide|@tauri-apps)[\\/]|src.lib.(?!markdown|desk|conversation|draft|runs|report|settings|add-key|vault-making)|src.shared.(Badge|Button|Empty|IconButton|SearchField|Select.svelte|Skeleton|ViewHeader)|FailureNote|KeychainWait.svelte|LockedHere|PayerMark|vite.preload-helper/,
              minShareCount: 2,
              // What the others stand on belongs here too.
              priority: 1,
            },
            {
              name: 'popups',
              test: /node_modules.(bits-ui|@floating-ui|runed|svelte-toolbelt|style-to-object|inline-style-parser)/,
            },
            { name: 'markdown', test: /node_modules.(marked|dompurify)/ },
          ],
        },
      },
    },
  },
  server: { port: 5173, strictPort: true },
  test: {
    environment: 'jsdom',
    include: ['src/**/*.test.ts'],
    setupFiles: ['src/dev/test-setup.ts'],
    restoreMocks: true,
    // Only what hangs takes this long; a busy machine must not fail a test.
    testTimeout: 30_000,
  },
});
