// A form's prompts are answered together, with one button.

import { make } from "./dom.js";

export class Form {
  /** @param {HTMLElement} section @param {(value: unknown) => Promise<void>} send */
  constructor(section, send) {
    this.prompts = [];
    this.sent = []; // until the stream says that they were answered
    this.send = send;
    this.error = make("p", { className: "refusal", role: "alert", hidden: true });
    this.button = make("button", { type: "button" }, "Submit");
    this.footer = make("div", { className: "row", hidden: true }, this.button);
    section.append(this.footer, this.error);
    this.button.addEventListener("click", () => this.submit());
    section.addEventListener("keydown", (pressed) => {
      if (pressed.key === "Enter" && !pressed.isComposing && pressed.target instanceof HTMLInputElement) this.submit();
    });
  }

  /** Offers to submit while any of its prompts waits. */
  refresh() {
    const isOpen = this.prompts.some((prompt) => prompt.isOpen);
    this.footer.hidden = !isOpen;
    this.button.disabled = !isOpen || this.sent.some((prompt) => prompt.isOpen);
  }

  async submit() {
    const open = this.prompts.filter((prompt) => prompt.isOpen);
    if (this.button.disabled || !open.every(isFilledIn)) return;
    this.sent = open;
    this.refresh();
    this.refuse("");
    const value = open.map((prompt) => ({
      sub_block_id: prompt.id,
      sub_block_type: prompt.type,
      value: prompt.value(),
    }));
    try {
      await this.send(value);
    } catch (error) {
      this.sent = [];
      this.refresh();
      this.refuse(error.message);
    }
  }

  refuse(sentence) {
    this.error.textContent = sentence;
    this.error.hidden = sentence === "";
  }
}

/** Has the browser say what is missing. */
function isFilledIn(prompt) {
  return [...prompt.fields.querySelectorAll("input")].every((input) => input.reportValidity());
}
