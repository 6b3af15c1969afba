/** What the panel asks before it acts. */

import { Dialog, ReactWidget, showDialog } from '@jupyterlab/apputils';
import { TranslationBundle } from '@jupyterlab/translation';
import { ReactElement, ReactNode } from 'react';

interface Field {
  name: string;
  label: string;
  placeholder?: string;
  value?: string;
  required?: boolean;
}

class Form extends ReactWidget implements Dialog.IBodyWidget<Record<string, string>> {
  constructor(
    private readonly fields: readonly Field[],
    private readonly intro: ReactNode
  ) {
    super();
    this.addClass('jvs-Form');
    for (const field of fields) {
      this.values[field.name] = field.value ?? '';
    }
  }

  getValue(): Record<string, string> {
    return { ...this.values };
  }

  protected render(): ReactElement {
    return (
      <>
        {this.intro}
        {this.fields.map(field => (
          <label key={field.name} className="jvs-Form-field">
            <span>{field.label}</span>
            <input
              className="jp-mod-styled"
              name={field.name}
              defaultValue={field.value}
              placeholder={field.placeholder}
              required={field.required}
              aria-required={field.required}
              onChange={event => (this.values[field.name] = event.target.value)}
            />
          </label>
        ))}
      </>
    );
  }

  private readonly values: Record<string, string> = {};
}

async function ask(
  title: string,
  accept: string,
  fields: readonly Field[],
  trans: TranslationBundle,
  intro: ReactNode = null,
  danger = false
): Promise<Record<string, string> | null> {
  let start = fields;
  for (;;) {
    const button = danger ? Dialog.warnButton({ label: accept }) : Dialog.okButton({ label: accept });
    const answer = await showDialog({
      title,
      body: new Form(start, intro),
      focusNodeSelector: 'input',
      buttons: [Dialog.cancelButton({ label: trans.__('Cancel') }), button]
    });
    const value = answer.value;
    if (!answer.button.accept || !value) {
      return null;
    }
    if (start.every(field => !field.required || value[field.name].trim())) {
      return value;
    }
    start = start.map(field => ({
      ...field,
      value: value[field.name],
      placeholder: field.required ? trans.__('Please say something here') : field.placeholder
    }));
  }
}

/** Ask for the note and the tags of a new snapshot; null when the person thinks better of it. */
export async function askSnapshot(
  trans: TranslationBundle,
  shared: readonly string[]
): Promise<{ note: string; tags: string[] } | null> {
  const fields = [
    { name: 'note', label: trans.__('Note'), placeholder: trans.__('What is this state?') },
    { name: 'tags', label: trans.__('Tags'), placeholder: trans.__('separated by commas') }
  ];
  const answer = await ask(
    trans.__('Take a snapshot'),
    trans.__('Take snapshot'),
    fields,
    trans,
    <CollaborationNote paths={shared} trans={trans} />
  );
  return (
    answer && {
      note: answer.note.trim(),
      tags: answer.tags
        .split(',')
        .map(tag => tag.trim())
        .filter(tag => tag)
    }
  );
}

/** Ask for the name of the new worktree; an empty one lets JVS choose. */
export async function askWorktree(trans: TranslationBundle, id: string): Promise<string | null> {
  const answer = await ask(
    trans.__('Restore to a new worktree'),
    trans.__('Restore'),
    [{ name: 'name', label: trans.__('Name'), placeholder: trans.__('chosen for you when empty') }],
    trans,
    <p>{trans.__('Snapshot %1 becomes a new folder. Nothing that exists is touched.', id)}</p>
  );
  return answer && answer.name.trim();
}

/** Ask for a name (a ref) for a snapshot. */
export async function askRef(trans: TranslationBundle, id: string): Promise<string | null> {
  const answer = await ask(
    trans.__('Name this snapshot'),
    trans.__('Name it'),
    [{ name: 'name', label: trans.__('Name'), required: true }],
    trans,
    <p>{trans.__('A named snapshot (%1) is never removed by clean-up. A name cannot be moved.', id)}</p>
  );
  return answer && answer.name.trim();
}

/** Show what an in-place restore would change and ask for the reason; null when it is not wanted. */
export async function askInPlace(
  trans: TranslationBundle,
  what: string,
  changes: readonly string[],
  total: number,
  shared: readonly string[]
): Promise<string | null> {
  const answer = await ask(
    trans.__('Restore in place'),
    trans.__('Change my files'),
    [{ name: 'reason', label: trans.__('Reason'), required: true }],
    trans,
    <>
      <p>
        {trans.__('%1 replaces what is here. The present is snapshotted first, and Undo brings it back.', what)}
      </p>
      <p>{trans._n('%1 path changes:', '%1 paths change:', total)}</p>
      <ul className="jvs-Changes" aria-label={trans.__('What changes')}>
        {changes.map(line => (
          <li key={line}>{line}</li>
        ))}
        {total > changes.length && <li>{trans.__('… and %1 more', total - changes.length)}</li>}
      </ul>
      <CollaborationNote paths={shared} trans={trans} />
    </>,
    true
  );
  return answer && answer.reason.trim();
}

function CollaborationNote(props: {
  paths: readonly string[];
  trans: TranslationBundle;
}): ReactElement | null {
  if (props.paths.length === 0) {
    return null;
  }
  return (
    <p className="jvs-Warning" role="note">
      {props.trans.__(
        'Real-time collaboration is on for %1: it keeps a copy of its own, saves with a delay, and may write an older version back. Close these documents first to be sure.',
        props.paths.join(', ')
      )}
    </p>
  );
}
