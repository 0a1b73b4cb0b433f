// This browser's credential as a device of its person: one for everything the page sends.
import { send } from "../door.js";

let asked = null;

/** The credential; taken from the service when the page first needs it. Throws what `send` throws. */
export function deviceToken() {
  asked ??= send("/v1/me/device").then(({ token }) => token);
  asked.catch(() => (asked = null));
  return asked;
}

/** Hand fixes in. Another page of the same person ends this one's credential, so a refused one is asked for anew, once. */
export async function postFixes(fixes) {
  const answer = await post(fixes);
  if (answer.status !== 401) return answer;
  asked = null;
  return post(fixes);
}

async function post(fixes) {
  const token = await deviceToken();
  return fetch("/v1/fixes", {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` },
    credentials: "omit",
    body: JSON.stringify({ fixes }),
  });
}
