/** The notices and their ways out. Nodes change only when the notices do, so that each is announced once. */

import { element, setText, toggle } from "./dom.ts";
import type { Notice, NoticeAction } from "./present.ts";

export class NoticeView {
  readonly root = element("div", { class: "notices" });
  readonly #onAction: (action: NoticeAction) => void;
  #key = "";

  constructor(onAction: (action: NoticeAction) => void) {
    this.#onAction = onAction;
  }

  render(list: readonly Notice[]): void {
    const key = JSON.stringify(list.map(({ id, actions }) => [id, actions]));
    if (key !== this.#key) {
      this.#key = key;
      this.root.replaceChildren(...list.map((notice) => this.#create(notice)));
    }
    list.forEach(({ text, detail }, index) => {
      const [main, second] = this.root.children[index]?.querySelectorAll("p") ?? [];
      if (main !== undefined) setText(main, text);
      if (second !== undefined) {
        setText(second, detail);
        second.hidden = detail === "";
      }
    });
    toggle(this.root, list.length > 0);
  }

  #create({ tone, actions }: Notice): HTMLElement {
    const buttons = actions.map(({ action, text }, index) => {
      const button = element("button", { class: index === 0 ? "action primary" : "action", part: "button action", type: "button" }, text);
      button.addEventListener("click", () => {
        this.#onAction(action);
      });
      return button;
    });
    return element(
      "div",
      { class: `notice ${tone}`, part: "notice", role: tone === "error" ? "alert" : "status" },
      element("p"),
      element("p", { class: "detail", "aria-hidden": "true" }),
      element("div", { class: "actions" }, ...buttons),
    );
  }
}
