/** Saves as a browser does, without asking where. */
export function download(name: string, text: string): boolean {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text]));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
  return true;
}
