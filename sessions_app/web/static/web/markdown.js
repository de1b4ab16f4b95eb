// Markdown as HTML that cannot do anything: marked makes it, DOMPurify takes out all that could act.

import DOMPurify from "../vendor/dompurify/purify.es.mjs";
import { marked } from "../vendor/marked/marked.esm.js";

const RULES = {
  USE_PROFILES: { html: true },
  // Nothing that asks, plays, frames or restyles: an app's text is text.
  FORBID_TAGS: ["style", "form", "input", "button", "textarea", "select", "option", "audio", "video", "dialog"],
  FORBID_ATTR: ["style", "class", "id", "name"],
  ALLOW_DATA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};

DOMPurify.addHook("afterSanitizeAttributes", (node) => {
  if (node.tagName !== "A") return;
  node.setAttribute("target", "_blank");
  node.setAttribute("rel", "noopener noreferrer");
});

/** @param {string} text @returns {DocumentFragment} */
export function renderMarkdown(text) {
  return DOMPurify.sanitize(marked.parse(text, { gfm: true }), RULES);
}
