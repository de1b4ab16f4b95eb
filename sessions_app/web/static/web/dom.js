// Making elements. Text goes in as text, never as HTML.

let lastId = 0;

/**
 * An element with properties and children.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, unknown>} [properties] DOM properties; with a dash in the name, attributes
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role") element.setAttribute(name, String(value));
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

/** Whether the cursor is nowhere, so that it may be put somewhere. */
export function isFocusFree() {
  return document.activeElement === document.body || document.activeElement?.matches(":disabled");
}

/** An id for an element of this page that another refers to. */
export function newId() {
  lastId += 1;
  return `field-${lastId}`;
}
