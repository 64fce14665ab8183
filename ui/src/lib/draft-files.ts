/** The files that go with a prompt. */
import type { Attached, Failure } from './bindings';

/** The largest file that any model takes; a larger one is not even read. */
const FILE_MAX = 10 * 1024 * 1024;

/** Tells a picture from a text. */
export function isImage({ media }: Attached): boolean {
  return media.startsWith('image/');
}

/** Reads a file; throws the failure of one that no model takes. */
export async function base64(file: File): Promise<string> {
  if (file.size > FILE_MAX) throw tooLarge(file);
  const bytes = new Uint8Array(await file.arrayBuffer());
  let binary = '';
  for (let at = 0; at < bytes.length; at += 0x8000) {
    binary += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  }
  return btoa(binary);
}

function tooLarge(file: File): Failure {
  return {
    code: 'bad_input',
    message: `${file.name} is larger than any model takes.`,
    hint: 'Text files go up to 10 MB, pictures up to 5 MB.',
    remedy: null,
  };
}
