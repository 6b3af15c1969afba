/** Two images: side by side, one swiped over the other, or their difference. */

import { TranslationBundle } from '@jupyterlab/translation';
import { ReactElement, useId, useState } from 'react';

import { ImageDetail, ImageFacts } from '../difference';

type Mode = 'beside' | 'swipe' | 'difference';

export interface ImagePairProps {
  /** Addresses. */
  old: string;
  new: string;
  detail: ImageDetail | null;
  trans: TranslationBundle;
}

export function ImagePair(props: ImagePairProps): ReactElement {
  const { detail, trans } = props;
  const [mode, setMode] = useState<Mode>('beside');
  const [share, setShare] = useState(50);
  const name = useId();
  const modes: [Mode, string][] = [
    ['beside', trans.__('Side by side')],
    ['swipe', trans.__('Swipe')],
    ['difference', trans.__('Difference')]
  ];
  const older = trans.__('older image');
  const newer = trans.__('newer image');
  return (
    <div className="jvs-Images">
      <div className="jvs-Images-bar">
        <fieldset className="jvs-Choice" aria-label={trans.__('How to compare the images')}>
          {modes.map(([value, label]) => (
            <label key={value}>
              <input
                type="radio"
                name={name}
                checked={mode === value}
                onChange={() => setMode(value)}
              />
              {label}
            </label>
          ))}
        </fieldset>
        <span className="jvs-Images-words">{imageWords(detail, trans)}</span>
      </div>
      {mode === 'beside' && (
        <div className="jvs-Pair">
          <figure className="jvs-Pair-side" data-side="old">
            <Image src={props.old} label={older} trans={trans} />
            <figcaption>{factsWords(detail?.old ?? null)}</figcaption>
          </figure>
          <figure className="jvs-Pair-side" data-side="new">
            <Image src={props.new} label={newer} trans={trans} />
            <figcaption>{factsWords(detail?.new ?? null)}</figcaption>
          </figure>
        </div>
      )}
      {mode === 'swipe' && (
        <div className="jvs-Swipe">
          <input
            type="range"
            min={0}
            max={100}
            value={share}
            aria-label={trans.__('Swipe from the newer image to the older one')}
            aria-valuetext={trans.__('%1 % older', share)}
            onChange={event => setShare(Number(event.target.value))}
          />
          <div className="jvs-Over">
            <Image src={props.new} label={newer} trans={trans} />
            <div className="jvs-Over-top" style={{ clipPath: `inset(0 ${100 - share}% 0 0)` }}>
              <Image src={props.old} label={older} trans={trans} />
            </div>
            <div className="jvs-Over-edge" style={{ left: `${share}%` }} />
          </div>
        </div>
      )}
      {mode === 'difference' && (
        <div className="jvs-Over" data-mode="difference" role="img" aria-label={trans.__('black where nothing differs')}>
          <Image src={props.new} label="" trans={trans} />
          <div className="jvs-Over-top">
            <Image src={props.old} label="" trans={trans} />
          </div>
        </div>
      )}
    </div>
  );
}

export function Image(props: { src: string; label: string; trans: TranslationBundle }): ReactElement {
  const [failed, setFailed] = useState(false);
  return failed ? (
    <p className="jvs-None">{props.trans.__('This browser cannot draw it.')}</p>
  ) : (
    <img src={props.src} alt={props.label} onError={() => setFailed(true)} />
  );
}

/** How many pixels differ, in words. */
export function imageWords(detail: ImageDetail | null, trans: TranslationBundle): string {
  if (!detail || detail.pixels === 'unknown' || !detail.old || !detail.new) {
    return '';
  }
  if (detail.pixels === 'same') {
    return trans.__('The same pixels.');
  }
  if (detail.share === null) {
    return trans.__('The pixels differ.');
  }
  const percent = detail.share * 100;
  return trans.__('%1 % of the pixels differ.', percent < 0.1 ? '< 0.1' : percent.toFixed(1));
}

export function factsWords(facts: ImageFacts | null): string {
  return facts ? `${facts.format} · ${facts.width} × ${facts.height}` : '';
}
