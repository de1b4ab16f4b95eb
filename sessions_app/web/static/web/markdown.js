// Markdown as HTML that cannot do anything: marked makes it, DOMPurify takes out all that could act.

import DOMPurify from "../vendor/dompurify/purify.es.mjs";
import { marked } from "../vendor/marked/marked.esm.js";

const RULES = {
  USE_PROFILES: { html: true },
  // Nothing that asks, presses, plays, frames or restyles: an app's text is text.
  FORBID_TAGS: [
    ...["form", "fieldset", "label", "input", "button", "textarea", "select", "option"],
    ...["style", "audio", "video", "dialog"],
  ],
  FORBID_ATTR: ["style", "class", "id", "name", "for", "accesskey", "tabindex"],
  ALLOW_DATA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};

DOMPurify.addHook("afterSanitizeAttributes", (node) => {
  if (!node.hasAttribute("href")) return;
  node.setAttribute("target", "_blank");
  node.setAttribute("rel", "noopener noreferrer");
});

// Checkboxes of task lists as text, since nothing in a text may be an input.
marked.use({ gfm: true, renderer: { checkbox: ({ checked }) => (checked ? "☑ " : "☐ ") } });

/**
 * Shows `text`, and leaves alone what is shown of it already: a selection lasts, and images do not flicker,
 * while more is written below.
 * @param {HTMLElement} element @param {string} text
 */
export function showMarkdown(element, text) {
  const fresh = [...DOMPurify.sanitize(marked.parse(text), RULES).childNodes];
  const shown = [...element.childNodes];
  const changed = fresh.findIndex((node, index) => !shown[index]?.isEqualNode(node));
  const kept = changed === -1 ? fresh.length : changed;
  for (const node of shown.slice(kept)) node.remove();
  element.append(...fresh.slice(kept));
}
