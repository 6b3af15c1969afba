/** A field that narrows a list: what is typed takes effect a moment later. */

import { ReactElement, useEffect, useRef, useState } from 'react';

/** How long nothing must be typed, in milliseconds. */
const SETTLE = 250;

export function Search(props: {
  label: string;
  placeholder: string;
  value: string;
  onChange: (value: string) => void;
}): ReactElement {
  const [text, setText] = useState(props.value);
  const timer = useRef<number>();
  useEffect(() => setText(props.value), [props.value]);
  useEffect(() => () => window.clearTimeout(timer.current), []);
  const change = (value: string): void => {
    setText(value);
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(() => props.onChange(value), SETTLE);
  };
  return (
    <div className="jvs-Filter">
      <input
        className="jp-mod-styled"
        type="search"
        aria-label={props.label}
        placeholder={props.placeholder}
        value={text}
        onChange={event => change(event.target.value)}
      />
    </div>
  );
}
