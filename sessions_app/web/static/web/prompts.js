// The blocks that ask: what the user enters, whether it may be entered now, and what was answered.

import { isFocusFree, make, newId } from "./dom.js";

/** A question of an app. `isInForm`: it is sent with the others of its form, not by itself. */
class Prompt {
  /** @param {any} event @param {boolean} isInForm @param {(value: unknown) => Promise<void>} send */
  constructor(event, isInForm, send) {
    this.id = event.block_id;
    this.type = event.block_type;
    this.data = event.data;
    this.isInForm = isInForm;
    this.isOpen = false;
    this.isAnswered = false;
    this.isSending = false;
    this.send = send;
    this.error = make("p", { className: "refusal", role: "alert", hidden: true });
    this.fields = make("fieldset", { disabled: true });
    this.element = make(isInForm ? "div" : "form", { className: `prompt ${this.type}` }, this.fields, this.error);
    this.build();
    if (!isInForm) this.element.addEventListener("submit", (submitted) => this.submit(submitted));
  }

  get label() {
    return this.data.label ?? this.data.message ?? "";
  }

  /** The session waits for it, or no longer does. */
  open(isOpen) {
    this.isOpen = isOpen && !this.isAnswered;
    this.fields.disabled = !this.isOpen || this.isSending;
    this.element.classList.toggle("open", this.isOpen);
  }

  /** Somebody answered it, here or elsewhere. */
  answered(value) {
    this.isAnswered = true;
    this.refuse("");
    this.open(false);
    this.element.classList.add("answered");
    this.showAnswer(typeof value === "string" ? value : JSON.stringify(value));
  }

  showAnswer(text) {
    const label = this.label ? [make("p", { className: "label" }, this.label)] : [];
    this.fields.replaceChildren(...label, make("p", { className: "said" }, text || "–"));
  }

  refuse(sentence) {
    this.error.textContent = sentence;
    this.error.hidden = sentence === "";
  }

  async submit(submitted) {
    submitted.preventDefault();
    await this.sendOnce(this.value());
  }

  /** Sends, and takes nothing more until it is refused or the stream says that it was answered. */
  async sendOnce(value) {
    if (!this.isOpen || this.isSending) return;
    this.isSending = true;
    this.open(true);
    this.refuse("");
    try {
      await this.send(value);
    } catch (error) {
      this.isSending = false;
      this.open(this.isOpen);
      this.refuse(error.message);
      if (isFocusFree()) this.focus();
    }
  }

  /** A labelled control, with a button to send it unless its form has one. */
  addControl(control, ...others) {
    control.id = newId();
    const label = make("label", { htmlFor: control.id, className: "label" }, this.label || "Your answer");
    const row = make("div", { className: "row" }, control, ...others);
    if (!this.isInForm) row.append(make("button", { type: "submit" }, "Send"));
    this.fields.append(label, row);
    this.control = control;
  }

  focus() {
    (this.control ?? this.fields.querySelector("button, input"))?.focus({ preventScroll: true });
  }
}

class TextPrompt extends Prompt {
  build() {
    if (this.isInForm) {
      this.addControl(make("input", { type: "text", autocomplete: "off" }));
      return;
    }
    const area = make("textarea", { rows: 1, autocomplete: "off" });
    area.addEventListener("keydown", (pressed) => {
      if (pressed.key !== "Enter" || pressed.shiftKey || pressed.isComposing) return;
      pressed.preventDefault();
      this.element.requestSubmit();
    });
    area.addEventListener("input", () => {
      area.rows = Math.min(10, area.value.split("\n").length);
    });
    this.addControl(area);
  }

  value() {
    return this.control.value;
  }
}

class ButtonsPrompt extends Prompt {
  build() {
    const options = this.data.options.map((option) => (this.isInForm ? this.radio(option) : this.button(option)));
    const legend = this.label ? [make("legend", { className: "label" }, this.label)] : [];
    this.fields.append(...legend, make("div", { className: "options" }, ...options));
  }

  radio(option) {
    const input = make("input", { type: "radio", name: this.id, value: option, required: true });
    return make("label", {}, input, option);
  }

  button(option) {
    const button = make("button", { type: "button", value: option }, option);
    button.addEventListener("click", () => this.sendOnce(option));
    return button;
  }

  showAnswer(text) {
    for (const choice of this.fields.querySelectorAll("button, input")) {
      const isChosen = choice.value === text;
      if (choice.type === "radio") choice.checked = isChosen;
      else choice.setAttribute("aria-pressed", String(isChosen));
    }
  }

  value() {
    return this.fields.querySelector("input:checked")?.value ?? "";
  }
}

class SliderPrompt extends Prompt {
  build() {
    const { min_value: min, max_value: max, initial_value: value } = this.data;
    const isWhole = [min, max, value].every(Number.isInteger) && max - min > 1;
    const range = make("input", { type: "range", min, max, step: isWhole ? 1 : "any", value });
    const output = make("output", {}, String(value));
    range.addEventListener("input", () => (output.textContent = String(this.value())));
    this.addControl(range, output);
  }

  /** What is shown is what is sent: as exact as a hand can be, or where it has not moved, as the app set it. */
  value() {
    const { min, max, valueAsNumber: value } = this.control;
    if (value === this.data.initial_value) return value;
    const digits = Math.max(0, Math.min(20, 2 - Math.floor(Math.log10(max - min))));
    return Math.max(Number(min), Math.min(Number(max), Number(value.toFixed(digits))));
  }
}

class DatePrompt extends Prompt {
  build() {
    this.addControl(make("input", { type: "date", value: this.data.value, required: true }));
  }

  value() {
    return this.control.value;
  }
}

export const PROMPTS = {
  input_request: TextPrompt,
  buttons: ButtonsPrompt,
  slider: SliderPrompt,
  date: DatePrompt,
};
