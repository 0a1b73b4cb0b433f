// Parts of the page are made anew when something changes elsewhere: what somebody writes there, and where they are, stays.

let shown = "";

const fieldsOf = (body) => [...body.querySelectorAll("textarea[name], input[name]:not([type=checkbox], [type=radio])")];
const keyOf = (field) => `${field.form?.id ?? ""} ${field.name}`;
const nameOf = (node) => (node.id ? `#${CSS.escape(node.id)}` : node.dataset.step ? `[data-step="${node.dataset.step}"]` : null);

/** Draw the body again; while it shows the same (`what`), keep the fields' values and the focus. */
export function keepWriting(body, what, draw) {
  const same = what === shown;
  shown = what;
  const written = same ? new Map(fieldsOf(body).map((field) => [keyOf(field), field.value])) : new Map();
  const active = same && body.contains(document.activeElement) ? document.activeElement : null;
  const place = active && nameOf(active);
  const caret = active?.selectionStart ?? null;
  draw();
  for (const field of fieldsOf(body)) if (written.get(keyOf(field))) field.value = written.get(keyOf(field));
  if (!place || body.contains(active)) return;
  const again = body.querySelector(place);
  again?.focus();
  if (again && caret !== null) again.setSelectionRange(caret, caret);
}
