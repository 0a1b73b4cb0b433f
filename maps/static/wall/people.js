// Who is on duty, as last told by the feed, and the figures of any unit.
const dots = new Map();

export function replacePeople(list) {
  dots.clear();
  for (const dot of list) dots.set(dot.id, dot);
}

export function updatePeople(list, gone) {
  for (const dot of list) dots.set(dot.id, dot);
  for (const id of gone) dots.delete(id);
}

export const byId = (id) => dots.get(id) ?? null;
export const byCode = (code) => [...dots.values()].find((dot) => dot.code === code) ?? null;

const isSilent = (dot) => dot.state === "silent";

/** Numerators and denominators of the people given. */
export function figuresOf(people) {
  const silent = people.filter(isSilent).length;
  return {
    onShift: people.length,
    heard: people.length - silent,
    moving: people.filter((dot) => dot.state === "moving").length,
    silent,
  };
}

/** People who serve in the unit or below it; everybody for null. `id`: 32 hex digits. */
export function peopleOf(id) {
  const all = [...dots.values()];
  return id === null ? all : all.filter((dot) => dot.paths.some((path) => path.split(".").includes(id)));
}

/** For each unit id that occurs in a path: how many serve at it or below, how many of them move, how many are silent. */
export function countByUnit() {
  const counts = new Map();
  for (const dot of dots.values()) {
    for (const id of new Set(dot.paths.flatMap((path) => path.split(".")))) {
      const count = counts.get(id) ?? { onShift: 0, moving: 0, silent: 0 };
      count.onShift += 1;
      if (dot.state === "moving") count.moving += 1;
      if (isSilent(dot)) count.silent += 1;
      counts.set(id, count);
    }
  }
  return counts;
}

const rank = { silent: 0, stale: 1, late: 2, moving: 3, still: 4, unconfirmed: 5 };

/** How soon somebody needs a look: the least first. */
export const needOf = ({ state }) => rank[state] ?? 9;

export const byNeed = (one, other) => needOf(one) - needOf(other) || one.code.localeCompare(other.code);
