// The page of one session: its stream becomes a transcript, the user's answers go to the server.

import { answer, cancel } from "./api.js";
import { isFocusFree, make } from "./dom.js";
import { ignoreUnmeant } from "./presses.js";
import { stayAtEnd } from "./scrolling.js";
import { follow } from "./stream.js";
import { Transcript } from "./transcript.js";

const ENDED = ["finished", "failed", "cancelled", "expired"];

const root = document.getElementById("transcript");
const sessionId = root.dataset.sessionId;
const stop = document.getElementById("stop");
const connection = document.getElementById("connection");
const transcript = new Transcript(root, (interaction) => answer(sessionId, interaction));

function onEntry(seq, kind, data) {
  transcript.take(seq, kind, data);
  offerPrompt();
  const isOver = kind === "event" && data.block_type === "exit";
  if (isOver) end();
  return isOver;
}

function onStatus({ status, pending }) {
  stop.hidden = ENDED.includes(status);
  transcript.waitFor(pending.map((prompt) => prompt.block_id));
  offerPrompt();
}

/** Puts the cursor where the app waits, unless the user is elsewhere on the page. */
function offerPrompt() {
  if (isFocusFree()) transcript.openPrompt?.focus();
}

function onConnection(isConnected) {
  connection.hidden = isConnected;
  connection.textContent = isConnected ? "" : "Connection lost. Trying again…";
}

function end() {
  stop.hidden = true;
  connection.hidden = true;
  transcript.waitFor([]);
  document.getElementById("again").hidden = false;
}

function onGone(reason) {
  end();
  root.append(make("p", { className: "refusal", role: "alert" }, reason));
}

stop.addEventListener("click", async () => {
  stop.disabled = true;
  try {
    await cancel(sessionId);
  } catch (error) {
    connection.textContent = error.message;
    connection.hidden = false;
  }
  stop.disabled = false;
});

ignoreUnmeant(root);
stayAtEnd();
follow(sessionId, { onEntry, onStatus, onConnection, onGone });
