/** JupyterLab's own copy of vega-embed: JupyterLab shares it with extensions, so none is bundled here. */

export interface View {
  addEventListener(type: 'click', listener: (event: unknown, item: { datum?: { id?: unknown } } | null) => void): void;
  signal(name: string, value: unknown): View;
  runAsync(): Promise<unknown>;
  resize(): View;
  finalize(): void;
}

export type Embed = (node: HTMLElement, spec: object, options: object) => Promise<{ view: View; finalize: () => void }>;

/** Load it, once something is to be drawn. Rejects where the application does not share it, as Notebook 7. */
export async function loadEmbed(): Promise<Embed> {
  const module = await import('vega-embed');
  return module.default as Embed;
}
