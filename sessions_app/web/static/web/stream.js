// A session's stream in follow mode, from its beginning, over reconnects, every entry once.

import { sessionState, signIn } from "./api.js";

const RETRY_MS = 2000;
const NAMED = ["interaction", "retract"];

/**
 * @typedef {object} Listener
 * @property {(seq: number, kind: string, data: any) => boolean} onEntry  an entry of the log; true after the last
 * @property {(status: {status: string, pending: {block_id: string}[]}) => void} onStatus
 * @property {(isConnected: boolean) => void} onConnection
 * @property {(reason: string) => void} onGone  the session cannot be read any more
 */

/** Follows a session until its exit. @param {string} sessionId @param {Listener} listener */
export function follow(sessionId, listener) {
  let lastSeq = 0;

  function connect() {
    const source = new EventSource(`/api/session/${sessionId}/stream?follow=true&after=${lastSeq}`);
    const take = (kind) => (message) => {
      const seq = Number(message.lastEventId);
      if (seq <= lastSeq) return; // sent again
      lastSeq = seq;
      if (listener.onEntry(seq, kind, JSON.parse(message.data))) source.close();
    };
    source.addEventListener("message", take("event"));
    for (const kind of NAMED) source.addEventListener(kind, take(kind));
    source.addEventListener("status", (message) => listener.onStatus(JSON.parse(message.data)));
    source.addEventListener("open", () => listener.onConnection(true));
    source.addEventListener("error", () => {
      listener.onConnection(false);
      // The browser comes back by itself, unless the server has answered with a refusal.
      if (source.readyState === EventSource.CLOSED) giveUpOrRetry();
    });
  }

  async function giveUpOrRetry() {
    try {
      await sessionState(sessionId);
    } catch (error) {
      if (error.status === 401) return signIn();
      if (error.status === 404) return listener.onGone("This session is gone, or no longer yours to see.");
    }
    setTimeout(connect, RETRY_MS);
  }

  connect();
}
