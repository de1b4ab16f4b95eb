// The server's REST calls, as this page makes them.

const PAUSES_MS = [250, 500, 1000, 2000]; // before what got no answer is sent again

/** What the server answered instead of doing what was asked: its sentence is for the user to read. */
export class Refusal extends Error {
  /** @param {number} status 0 if there was no answer @param {{detail?: string, code?: string}} body @param {ErrorOptions} [options] */
  constructor(status, body, options) {
    super(body.detail ?? `The server answered with status ${status}.`, options);
    this.status = status;
    this.code = body.code ?? "";
  }
}

/** Starts a session; its id. @param {string} appId @returns {Promise<string>} */
export async function createSession(appId) {
  return (await callOnce("/api/session", { app_id: appId })).session_id;
}

/**
 * Answers one prompt, or those of a layout at once.
 * @param {string} sessionId @param {{blockId: string, value: unknown, blockType: string}} interaction
 */
export async function answer(sessionId, interaction) {
  await callOnce(`/api/session/${sessionId}/interaction`, interaction);
}

/** Ends a session. @param {string} sessionId */
export async function cancel(sessionId) {
  await call("POST", `/api/session/${sessionId}/cancel`);
}

/** Has a diverged session played again. @param {string} sessionId */
export async function retry(sessionId) {
  await call("POST", `/api/session/${sessionId}/retry`);
}

/** How a session stands. @param {string} sessionId */
export async function sessionState(sessionId) {
  return call("GET", `/api/session/${sessionId}`);
}

/** Goes to the sign-in page, to come back to this one afterwards. */
export function signIn() {
  location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
}

/**
 * Posts what is to be done once, a few times if no answer comes: by its key the server knows what it has done already.
 * @param {string} path @param {unknown} body
 */
async function callOnce(path, body) {
  const headers = { "Idempotency-Key": newKey() };
  for (const pause of PAUSES_MS) {
    try {
      return await call("POST", path, body, headers);
    } catch (error) {
      if (!isUnanswered(error)) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
  return call("POST", path, body, headers);
}

/** Whether it may have been done or not: nobody answered, a gateway did, or it is still under way. */
function isUnanswered({ status, code }) {
  return status === 0 || status > 500 || code === "in_flight";
}

/** Random, also where the page came by plain http: crypto.randomUUID is not there. */
function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {string} method @param {string} path @param {unknown} [body] @param {Record<string, string>} [more] headers */
async function call(method, path, body, more) {
  const headers = { "X-CSRFToken": csrfToken(), ...more };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const answer = await reach(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  if (answer.isOk) return answer.body;
  if (answer.status === 401) signIn();
  throw new Refusal(answer.status, answer.body);
}

/** The answer, whole. @param {string} path @param {RequestInit} options */
async function reach(path, options) {
  try {
    const response = await fetch(path, options);
    const isJson = response.headers.get("Content-Type") === "application/json";
    return { isOk: response.ok, status: response.status, body: isJson ? await response.json() : {} };
  } catch (error) {
    throw new Refusal(0, { detail: "The server cannot be reached. Try again." }, { cause: error });
  }
}

/** Read at each call: signing in, in whichever tab, changes it. */
function csrfToken() {
  return document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "";
}
