import js from '@eslint/js';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';

export default ts.config(
  { ignores: ['dist', 'node_modules', 'src/lib/bindings.ts'] },
  js.configs.recommended,
  ...ts.configs.recommended,
  ...svelte.configs.recommended,
  { languageOptions: { globals: globals.browser } },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: ts.parser } },
  },
  {
    rules: {
      // One file knows the host, so that every view can be tested without it.
      'no-restricted-imports': ['error', { patterns: ['@tauri-apps/*'] }],
      'no-console': 'error',
      'svelte/no-at-html-tags': 'error',
    },
  },
  // What libraries say there is passed on.
  { files: ['src/lib/faults.ts'], rules: { 'no-console': 'off' } },
  { files: ['src/lib/host.ts'], rules: { 'no-restricted-imports': 'off' } },
);
