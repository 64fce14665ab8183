// Finds the first visible and usable element with a role and an accessible name, as far as a page without
// tricks needs: explicit roles and those of plain elements, names from labels and texts.
const [role, name, around] = arguments;
const plain = {
  button: 'button, [role=button]',
  link: 'a[href], [role=link]',
  textbox: 'textarea, input:not([type]), input[type=text], input[type=search], input[type=password], input[type=url], input[type=number], [role=textbox], [role=searchbox]',
  checkbox: 'input[type=checkbox], [role=checkbox], [role=switch]',
  radio: 'input[type=radio], [role=radio]',
  main: 'main',
  heading: 'h1, h2, h3, [role=heading]',
  dialog: 'dialog, [role=dialog], [role=alertdialog]',
  group: 'fieldset, [role=group]',
  option: 'option, [role=option]',
  row: 'tr, [role=row]',
};
const squeezed = (text) => (text ?? '').replace(/\s+/g, ' ').trim();
function named(element) {
  const by = element.getAttribute('aria-labelledby');
  if (by) {
    return squeezed(by.split(/\s+/).map((id) => document.getElementById(id)?.textContent).join(' '));
  }
  const label = element.getAttribute('aria-label');
  if (label) return squeezed(label);
  const legend = element.querySelector(':scope > legend');
  if (legend) return squeezed(legend.textContent);
  if (element.labels?.length) return squeezed(element.labels[0].textContent);
  return squeezed(element.innerText) || squeezed(element.title) || squeezed(element.placeholder);
}
const seen = [...(around ?? document).querySelectorAll(plain[role] ?? `[role=${role}]`)].filter(
  (element) =>
    element.checkVisibility() &&
    !element.closest('[inert], :disabled, [aria-disabled=true]'),
);
return (
  seen.find((element) => named(element) === name) ??
  seen.find((element) => named(element).startsWith(name)) ??
  null
);
