// The server's REST calls, as this page makes them.

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
  return (await call("POST", "/api/session", { app_id: appId })).session_id;
}

/**
 * Answers one prompt, or those of a layout at once.
 * @param {string} sessionId @param {{blockId: string, value: unknown, blockType: string}} interaction
 */
export async function answer(sessionId, interaction) {
  await call("POST", `/api/session/${sessionId}/interaction`, interaction);
}

/** Ends a session. @param {string} sessionId */
export async function cancel(sessionId) {
  await call("POST", `/api/session/${sessionId}/cancel`);
}

/** How a session stands. @param {string} sessionId */
export async function sessionState(sessionId) {
  return call("GET", `/api/session/${sessionId}`);
}

/** Goes to the sign-in page, to come back to this one afterwards. */
export function signIn() {
  location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
}

/** @param {string} method @param {string} path @param {unknown} [body] */
async function call(method, path, body) {
  const headers = { "X-CSRFToken": csrfToken() };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const response = await reach(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  if (response.ok) return response.json();
  if (response.status === 401) signIn();
  const isJson = response.headers.get("Content-Type") === "application/json";
  throw new Refusal(response.status, isJson ? await response.json() : {});
}

/** @param {string} path @param {RequestInit} options */
async function reach(path, options) {
  try {
    return await fetch(path, options);
  } catch (error) {
    throw new Refusal(0, { detail: "The server cannot be reached. Try again." }, { cause: error });
  }
}

/** Read at each call: signing in, in whichever tab, changes it. */
function csrfToken() {
  return document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "";
}
