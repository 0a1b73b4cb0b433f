// Signing out, from any page.
import { send } from "./door.js";

for (const button of document.querySelectorAll("[data-sign-out]")) {
  button.addEventListener("click", async () => {
    await send("/logout").catch(() => undefined);
    location.assign("/login");
  });
}
