// The page of one session: its stream becomes a transcript, the user's answers go to the server.

import { answer, cancel, retry } from "./api.js";
import { isFocusFree, make } from "./dom.js";
import { ignoreUnmeant } from "./presses.js";
import { stayAtEnd } from "./scrolling.js";
import { follow } from "./stream.js";
import { Transcript } from "./transcript.js";

const ENDED = ["finished", "failed", "cancelled", "expired"];

const root = document.getElementById("transcript");
const sessionId = root.dataset.sessionId;
const stop = document.getElementById("stop");
const diverged = document.getElementById("diverged");
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
  diverged.hidden = status !== "diverged";
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
  diverged.hidden = true;
  connection.hidden = true;
  transcript.waitFor([]);
  document.getElementById("again").hidden = false;
}

function onGone(reason) {
  end();
  root.append(make("p", { className: "refusal", role: "alert" }, reason));
}

/** Has the server do something to the session; says in the bar why it did not. */
function onPress(button, call) {
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await call(sessionId);
    } catch (error) {
      connection.textContent = error.message;
      connection.hidden = false;
    }
    button.disabled = false;
  });
}

onPress(stop, cancel);
onPress(document.getElementById("retry"), retry);

ignoreUnmeant(root);
stayAtEnd();
follow(sessionId, { onEntry, onStatus, onConnection, onGone });
