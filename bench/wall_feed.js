// The wall's live feed without a service: the page's own EventSource is this one, and people walk by a seed.
// It speaks the words of /v1/live, so that everything behind the stream runs as it does on a screen.
(() => {
  const STEP_M = 14; // ten seconds of walking
  const INTERVAL_S = 10;

  class Feed extends EventTarget {
    constructor() {
      super();
      this.readyState = 1;
      window.feed = this;
    }
    close() {
      this.readyState = 2;
    }
  }
  window.EventSource = Object.assign(Feed, { CONNECTING: 0, OPEN: 1, CLOSED: 2 });

  let seed = 20260610;
  const random = () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };

  let people = [];
  let turn = 0;
  let clock = Date.now();

  const SAME = { state: "moving", accuracy_m: 8, speed_mps: 1.4, heading_deg: null, battery_pct: 80, charging: false, heard_at: null, expected_s: INTERVAL_S, reason: null };
  const columns = (some) => ({
    ...SAME,
    id: some.map((one) => one.id),
    lon: some.map((one) => one.lon),
    lat: some.map((one) => one.lat),
    fixed_at: some.map((one) => one.fixedAt),
    at_unit_code: some.map((one) => one.grid.code),
  });
  const who = (one) => ({ id: one.id, code: `B${one.id}`, name: `李${one.id}`, role: "grid_worker", role_name: "网格员", unit_code: one.grid.code, unit_name: one.grid.name, paths: [one.grid.path] });
  const say = (kind, body) => window.feed.dispatchEvent(new MessageEvent(kind, { data: JSON.stringify({ at: new Date(clock).toISOString(), ...body }), lastEventId: String(clock) }));

  function walk(one) {
    const angle = random() * 2 * Math.PI;
    const back = Math.hypot(one.lon - one.grid.lon, one.lat - one.grid.lat) > 0.002 ? 0.3 : 0;
    one.lon += (Math.cos(angle) * STEP_M) / 93_000 + back * (one.grid.lon - one.lon);
    one.lat += (Math.sin(angle) * STEP_M) / 111_000 + back * (one.grid.lat - one.lat);
    one.fixedAt = clock / 1000;
    return one;
  }

  /** `grids`: [{ path, code, name, lon, lat }]. A snapshot of `count` people, everybody on the move with the next frame. */
  function begin(grids, count) {
    clock = Date.now();
    people = Array.from({ length: count }, (_, id) => {
      const grid = grids[id % grids.length];
      return { id: id + 1, grid, lon: grid.lon, lat: grid.lat, fixedAt: clock / 1000 - INTERVAL_S };
    });
    turn = 0;
    say("snapshot", { dots: people.map(who), moved: columns(people) });
    say("frame", { gone: [], dots: [], moved: columns(people.map(walk)) });
  }

  /** One second later: a tenth of the people report. */
  function second() {
    clock += 1000;
    turn = (turn + 1) % INTERVAL_S;
    const moved = columns(people.filter((one) => one.id % INTERVAL_S === turn).map(walk));
    say("frame", { gone: [], dots: [], moved });
  }

  window.bench = { begin, second, count: () => people.length };
})();
