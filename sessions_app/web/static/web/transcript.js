// A session as its log tells it: entries become blocks, in order; a retract takes entries back.

import { BLOCKS } from "./blocks.js";
import { Form } from "./form.js";
import { PROMPTS } from "./prompts.js";

export class Transcript {
  /**
   * @param {HTMLElement} root
   * @param {(interaction: {blockId: string, value: unknown, blockType: string}) => Promise<void>} answer
   */
  constructor(root, answer) {
    this.root = root;
    this.answer = answer;
    /** @type {Map<number, {kind: string, data: any}>} */
    this.entries = new Map();
    this.pending = new Set();
    this.clear();
  }

  /** Shows one entry of the log. @param {number} seq @param {string} kind @param {any} data */
  take(seq, kind, data) {
    if (kind === "retract") {
      this.retract(data.from_seq, data.to_seq);
      return;
    }
    this.entries.set(seq, { kind, data });
    this.show(kind, data);
  }

  /** These prompts wait for their answers now, and no others. @param {string[]} blockIds */
  waitFor(blockIds) {
    const changed = new Set([...this.pending, ...blockIds]); // not all there are: they may be thousands
    this.pending = new Set(blockIds);
    for (const id of changed) this.prompts.get(id)?.open(this.pending.has(id));
    this.refreshForms();
  }

  /** The first prompt that waits. */
  get openPrompt() {
    for (const id of this.pending) if (this.prompts.get(id)?.isOpen) return this.prompts.get(id);
    return null;
  }

  clear() {
    this.root.replaceChildren();
    /** @type {Map<string, import("./blocks.js").Block>} */
    this.blocks = new Map();
    this.prompts = new Map();
    this.forms = new Map();
    this.parents = new Map();
  }

  /** Rare, so all is drawn anew. */
  retract(from, to) {
    const taken = [...this.entries.keys()].filter((seq) => seq >= from && seq <= to);
    if (taken.length === 0) return;
    for (const seq of taken) this.entries.delete(seq);
    this.clear();
    for (const { kind, data } of this.entries.values()) this.show(kind, data);
  }

  show(kind, data) {
    if (kind === "interaction") this.showAnswers(data);
    else if (this.blocks.has(data.block_id)) this.blocks.get(data.block_id).add?.(data.data);
    else this.showBlock(data);
  }

  showBlock(event) {
    this.parents.set(event.block_id, event.parent_block_id);
    const block = this.newBlock(event);
    if (!block) return; // a kind that this page does not know
    this.blocks.set(event.block_id, block);
    const body = event.block_type === "exit" ? this.root : this.bodyAround(event.parent_block_id);
    body.append(block.element);
  }

  /** Where what is in this layout goes: if this page does not know its kind, into the layout around it. */
  bodyAround(layoutId) {
    for (let id = layoutId; id; id = this.parents.get(id)) {
      const body = this.blocks.get(id)?.body;
      if (body) return body;
    }
    return this.root;
  }

  newBlock(event) {
    const { block_type: type, block_id: id, data } = event;
    if (Object.hasOwn(PROMPTS, type)) return this.newPrompt(event);
    const block = Object.hasOwn(BLOCKS, type) ? BLOCKS[type](data) : null;
    if (type === "form") {
      const send = (value) => this.answer({ blockId: id, value, blockType: "form" });
      this.forms.set(id, new Form(block.element, send));
    }
    return block;
  }

  newPrompt(event) {
    const { block_type: type, block_id: id } = event;
    const form = this.formAround(event.parent_block_id);
    const send = (value) => this.answer({ blockId: id, value, blockType: type });
    const prompt = new PROMPTS[type](event, form !== null, send);
    this.prompts.set(id, prompt);
    form?.prompts.push(prompt);
    prompt.open(this.pending.has(id));
    form?.refresh();
    return prompt;
  }

  formAround(layoutId) {
    for (let id = layoutId; id; id = this.parents.get(id)) if (this.forms.has(id)) return this.forms.get(id);
    return null;
  }

  showAnswers({ blockId, value }) {
    const prompt = this.prompts.get(blockId);
    if (prompt) prompt.answered(value);
    else if (Array.isArray(value)) for (const field of value) this.prompts.get(field.sub_block_id)?.answered(field.value);
    this.refreshForms();
  }

  refreshForms() {
    for (const form of this.forms.values()) form.refresh();
  }
}
