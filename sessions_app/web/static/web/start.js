// Starts a session of an app and goes to its page, which takes this one's place in the history.

import { createSession } from "./api.js";

const start = document.getElementById("start");
const button = document.getElementById("begin"); // there is one where the user is to be asked first

async function begin() {
  try {
    location.replace(`/s/${await createSession(start.dataset.appId)}`);
  } catch (error) {
    start.textContent = error.message;
  }
}

if (button) button.addEventListener("click", begin, { once: true });
else begin();
