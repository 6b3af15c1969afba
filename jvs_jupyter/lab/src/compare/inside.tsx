/** What changed inside the chosen file, and what one can do with its older version. */

import { ReactElement, useEffect, useRef, useState } from 'react';

import { size } from '../format';
import { Compared } from './compared';
import { Difference } from './difference';
import { Scroller } from './lazy';
import { NOW, Version } from './place';
import { Tools } from './tools';
import { ArchiveView, LinkView, ModelView, SidesView } from './views/facts';
import { Image, ImagePair, factsWords, imageWords } from './views/image_pair';
import { NotebookView } from './views/notebook';
import { TableView } from './views/table';
import { GO_EVENT, TextView } from './views/text';
import { changeName } from './words';

/** What can be done with a compared file. */
export interface FileActions {
  restore: (compared: Compared) => void;
  openBeside: (version: Version, compared: Compared) => void;
  download: (version: Version, compared: Compared) => void;
  take: (compared: Compared, at: number) => void;
}

export interface InsideProps {
  compared: Compared;
  everything: boolean;
  tools: Tools;
  actions: FileActions;
  onEverything: (everything: boolean) => void;
}

export function Inside(props: InsideProps): ReactElement {
  const { compared, tools } = props;
  const { trans } = tools;
  const box = useRef<HTMLDivElement>(null);
  const found = compared.difference;
  const isNotebook = found?.detail?.kind === 'notebook' || (found === null && compared.file.endsWith('.ipynb'));
  return (
    <div
      ref={box}
      className="jvs-Inside"
      onKeyDown={event => {
        if (event.altKey && (event.key === 'ArrowDown' || event.key === 'ArrowUp') && box.current) {
          goTo(box.current, event.key === 'ArrowDown' ? 1 : -1);
          event.preventDefault();
          event.stopPropagation();
        }
      }}
    >
      <Scroller className="jvs-Inside-scroll" label={trans.__('What changed in %1', compared.file)}>
        {found === null ? (
          <p className="jvs-None">
            {trans.__('%1 is the same at both times.', compared.file)}
            {isNotebook && !props.everything && ` ${trans.__('Execution counts and widget state were not compared.')}`}
          </p>
        ) : (
          <>
            <Notes found={found} tools={tools} />
            <Detail {...props} found={found} />
          </>
        )}
      </Scroller>
      <footer className="jvs-Inside-foot" role="toolbar" aria-label={trans.__('What can be done')}>
        <Buttons {...props} />
        <span className="jvs-Spring" />
        {isNotebook && (
          <label title={trans.__('Also compare what changes with every run of a notebook: execution counts, widget state')}>
            <input
              type="checkbox"
              checked={props.everything}
              onChange={event => props.onEverything(event.target.checked)}
            />
            {trans.__('execution counts too')}
          </label>
        )}
        {found?.detail && (found.detail.kind === 'notebook' || found.detail.kind === 'text') && (
          <>
            {([-1, 1] as const).map(way => (
              <button
                key={way}
                className="jp-mod-styled"
                title={way < 0 ? trans.__('Previous change (Alt+Up)') : trans.__('Next change (Alt+Down)')}
                aria-label={way < 0 ? trans.__('Previous change') : trans.__('Next change')}
                onClick={() => box.current && goTo(box.current, way)}
              >
                {way < 0 ? '↑' : '↓'}
              </button>
            ))}
          </>
        )}
      </footer>
    </div>
  );
}

function Buttons(props: InsideProps): ReactElement {
  const { compared, tools, actions } = props;
  const { trans } = tools;
  const { old } = compared;
  const differs = compared.difference !== null;
  return (
    <>
      <button
        className="jp-mod-styled jp-mod-accept"
        disabled={!old || !differs || compared.to !== NOW || !compared.place.canRestore}
        title={compared.to === NOW ? '' : trans.__('Compare with now to restore a version')}
        onClick={() => actions.restore(compared)}
      >
        {trans.__('Restore this version of the file')}
      </button>
      <button className="jp-mod-styled" disabled={!old} onClick={() => old && actions.openBeside(old, compared)}>
        {trans.__('Open it beside')}
      </button>
      <button className="jp-mod-styled" disabled={!old} onClick={() => old && actions.download(old, compared)}>
        {trans.__('Download')}
      </button>
    </>
  );
}

/** What should be known before looking: where it stopped, and what would show more. */
function Notes(props: { found: Difference; tools: Tools }): ReactElement {
  const { found, tools } = props;
  const { trans } = tools;
  return (
    <>
      {found.change !== 'modified' && (
        <p className="jvs-Said">
          {found.change === 'renamed' && found.old_path !== null
            ? trans.__('This file had the path %1.', found.old_path)
            : found.change === 'added'
              ? trans.__('This file did not exist at the older time.')
              : trans.__('This file does not exist at the newer time.')}
        </p>
      )}
      {found.stopped.map(sentence => (
        <p key={sentence} className="jvs-Said" role="note">
          {trans.__('Not everything was compared: %1.', sentence.replace(/\.$/, ''))}
        </p>
      ))}
      {found.more && (
        <p className="jvs-Said" role="note">
          {found.more.words}{' '}
          <code>{`pip install 'jvs-workspaces[${found.more.extra}]'`}</code>
        </p>
      )}
    </>
  );
}

function Detail(props: InsideProps & { found: Difference }): ReactElement {
  const { compared, found, tools, actions } = props;
  const { detail } = found;
  switch (detail?.kind) {
    case 'notebook': {
      const onTake = compared.to === NOW && compared.old && compared.new ? (at: number) => actions.take(compared, at) : null;
      return <NotebookView compared={compared} detail={detail} tools={tools} onTake={onTake} />;
    }
    case 'text':
      return (
        <>
          {DRAWING.test(found.path) && <FileImages {...props} />}
          <TextView compared={compared} detail={detail} tools={tools} />
        </>
      );
    case 'table':
      return <TableView detail={detail} tools={tools} />;
    case 'image':
      return (
        <>
          <FileImages {...props} />
          <SidesView difference={found} tools={tools} />
        </>
      );
    case 'model':
      return (
        <>
          <SidesView difference={found} tools={tools} />
          <ModelView detail={detail} tools={tools} />
        </>
      );
    case 'archive':
      return (
        <>
          <SidesView difference={found} tools={tools} />
          <ArchiveView detail={detail} tools={tools} />
        </>
      );
    case 'link':
      return <LinkView detail={detail} tools={tools} />;
    default:
      return (
        <>
          <p className="jvs-Said">{sameContentWords(found, tools)}</p>
          <SidesView difference={found} tools={tools} />
        </>
      );
  }
}

function sameContentWords(found: Difference, tools: Tools): string {
  const { trans } = tools;
  const { old, new: now } = found;
  if (old && now && old.sha256 !== null && old.sha256 === now.sha256) {
    return old.mode === now.mode ? trans.__('The content is the same.') : trans.__('The content is the same; the permissions differ.');
  }
  return old && now ? trans.__('JVS cannot compare what is inside; the bytes differ.') : changeName(found.change, trans);
}

/** Larger images are drawn only when asked for, in bytes. */
const LARGEST_IMAGE = 20_000_000;

function FileImages(props: InsideProps): ReactElement | null {
  const { compared, tools } = props;
  const { trans } = tools;
  const [isWanted, setWanted] = useState(false);
  const largest = Math.max(compared.old?.size ?? 0, compared.new?.size ?? 0);
  const draws = isWanted || largest <= LARGEST_IMAGE;
  const found = compared.difference;
  const old = useAddress(compared, draws ? compared.old : null, found?.old?.sha256);
  const now = useAddress(compared, draws ? compared.new : null, found?.new?.sha256);
  const detail = compared.difference?.detail?.kind === 'image' ? compared.difference.detail : null;
  if (!draws) {
    return (
      <p className="jvs-Said">
        {trans.__('An image of %1.', size(largest))}{' '}
        <button className="jvs-Link" onClick={() => setWanted(true)}>
          {trans.__('Show it')}
        </button>
      </p>
    );
  }
  if (old.error || now.error) {
    return <p className="jvs-Error" role="alert">{(old.error ?? now.error)?.message}</p>;
  }
  if (old.url && now.url) {
    return <ImagePair old={old.url} new={now.url} detail={detail} trans={trans} />;
  }
  const [only, facts] = compared.old && !compared.new ? [old.url, detail?.old] : [now.url, detail?.new];
  return only && !(compared.old && compared.new) ? (
    <figure className="jvs-Pair-side">
      <Image src={only} label={compared.file} trans={trans} />
      <figcaption>{[factsWords(facts ?? null), imageWords(detail, trans)].filter(Boolean).join(' · ')}</figcaption>
    </figure>
  ) : null;
}

interface Address {
  url: string | null;
  error: Error | null;
}

/** An address of the bytes of an image that only this page knows. */
function useAddress(compared: Compared, version: Version | null, digest: string | null | undefined): Address {
  const [found, setFound] = useState<Address>({ url: null, error: null });
  const key = version && `${version.at} ${version.file} ${digest}`;
  useEffect(() => {
    let url: string | null = null;
    let isWanted = true;
    setFound({ url: null, error: null });
    if (version) {
      compared.place.bytes(version).then(
        bytes => {
          if (isWanted) {
            url = URL.createObjectURL(new Blob([bytes], { type: typeOf(version.file) }));
            setFound({ url, error: null });
          }
        },
        error => isWanted && setFound({ url: null, error })
      );
    }
    return () => {
      isWanted = false;
      if (url !== null) {
        URL.revokeObjectURL(url);
      }
    };
  }, [key]);
  return found;
}

/** Images that are text. Drawn as an image, nothing in them runs. */
const DRAWING = /\.svg$/i;

/** What a browser is told an image is; it looks for itself except for drawings, which are text. */
function typeOf(file: string): string {
  return DRAWING.test(file) ? 'image/svg+xml' : 'image/png';
}

/** Go to the next (1) or previous (-1) change. */
function goTo(box: HTMLElement, way: 1 | -1): void {
  const merged = box.querySelector('[data-goes]');
  if (merged) {
    merged.dispatchEvent(new CustomEvent(GO_EVENT, { detail: way }));
    return;
  }
  const scroll = box.querySelector('.jvs-Inside-scroll');
  const stops = [...box.querySelectorAll<HTMLElement>('[data-stop]')];
  if (!scroll || stops.length === 0) {
    return;
  }
  const top = scroll.getBoundingClientRect().top;
  const focused = stops.findIndex(stop => stop.contains(document.activeElement));
  const inView = stops.findIndex(stop => stop.getBoundingClientRect().bottom > top + 1);
  const at = focused >= 0 ? focused + way : way > 0 ? Math.max(0, inView) : inView - 1;
  const stop = stops[Math.min(stops.length - 1, Math.max(0, at))];
  stop.scrollIntoView({ block: 'start' });
  stop.focus({ preventScroll: true });
}
