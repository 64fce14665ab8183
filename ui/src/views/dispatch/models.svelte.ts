import { list_models } from '../../lib/bindings';
import type { KeyId, Models } from '../../lib/bindings';
import { modelName } from '../../lib/model-name';
import { Resource } from '../../lib/resource.svelte';

/** The models of the server that the payer's key is for. */
export class ModelList {
  #key: KeyId | null = null;
  readonly #models = new Resource<Models>(() => list_models(this.#key));

  readonly models = $derived(this.#models.value?.models ?? []);

  /** Reads the list for a key. */
  load = (key: KeyId | null): Promise<void> => {
    this.#key = key;
    return this.#models.load();
  };

  /** Returns what people call a model. */
  nameOf(id: string): string {
    return this.#listed(id) ?? id;
  }

  /** The same without the maker's name, where the line is short. */
  shortNameOf(id: string): string {
    return this.#listed(id)?.replace(/^Claude /, '') ?? modelName(id);
  }

  #listed(id: string): string | undefined {
    return this.models.find((model) => model.id === id)?.display_name;
  }
}
