/** The stand-in's part of the editor: its files, and what a page leaves for the next one. */
import { NOTHING_LEFT } from './sample-replies';

type Args = Record<string, unknown>;

export class FakeEditor {
  #files = 0;

  attach = ({ name, body }: Args) => ({
    id: (this.#files += 1),
    name: String(name),
    media: 'text/plain',
    bytes: String(body).length,
  });

  choose_files = () => {
    const id = (this.#files += 1);
    const file = { id, name: `trace-${id}.txt`, media: 'text/plain', bytes: 3481 };
    return { attached: [file], trouble: null };
  };

  detach = (): null => null;

  keep_draft = ({ left }: Args): null => {
    sessionStorage.setItem('left-draft', JSON.stringify(left));
    return null;
  };

  left_draft = (): unknown =>
    JSON.parse(sessionStorage.getItem('left-draft') ?? JSON.stringify(NOTHING_LEFT));
}
