// Before the first paint: a page that follows the system takes its theme. Loaded as a plain script in the head.
(() => {
  const root = document.documentElement;
  if (root.dataset.theme !== "system") return;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => {
    root.dataset.theme = dark.matches ? "dark" : "light";
    root.dispatchEvent(new Event("themechange"));
  };
  follow();
  dark.addEventListener("change", follow);
})();
