// A session's stream in follow mode, from its beginning, over reconnects, every entry once.

import { sessionState, signIn } from "./api.js";

const RETRY_MS = 2000;
const KINDS = { message: "event", interaction: "interaction", retract: "retract" }; // by SSE event

/**
 * @typedef {object} Listener
 * @property {(seq: number, kind: string, data: any) => boolean} onEntry  an entry of the log; true after the last
 * @property {(status: {status: string, pending: {block_id: string}[]}) => void} onStatus
 * @property {(isConnected: boolean) => void} onConnection
 * @property {(reason: string) => void} onGone  the session cannot be read any more
 */

/** Follows a session until its exit. @param {string} sessionId @param {Listener} listener */
export function follow(sessionId, listener) {
  const stream = new Stream(sessionId, listener);
  // A browser has six connections to a server, for all its tabs: one that nobody looks at gives its own back,
  // and reads on where it was as soon as somebody does.
  document.addEventListener("visibilitychange", () => stream.connect());
  stream.connect();
}

class Stream {
  /** @param {string} sessionId @param {Listener} listener */
  constructor(sessionId, listener) {
    this.sessionId = sessionId;
    this.listener = listener;
    this.lastSeq = 0;
    this.isOver = false;
    /** @type {EventSource | null} */
    this.source = null;
  }

  connect() {
    this.source?.close();
    if (this.isOver || document.hidden) return;
    this.source = new EventSource(`/api/session/${this.sessionId}/stream?follow=true&after=${this.lastSeq}`);
    for (const [name, kind] of Object.entries(KINDS)) {
      this.source.addEventListener(name, (message) => this.take(kind, message));
    }
    this.source.addEventListener("status", (message) => this.listener.onStatus(JSON.parse(message.data)));
    this.source.addEventListener("open", () => this.listener.onConnection(true));
    this.source.addEventListener("error", () => this.onError());
  }

  /** @param {string} kind @param {MessageEvent} message */
  take(kind, message) {
    const seq = Number(message.lastEventId);
    if (seq <= this.lastSeq) return; // sent again
    this.lastSeq = seq;
    this.isOver = this.listener.onEntry(seq, kind, JSON.parse(message.data));
    if (this.isOver) this.source.close();
  }

  /** The browser comes back by itself, unless the server has answered with a refusal. */
  onError() {
    this.listener.onConnection(false);
    if (this.source.readyState === EventSource.CLOSED) this.giveUpOrRetry();
  }

  async giveUpOrRetry() {
    try {
      await sessionState(this.sessionId);
    } catch (error) {
      if (error.status === 401) return signIn();
      if (error.status === 404) return this.giveUp();
    }
    setTimeout(() => this.connect(), RETRY_MS);
  }

  giveUp() {
    this.isOver = true;
    this.listener.onGone("This session is gone, or no longer yours to see.");
  }
}
