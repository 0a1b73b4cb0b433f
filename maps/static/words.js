// The page's texts: the same dictionaries the templates use.
export const language = document.documentElement.dataset.language ?? "zh";
let words = {};

export async function loadWords() {
  const answer = await fetch(`/static/words/${language}.json`);
  words = await answer.json();
}

/** The text of a key in the page's language, its {blanks} filled. */
export function t(key, blanks = {}) {
  const text = words[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in blanks ? String(blanks[name]) : whole));
}

/** One word that fills a blank, or several with commas between. */
function wordOf(kind, value) {
  const parts = value.split(", ").map((part) => words[`refusal.${kind}.${part}`]);
  return parts.every(Boolean) ? parts.join(isEnglish ? ", " : "、") : value;
}

/** What the service refused, in the page's language; undefined where it said so in English alone. */
export function refusal(problem) {
  const { template, values = {} } = problem?.said ?? {};
  if (!template || !(`refusal.${template}` in words)) return undefined;
  const told = Object.entries(values).map(([name, value]) => [name, wordOf(name.replace(/_\d+$/, ""), value)]);
  return t(`refusal.${template}`, Object.fromEntries(told));
}

export const isEnglish = language === "en";
