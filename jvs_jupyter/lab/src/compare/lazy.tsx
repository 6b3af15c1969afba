/** Parts of a long page, of which only those near the window exist. */

import { createContext, ReactElement, ReactNode, RefObject, useContext, useEffect, useMemo, useRef, useState } from 'react';

/** How far from the window parts are made, and how far from it they go again, in pixels. */
const NEAR = 900;

type Listener = (isNear: boolean) => void;

/** Tells parts whether they are near the window of what scrolls. */
class Watcher {
  constructor(root: RefObject<HTMLElement>) {
    this.root = root;
  }

  watch(node: Element, listener: Listener): () => void {
    this.listeners.set(node, listener);
    this.observer ??= new IntersectionObserver(
      entries => entries.forEach(entry => this.listeners.get(entry.target)?.(entry.isIntersecting)),
      { root: this.root.current, rootMargin: `${NEAR}px 0px` }
    );
    this.observer.observe(node);
    return () => {
      this.listeners.delete(node);
      this.observer?.unobserve(node);
    };
  }

  stop(): void {
    this.observer?.disconnect();
    this.observer = null;
  }

  private readonly root: RefObject<HTMLElement>;
  private readonly listeners = new Map<Element, Listener>();
  private observer: IntersectionObserver | null = null;
}

const Watching = createContext<Watcher | null>(null);

/** What scrolls: parts inside it are lazy. */
export function Scroller(props: { className: string; label: string; children: ReactNode }): ReactElement {
  const box = useRef<HTMLDivElement>(null);
  const watcher = useMemo(() => new Watcher(box), []);
  useEffect(() => () => watcher.stop(), [watcher]);
  return (
    <div ref={box} className={props.className} role="region" aria-label={props.label} tabIndex={0}>
      <Watching.Provider value={watcher}>{props.children}</Watching.Provider>
    </div>
  );
}

/** A part that exists while it is near the window, or has the focus; else it keeps its place. */
export function Lazy(props: { height: number; children: () => ReactNode }): ReactElement {
  const box = useRef<HTMLDivElement>(null);
  const watcher = useContext(Watching);
  const [isNear, setNear] = useState(watcher === null);
  const height = useRef(props.height);
  useEffect(() => {
    const node = box.current;
    if (!node || !watcher) {
      return;
    }
    return watcher.watch(node, near => {
      if (!near && node.contains(document.activeElement)) {
        return;
      }
      if (!near && node.offsetHeight > 0) {
        height.current = node.offsetHeight;
      }
      setNear(near);
    });
  }, [watcher]);
  return (
    <div ref={box} style={isNear ? undefined : { height: height.current }}>
      {isNear && props.children()}
    </div>
  );
}
