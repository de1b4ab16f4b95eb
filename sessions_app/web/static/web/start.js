// Starts a session of an app and goes to its page, which takes this one's place in the history.

import { createSession } from "./api.js";

const start = document.getElementById("start");

try {
  location.replace(`/s/${await createSession(start.dataset.appId)}`);
} catch (error) {
  start.textContent = error.message;
}
