/** A list of which only the rows in sight exist; driven by pointer and keyboard. */

import { KeyboardEvent, ReactNode, UIEvent, useEffect, useMemo, useRef, useState } from 'react';

/** Rows kept beyond each edge, so that a quick scroll shows no gap. */
const MARGIN = 8;

/** What assistive technology takes the list and its rows for. */
const ROLES = { listbox: 'option', tree: 'treeitem', grid: 'row' } as const;

export interface VirtualListProps<T> {
  items: readonly T[];
  /** Height of a row, in CSS pixels. */
  rowHeight: number | ((item: T) => number);
  label: string;
  keyOf: (item: T) => string;
  render: (item: T, isSelected: boolean) => ReactNode;
  role?: keyof typeof ROLES;
  /** More attributes of a row: what it is called, whether it is open. */
  attributesOf?: (item: T) => Record<string, string | number | boolean | undefined>;
  /** Whether a row can be chosen; headings cannot. */
  isChoice?: (item: T) => boolean;
  selected?: string | null;
  onSelect?: (item: T) => void;
  /** Called by Enter and double click. */
  onOpen?: (item: T) => void;
  /** Called by a click on a row that is no button's. */
  onClick?: (item: T) => void;
  /** Called by the right and left arrow keys: open or close what is folded. */
  onFold?: (item: T, open: boolean) => void;
  /** Called when the end of the list comes in sight. */
  onEnd?: () => void;
  empty?: ReactNode;
  /** Stays on top while the rows scroll; of a grid its row of headers. */
  head?: ReactNode;
  /** The height of that, in CSS pixels. */
  headHeight?: number;
  /** Called by the space bar: select the row beside others. */
  onMark?: (item: T) => void;
  /** Tells the rows of this list from those of others on the page. */
  prefix?: string;
  /** When this changes, the chosen row is brought into sight. */
  revealed?: number;
  /** How many rows there are on the server; unknown is -1. */
  total?: number;
}

export function VirtualList<T>(props: VirtualListProps<T>): JSX.Element {
  const { items, rowHeight, keyOf, onEnd } = props;
  const role = props.role ?? 'listbox';
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(400);
  const tops = useMemo(() => edges(items, rowHeight), [items, rowHeight]);

  useEffect(() => {
    const node = box.current;
    if (!node) {
      return;
    }
    const observer = new ResizeObserver(() => setHeight(node.clientHeight));
    observer.observe(node);
    return () => observer.disconnect();
  }, []);

  const first = Math.max(0, indexAt(tops, top) - MARGIN);
  const last = Math.min(items.length, indexAt(tops, top + height) + 1 + MARGIN);

  useEffect(() => {
    if (onEnd && last >= items.length) {
      onEnd();
    }
  }, [last, items, onEnd]);

  const headHeight = props.headHeight ?? 0;
  const bringIntoSight = (index: number): void => {
    const node = box.current;
    if (node && tops[index] < node.scrollTop) {
      node.scrollTop = index === 0 || choice(index - 1) ? tops[index] : tops[index - 1];
    } else if (node && tops[index + 1] + headHeight > node.scrollTop + node.clientHeight) {
      node.scrollTop = tops[index + 1] + headHeight - node.clientHeight;
    }
  };
  useEffect(() => {
    const at = items.findIndex(item => keyOf(item) === props.selected);
    if (props.revealed && at >= 0) {
      bringIntoSight(at);
    }
  }, [props.revealed]);

  const choice = (index: number): boolean => props.isChoice?.(items[index]) ?? true;
  const select = (index: number): void => {
    props.onSelect?.(items[index]);
    bringIntoSight(index);
  };
  /** Select the row at `index`, or the next one from there in a direction that can be chosen. */
  const move = (index: number, step: 1 | -1): void => {
    for (let at = Math.min(items.length - 1, Math.max(0, index)); at in items; at += step) {
      if (choice(at)) {
        select(at);
        return;
      }
    }
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.target !== event.currentTarget) {
      return; // a button of the row has the focus
    }
    const at = items.findIndex(item => keyOf(item) === props.selected);
    const page = Math.max(1, last - first - 2 * MARGIN);
    const moves: Record<string, () => void> = {
      ArrowDown: () => move(at + 1, 1),
      ArrowUp: () => move(at - 1, -1),
      PageDown: () => move(at + page, 1),
      PageUp: () => move(at - page, -1),
      Home: () => move(0, 1),
      End: () => move(items.length - 1, -1)
    };
    const wantsMenu = event.key === 'ContextMenu' || (event.key === 'F10' && event.shiftKey);
    if (event.key in moves && items.length) {
      moves[event.key]();
    } else if (event.key === 'Enter' && at >= 0) {
      props.onOpen?.(items[at]);
    } else if (event.key === ' ' && at >= 0 && props.onMark) {
      props.onMark(items[at]);
    } else if ((event.key === 'ArrowRight' || event.key === 'ArrowLeft') && at >= 0 && props.onFold) {
      props.onFold(items[at], event.key === 'ArrowRight');
    } else if (wantsMenu && at >= 0) {
      openMenu(document.getElementById(rowId(items[at])));
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };

  const rowId = (item: T): string => `${props.prefix ?? 'jvs-row-'}${keyOf(item)}`;
  const active = items.find(item => keyOf(item) === props.selected);
  return (
    <div
      ref={box}
      className="jvs-List"
      role={role}
      aria-label={props.label}
      aria-activedescendant={active === undefined ? undefined : rowId(active)}
      aria-rowcount={role === 'grid' ? (props.total ?? items.length) + (props.head ? 1 : 0) : undefined}
      aria-multiselectable={props.onMark ? true : undefined}
      tabIndex={0}
      onScroll={(event: UIEvent<HTMLDivElement>) => setTop(event.currentTarget.scrollTop)}
      onKeyDown={onKeyDown}
    >
      {props.head}
      {items.length === 0 ? (
        <div className="jvs-Empty">{props.empty}</div>
      ) : (
        <div className="jvs-List-all" role="presentation" style={{ height: tops[items.length] }}>
          {items.slice(first, last).map((item, offset) => {
            const index = first + offset;
            const isSelected = keyOf(item) === props.selected;
            const position = { top: tops[index], height: tops[index + 1] - tops[index] };
            if (!choice(index)) {
              return (
                <div key={keyOf(item)} className="jvs-Heading" role="presentation" style={position}>
                  {props.render(item, false)}
                </div>
              );
            }
            return (
              <div
                key={keyOf(item)}
                id={rowId(item)}
                className="jvs-Row"
                role={ROLES[role]}
                aria-selected={isSelected}
                {...(role === 'grid'
                  ? { 'aria-rowindex': index + 1 + (props.head ? 1 : 0) }
                  : { 'aria-setsize': items.length, 'aria-posinset': index + 1 })}
                {...props.attributesOf?.(item)}
                style={position}
                onClick={() => {
                  props.onSelect?.(item);
                  props.onClick?.(item);
                }}
                onContextMenu={() => props.onSelect?.(item)}
                onDoubleClick={props.onClick ? undefined : () => props.onOpen?.(item)}
              >
                {props.render(item, isSelected)}
              </div>
            );
          })}
        </div>
      )}
    </div>
  );
}

/** Open the context menu of the row that `node` lies in, below it. */
export function openMenu(node: Element | null): void {
  const box = node?.getBoundingClientRect();
  if (node && box) {
    const place = { clientX: box.left + Math.min(24, box.width / 2), clientY: box.bottom };
    node.dispatchEvent(new MouseEvent('contextmenu', { bubbles: true, cancelable: true, ...place }));
  }
}

/** Where each row begins, and where the last one ends. */
function edges<T>(items: readonly T[], rowHeight: number | ((item: T) => number)): number[] {
  const found = [0];
  for (const item of items) {
    found.push(found[found.length - 1] + (typeof rowHeight === 'number' ? rowHeight : rowHeight(item)));
  }
  return found;
}

/** The index of the row that `position` lies in. */
function indexAt(tops: readonly number[], position: number): number {
  let low = 0;
  let high = Math.max(0, tops.length - 2);
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (tops[middle] <= position) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}
