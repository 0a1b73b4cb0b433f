// The sign-in form: without this script it posts itself; with it, errors are told in place.
import { loadWords, t } from "./words.js";

const form = document.getElementById("sign-in");
const problem = document.getElementById("problem");
const ready = loadWords();

const reasons = { 401: "sign_in.wrong", 403: "sign_in.foreign", 429: "sign_in.throttled" };

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  problem.hidden = true;
  await ready;
  try {
    const answer = await fetch("/login", {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify({ login: form.elements.login.value, password: form.elements.password.value }),
    });
    if (answer.ok) return location.assign(ownPath(form.dataset.next));
    tell(t(reasons[answer.status] ?? "failed.network"));
  } catch {
    tell(t("failed.network"));
  } finally {
    button.disabled = false;
  }
});

function tell(text) {
  problem.textContent = text;
  problem.hidden = false;
  form.elements.password.select();
}

/** Only a path of this service is followed. */
function ownPath(next) {
  const target = new URL(next || "/", location.origin);
  return target.origin === location.origin ? target.pathname + target.search : "/";
}
