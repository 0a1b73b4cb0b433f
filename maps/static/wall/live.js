// The live feed: one event stream, resumed by its cursor, watched for silence.
import { leaveToSignIn } from "../door.js";
import { unfold } from "./unfold.js";

const QUIET_MS = 25_000; // the service speaks at least every 10 s
const RETRY_MS = [1000, 2000, 5000, 10_000];

/**
 * Follow the feed. `on.snapshot(frame)`, `on.frame(frame)`, `on.alerts({ as_of, alerts })`, `on.state("connecting"|"live"|"broken"|"ended"|"refused")`.
 * Returns a function that stops it.
 */
export function followLive(on) {
  let source = null;
  let cursor = "";
  let tries = 0;
  let timer = 0;
  let watch = 0;
  let stopped = false;

  function open() {
    if (stopped) return;
    clearTimeout(timer);
    source?.close(); // two ways lead here, one stream is enough
    const since = cursor ? `?since=${encodeURIComponent(cursor)}` : "";
    source = new EventSource(`/v1/live${since}`);
    source.addEventListener("snapshot", (event) => heard(event, (frame) => on.snapshot(unfold(frame))));
    source.addEventListener("frame", (event) => heard(event, (frame) => on.frame(unfold(frame))));
    source.addEventListener("alerts", (event) => heard(event, on.alerts));
    source.addEventListener("end", () => finish("ended"));
    source.addEventListener("error", broken);
    listen();
  }

  function heard(event, tell) {
    tries = 0;
    cursor = event.lastEventId || cursor;
    on.state("live");
    tell(JSON.parse(event.data));
    listen();
  }

  function listen() {
    clearTimeout(watch);
    watch = setTimeout(broken, QUIET_MS);
  }

  async function broken() {
    clearTimeout(watch);
    source?.close();
    if (stopped) return;
    on.state("broken");
    const status = await askStatus();
    if (status === 401) return finish("ended");
    if (status === 403) return finish("refused");
    clearTimeout(timer);
    timer = setTimeout(open, RETRY_MS[Math.min(tries++, RETRY_MS.length - 1)]);
  }

  function finish(state) {
    stopped = true;
    clearTimeout(watch);
    source?.close();
    on.state(state);
    if (state === "ended") setTimeout(leaveToSignIn, 5000);
  }

  on.state("connecting");
  open();
  addEventListener("offline", () => !stopped && broken());
  addEventListener("online", () => !stopped && source?.readyState === EventSource.CLOSED && open());
  return () => {
    stopped = true;
    clearTimeout(timer);
    clearTimeout(watch);
    source?.close();
  };
}

/** Why the stream would not open: an event source does not tell. */
async function askStatus() {
  try {
    const answer = await fetch("/v1/me", { headers: { Accept: "application/json" } });
    await answer.body?.cancel();
    return answer.status;
  } catch {
    return 0;
  }
}
