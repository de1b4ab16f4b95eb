// Making elements. Text goes in as text, never as HTML.

/**
 * An element with properties and children.
 * @param {string} tag
 * @param {Record<string, unknown>} [properties] DOM properties; with a dash in the name, attributes
 * @param {...(Node | string)} children
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

/** An id for an element of this page that another refers to. */
export function newId() {
  newId.last = (newId.last ?? 0) + 1;
  return `field-${newId.last}`;
}
