// The way to the service: same origin only, problems as words.

import { refusal } from "./words.js";

export class Problem extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

async function read(answer) {
  const type = answer.headers.get("content-type") ?? "";
  const body = type.includes("json") ? await answer.json() : null;
  if (answer.status === 401) leaveToSignIn();
  if (!answer.ok) throw new Problem(answer.status, refusal(body) ?? body?.detail ?? answer.statusText);
  return body;
}

/** GET a JSON document. `signal` ends it early. */
export async function get(path, { signal } = {}) {
  return read(await fetch(path, { headers: { Accept: "application/json, application/geo+json" }, signal }));
}

/** Change something: a JSON body, or none. */
export async function send(path, body, method = "POST") {
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  return read(await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) }));
}

/** Send a file as it is. */
export async function upload(path, file, type) {
  return read(await fetch(path, { method: "POST", headers: { Accept: "application/json", "Content-Type": type }, body: file }));
}

export function leaveToSignIn() {
  location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
}
