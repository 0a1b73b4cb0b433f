// Networks and units, as the wall thinks of them.
import { get } from "../door.js";
import { isEnglish } from "../words.js";

/**
 * Published networks: { code, name, edition, editionSeq, bbox, levels: [{ code, name, parent, depth, isMain }], deepest }.
 * The main levels are the longest line from a root down; the others (dedicated grids) stand beside it.
 */
export async function readNetworks() {
  const { networks } = await get("/v1/networks");
  return networks.filter((one) => one.edition).map(asNetwork);
}

function asNetwork(one) {
  const parents = new Map(one.levels.map((level) => [level.code, level.parent]));
  const depth = (code) => (parents.get(code) ? depth(parents.get(code)) + 1 : 0);
  const deepest = one.levels.map((level) => level.code).reduce((best, code) => (depth(code) > depth(best) ? code : best));
  const main = new Set();
  for (let code = deepest; code; code = parents.get(code)) main.add(code);
  const levels = one.levels.map((level) => ({
    code: level.code,
    name: isEnglish ? level.name_en || level.name : level.name,
    parent: level.parent,
    depth: depth(level.code),
    isMain: main.has(level.code),
  }));
  return { code: one.code, name: one.name, edition: one.edition.id, editionSeq: one.edition.seq, bbox: one.bbox, levels, deepest };
}

/**
 * Where a view stands: a unit with its children, or the top of the network for code null.
 * { network, unit, name, level, childLevel, above, parentId, steps, children, bbox }
 */
export async function openUnit(network, code, level) {
  if (!code) return openTop(network);
  const query = new URLSearchParams({ network: network.code, ...(level ? { level } : {}) });
  const path = `/v1/units/${encodeURIComponent(code)}`;
  const [unit, { units }, top] = await Promise.all([get(`${path}?${query}`), get(`${path}/children?${query}`), topStep(network)]);
  const chain = [...unit.ancestors, unit];
  const steps = chain.map((one, index) => ({ code: one.code, level: one.level, name: shortName(one.name, chain[index - 1]?.name) }));
  if (!top.isUnit) steps.unshift({ code: null, level: null, name: network.name });
  const children = units.map((child) => asChild(child, unit.name));
  const childLevel = children.length ? levelOf(network, children[0].level) : null;
  return {
    network,
    unit: { id: plainId(unit.id), tileId: unit.id, code: unit.code, level: unit.level },
    name: unit.name,
    childLevel,
    // A unit without children is shown among its siblings.
    shownLevel: childLevel?.code ?? unit.level,
    parentTileId: childLevel ? unit.id : (unit.parent_id ?? null),
    above: levelsAbove(network, childLevel?.code ?? unit.level),
    steps,
    children,
    prefix: childLevel ? unit.name : (unit.ancestors.at(-1)?.name ?? ""),
    bbox: unit.bbox,
  };
}

/** The top: the only unit of the root level, or all units of it where there are several. */
async function openTop(network) {
  const top = await topStep(network);
  if (top.isUnit) return openUnit(network, top.units[0].code, top.units[0].level);
  return {
    network,
    unit: null,
    name: network.name,
    childLevel: levelOf(network, top.level),
    shownLevel: top.level,
    parentTileId: null,
    above: [],
    steps: [{ code: null, level: null, name: network.name }],
    children: top.units.map((unit) => asChild(unit)),
    prefix: "",
    bbox: network.bbox,
  };
}

const tops = new Map();

async function topStep(network) {
  const key = `${network.code} ${network.edition}`;
  if (!tops.has(key)) {
    const root = network.levels.find((level) => level.isMain && !level.parent);
    const query = new URLSearchParams({ network: network.code, level: root.code });
    const { units } = await get(`/v1/units?${query}`);
    const hasChildren = network.deepest !== root.code;
    tops.set(key, { units, level: root.code, isUnit: units.length === 1 && hasChildren });
  }
  return tops.get(key);
}

const levelOf = (network, code) => network.levels.find((level) => level.code === code);

function levelsAbove(network, code) {
  const parent = levelOf(network, code)?.parent;
  return parent ? [...levelsAbove(network, parent), parent] : [];
}

const asChild = (unit, within = "") => ({
  id: plainId(unit.id),
  tileId: unit.id,
  code: unit.code,
  level: unit.level,
  name: shortName(unit.name, within),
});

/** A name without the name of the unit above, where it begins with it. */
const shortName = (name, above) => (above && name.startsWith(above) && name !== above ? name.slice(above.length) : name);

/** Ids in paths are written without hyphens. */
const plainId = (id) => id.replaceAll("-", "");
