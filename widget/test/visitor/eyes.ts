/** What a visitor's browser is given before the page's first script: eyes for the widget, and a note of all that goes wrong. */

/** `window.eyes`, used by tests/e2e/browsers through the driver. */
export interface Eyes {
  /** What a person would call broken: errors, rejections, violations of the page's policy. */
  readonly complaints: string[];
  /** Every line that the status showed, in order. */
  readonly statuses: string[];
  /** The middle of a control that can be pressed now; null while there is none. */
  control(name: string): { x: number; y: number } | null;
  says(text: string): boolean;
  text(): string;
  root(): ShadowRoot | null;
  /** Whether sound of the bot arrives, and the page plays it. */
  hears(): Promise<boolean>;
  /** The track that goes out; null while none does. */
  sent(): { readonly id: string; readonly enabled: boolean } | null;
}

/** Runs inside the page, so it takes nothing from this file. */
export function openEyes(): void {
  const complaints: string[] = [];
  const statuses: string[] = [];
  const peers: RTCPeerConnection[] = [];
  const Original = RTCPeerConnection;
  Object.assign(window, {
    RTCPeerConnection: class extends Original {
      constructor(configuration?: RTCConfiguration) {
        super(configuration);
        peers.push(this);
      }
    },
  });
  addEventListener("error", (event) => complaints.push(event.message));
  addEventListener("unhandledrejection", (event) => complaints.push(String(event.reason)));
  addEventListener("securitypolicyviolation", (event) => complaints.push(`${event.violatedDirective} ${event.blockedURI}`));

  const root = () => document.querySelector("voice-assistant")?.shadowRoot ?? null;
  const panel = () => root()?.querySelector<HTMLElement>(".panel:not([hidden])") ?? null;
  const nameOf = (node: Element) => {
    const labels = (node as HTMLInputElement).labels as NodeListOf<HTMLLabelElement> | null | undefined;
    return node.getAttribute("aria-label") ?? labels?.[0]?.textContent ?? node.textContent;
  };
  const note = () => {
    const status = panel()?.querySelector("[role=status]")?.textContent ?? "";
    if (status !== "" && statuses.at(-1) !== status) statuses.push(status);
  };
  // Inside its shadow root nothing of the page is observed, so each root is watched as it comes.
  const watched = new WeakSet();
  const watch = () => {
    const found = root();
    if (found === null || watched.has(found)) return;
    watched.add(found);
    new MutationObserver(note).observe(found, { subtree: true, childList: true, characterData: true, attributes: true });
  };
  new MutationObserver(watch).observe(document, { subtree: true, childList: true });
  addEventListener("load", watch);

  const eyes: Eyes = {
    complaints,
    statuses,
    root,
    control: (name) => {
      for (const node of root()?.querySelectorAll<HTMLElement>("button, input, select, textarea") ?? []) {
        if ((nameOf(node) !== name && !(name === "bubble" && node.matches(".bubble"))) || !node.checkVisibility()) continue;
        node.scrollIntoView({ block: "nearest", inline: "nearest" });
        const { x, y, width, height } = node.getBoundingClientRect();
        const at = { x: x + width / 2, y: y + height / 2 };
        const hit = root()?.elementFromPoint(at.x, at.y);
        if (hit && (node.contains(hit) || hit.contains(node)) && !node.matches(":disabled")) return at;
      }
      return null;
    },
    says: (text) => panel()?.textContent.includes(text) === true,
    text: () => root()?.textContent ?? "",
    hears: async () => {
      const audio = root()?.querySelector("audio");
      if (audio?.paused !== false || audio.muted || audio.currentTime === 0) return false;
      for (const receiver of peers.flatMap((peer) => peer.getReceivers())) {
        for (const report of (await receiver.getStats()).values() as Iterable<{ totalAudioEnergy?: number }>) {
          if ((report.totalAudioEnergy ?? 0) > 0.01) return true;
        }
      }
      return false;
    },
    sent: () => {
      const track = peers.flatMap((peer) => peer.getSenders()).findLast((sender) => sender.track?.kind === "audio")?.track;
      return track ? { id: track.id, enabled: track.enabled } : null;
    },
  };
  Object.assign(window, { eyes });
}
