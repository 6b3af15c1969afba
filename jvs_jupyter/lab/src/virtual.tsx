/** A list of rows of one height, of which only those in sight exist; driven by pointer and keyboard. */

import { ReactNode, UIEvent, KeyboardEvent, useEffect, useRef, useState } from 'react';

/** Rows kept beyond each edge, so that a quick scroll shows no gap. */
const MARGIN = 8;

export interface VirtualListProps<T> {
  items: readonly T[];
  /** Height of a row, in CSS pixels. */
  rowHeight: number;
  label: string;
  keyOf: (item: T) => string;
  render: (item: T) => ReactNode;
  selected?: string | null;
  onSelect?: (item: T) => void;
  /** Called by Enter and double click. */
  onOpen?: (item: T) => void;
  /** Called when the end of the list comes in sight. */
  onEnd?: () => void;
  empty?: ReactNode;
}

export function VirtualList<T>(props: VirtualListProps<T>): JSX.Element {
  const { items, rowHeight, keyOf, onEnd } = props;
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(400);

  useEffect(() => {
    const node = box.current;
    if (!node) {
      return;
    }
    const observer = new ResizeObserver(() => setHeight(node.clientHeight));
    observer.observe(node);
    return () => observer.disconnect();
  }, []);

  const first = Math.max(0, Math.floor(top / rowHeight) - MARGIN);
  const last = Math.min(items.length, Math.ceil((top + height) / rowHeight) + MARGIN);

  useEffect(() => {
    if (onEnd && last >= items.length) {
      onEnd();
    }
  }, [last, items.length, onEnd]);

  const select = (index: number): void => {
    const item = items[index];
    if (item === undefined) {
      return;
    }
    props.onSelect?.(item);
    const node = box.current;
    if (node && index * rowHeight < node.scrollTop) {
      node.scrollTop = index * rowHeight;
    } else if (node && (index + 1) * rowHeight > node.scrollTop + node.clientHeight) {
      node.scrollTop = (index + 1) * rowHeight - node.clientHeight;
    }
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    const at = items.findIndex(item => keyOf(item) === props.selected);
    const page = Math.max(1, Math.floor(height / rowHeight) - 1);
    const moves: Record<string, number> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: items.length - 1
    };
    if (event.key in moves && items.length) {
      select(Math.min(items.length - 1, Math.max(0, moves[event.key])));
    } else if (event.key === 'Enter' && at >= 0) {
      props.onOpen?.(items[at]);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };

  const rowId = (item: T): string => `jvs-row-${keyOf(item)}`;
  const active = items.find(item => keyOf(item) === props.selected);
  return (
    <div
      ref={box}
      className="jvs-List"
      role="listbox"
      aria-label={props.label}
      aria-activedescendant={active === undefined ? undefined : rowId(active)}
      tabIndex={0}
      onScroll={(event: UIEvent<HTMLDivElement>) => setTop(event.currentTarget.scrollTop)}
      onKeyDown={onKeyDown}
    >
      {items.length === 0 ? (
        <div className="jvs-Empty">{props.empty}</div>
      ) : (
        <div className="jvs-List-all" style={{ height: items.length * rowHeight }}>
          {items.slice(first, last).map((item, offset) => (
            <div
              key={keyOf(item)}
              id={rowId(item)}
              className="jvs-Row"
              role="option"
              aria-selected={keyOf(item) === props.selected}
              aria-setsize={items.length}
              aria-posinset={first + offset + 1}
              style={{ top: (first + offset) * rowHeight, height: rowHeight }}
              onClick={() => props.onSelect?.(item)}
              onDoubleClick={() => props.onOpen?.(item)}
            >
              {props.render(item)}
            </div>
          ))}
        </div>
      )}
    </div>
  );
}
