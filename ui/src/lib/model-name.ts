/** What people call a model, where no list of a server says so. */

const NEWEST = /^(haiku|sonnet|opus)$/;
/** `claude-haiku-5-5`, `claude-sonnet-4-20250514`. */
const NEW = /^claude-([a-z]+)-(\d{1,2})(?:-(\d{1,2}))?(?:-\d{8}|-latest)?$/;
/** `claude-3-5-haiku-20241022`. */
const OLD = /^claude-(\d{1,2})(?:-(\d{1,2}))?-([a-z]+)(?:-\d{8}|-latest)?$/;

/** Names a model: `Haiku 5.5`, `newest Sonnet`; what is not one of Anthropic's keeps its id. */
export function modelName(id: string): string {
  if (NEWEST.test(id)) return `newest ${capital(id)}`;
  const [, family, major, minor] = NEW.exec(id) ?? [];
  if (family && major) return `${capital(family)} ${version(major, minor)}`;
  const [, first, second, kind] = OLD.exec(id) ?? [];
  return kind && first ? `${capital(kind)} ${version(first, second)}` : id;
}

/** Names several models; those that would be called the same keep their ids. */
export function modelNames(ids: readonly string[]): Map<string, string> {
  const names = ids.map(modelName);
  const isAlone = (name: string) => names.indexOf(name) === names.lastIndexOf(name);
  return new Map(ids.map((id, at) => [id, isAlone(names[at] ?? id) ? (names[at] ?? id) : id]));
}

const version = (major: string, minor?: string) => (minor ? `${major}.${minor}` : major);

const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);
