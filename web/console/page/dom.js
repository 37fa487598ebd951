// Making elements. What is stored is only ever text here: children that are strings become text
// nodes, and nothing in this page parses markup (the policy of the page forbids it as well).

// An element: `options` has its class, its properties, `data` for its data-* attributes and
// `attributes` for others. All names in there are ours, never anybody's data.
export function make(tag, options = {}, ...children) {
  const { data, attributes, ...properties } = options;
  const made = document.createElement(tag);
  Object.assign(made, properties);
  for (const [name, value] of Object.entries(attributes ?? {})) made.setAttribute(name, value);
  for (const [name, value] of Object.entries(data ?? {})) made.dataset[name] = value;
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

// A button that says what it does in a data-action: one listener higher up serves all of them,
// so that a thousand messages cost no thousand listeners.
export function button(text, action, data = {}, title = "") {
  return make("button", { type: "button", title, data: { action, ...data } }, text);
}

export function byId(id) {
  return document.getElementById(id);
}
