// The demo page's own script: the light/dark switch, and questions that ask the assistant.

const assistant = document.querySelector("voice-assistant");

document.querySelector("#theme").addEventListener("click", () => {
  const root = document.documentElement;
  const isDark = root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = isDark ? "light" : "dark";
  assistant.setAttribute("theme", root.dataset.theme);
});

for (const button of document.querySelectorAll("[data-question]")) {
  button.addEventListener("click", async () => {
    // The widget's script is async: a quick click may come before it.
    await customElements.whenDefined("voice-assistant");
    await assistant.sendText(button.dataset.question);
  });
}
