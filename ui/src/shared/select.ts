/** What a list to choose from is given, whether or not what draws it open is there yet. */
export interface SelectProps<Value extends string> {
  value: Value;
  options: readonly { value: Value; label: string; hint?: string; isDisabled?: boolean }[];
  /** Its accessible name. */
  label: string;
  kind?: 'plain' | 'quiet';
  onchange?: (value: Value) => void;
  id?: string;
  disabled?: boolean;
}
