/** What the panel asks before it acts. The first field has the focus; Escape closes. */

import { Dialog, ReactWidget, showDialog } from '@jupyterlab/apputils';
import { TranslationBundle } from '@jupyterlab/translation';
import { ReactElement, ReactNode } from 'react';

import { moment, shortId } from './format';
import { Change, Snapshot } from './shapes';

/** Changes that a dialog lists; the rest is counted. */
const SHOWN = 50;
const SIGNS = { added: '+', modified: '~', removed: '−' };

interface Field {
  name: string;
  label: string;
  placeholder?: string;
  value?: string;
  required?: boolean;
  /** One of these, value and label. */
  choices?: readonly (readonly [string, string])[];
  lines?: number;
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
            {this.input(field)}
          </label>
        ))}
      </>
    );
  }

  private input(field: Field): ReactElement {
    const shared = {
      className: 'jp-mod-styled',
      name: field.name,
      defaultValue: field.value,
      onChange: (event: { target: { value: string } }) => {
        this.values[field.name] = event.target.value;
      }
    };
    if (field.choices) {
      return (
        <select {...shared} size={Math.min(12, Math.max(2, field.choices.length))}>
          {field.choices.map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
      );
    }
    const text = { ...shared, placeholder: field.placeholder, 'aria-required': field.required };
    return field.lines ? <textarea {...text} rows={field.lines} /> : <input {...text} />;
  }

  private readonly values: Record<string, string> = {};
}

interface Question {
  title: string;
  accept: string;
  fields: readonly Field[];
  intro?: ReactNode;
  warn?: boolean;
}

async function ask(trans: TranslationBundle, question: Question): Promise<Record<string, string> | null> {
  const { title, accept, intro, warn } = question;
  let fields = question.fields;
  for (;;) {
    const answer = await showDialog({
      title,
      body: new Form(fields, intro ?? null),
      focusNodeSelector: 'input, textarea, select',
      buttons: [
        Dialog.cancelButton({ label: trans.__('Cancel') }),
        warn ? Dialog.warnButton({ label: accept }) : Dialog.okButton({ label: accept })
      ]
    });
    const value = answer.value;
    if (!answer.button.accept || !value) {
      return null;
    }
    if (fields.every(field => !field.required || value[field.name].trim())) {
      return value;
    }
    fields = fields.map(field => ({
      ...field,
      value: value[field.name],
      placeholder: field.required ? trans.__('Please enter something here') : field.placeholder
    }));
  }
}

/** Ask for another note and other tags. */
export async function askAnnotation(
  trans: TranslationBundle,
  snapshot: Pick<Snapshot, 'created_at' | 'note' | 'tags'>
): Promise<{ note: string; tags: string[] } | null> {
  const answer = await ask(trans, {
    title: trans.__('Snapshot of %1', moment(snapshot.created_at)),
    accept: trans.__('Save'),
    fields: [
      { name: 'note', label: trans.__('Note'), value: snapshot.note, placeholder: trans.__('What is this state?'), lines: 3 },
      {
        name: 'tags',
        label: trans.__('Tags'),
        value: snapshot.tags.join(', '),
        placeholder: trans.__('separated by commas')
      }
    ]
  });
  return (
    answer && {
      note: answer.note.trim(),
      tags: answer.tags
        .split(',')
        .map(tag => tag.trim().replace(/^#/, ''))
        .filter(tag => tag)
    }
  );
}

/** Ask with which other snapshot one is to be compared; its id. */
export async function askOther(
  trans: TranslationBundle,
  snapshot: Snapshot,
  others: readonly Snapshot[]
): Promise<string | null> {
  if (others.length === 0) {
    await showDialog({
      title: trans.__('Nothing to compare with'),
      body: trans.__('This is the only snapshot here.'),
      buttons: [Dialog.okButton({ label: trans.__('Close') })]
    });
    return null;
  }
  const answer = await ask(trans, {
    title: trans.__('Compare %1 with…', named(snapshot)),
    accept: trans.__('Compare'),
    fields: [
      {
        name: 'other',
        label: trans.__('Snapshot'),
        value: others[0].snapshot_id,
        choices: others.slice(0, 200).map(item => [item.snapshot_id, named(item)] as const)
      }
    ]
  });
  return answer && answer.other;
}

/** Ask for the name of the new folder; an empty one lets JVS choose. */
export async function askFolder(
  trans: TranslationBundle,
  snapshot: Pick<Snapshot, 'snapshot_id' | 'created_at' | 'note'>
): Promise<string | null> {
  const answer = await ask(trans, {
    title: trans.__('Restore to a new folder'),
    accept: trans.__('Restore'),
    fields: [{ name: 'name', label: trans.__('Name'), placeholder: trans.__('after its note and time when empty') }],
    intro: <p>{trans.__('%1 becomes a folder of its own. Nothing that exists is touched.', named(snapshot))}</p>
  });
  return answer && answer.name.trim();
}

/** Ask where a file is to be put back. */
export async function askPlace(trans: TranslationBundle, file: string): Promise<string | null> {
  const answer = await ask(trans, {
    title: trans.__('Put %1 back as…', file),
    accept: trans.__('Put back'),
    fields: [{ name: 'to', label: trans.__('Path in this folder'), value: file, required: true }]
  });
  return answer && answer.to.trim();
}

/** Ask for a new name of a worktree. */
export async function askName(trans: TranslationBundle, title: string, present: string): Promise<string | null> {
  const answer = await ask(trans, {
    title,
    accept: trans.__('Rename'),
    fields: [{ name: 'name', label: trans.__('Name'), value: present, required: true }]
  });
  return answer && answer.name.trim();
}

/** Ask for a run's name and note. */
export async function askRun(
  trans: TranslationBundle,
  title: string,
  present: { name: string; note: string }
): Promise<{ name: string; note: string } | null> {
  const answer = await ask(trans, {
    title,
    accept: trans.__('Save'),
    fields: [
      { name: 'name', label: trans.__('Name'), value: present.name, placeholder: trans.__('none when empty') },
      { name: 'note', label: trans.__('Note'), value: present.note, lines: 3 }
    ]
  });
  return answer && { name: answer.name.trim(), note: answer.note.trim() };
}

/** Ask for a name (a ref) for a snapshot. */
export async function askRef(trans: TranslationBundle, snapshot: Snapshot): Promise<string | null> {
  const answer = await ask(trans, {
    title: trans.__('Name this snapshot'),
    accept: trans.__('Name it'),
    fields: [{ name: 'name', label: trans.__('Name'), required: true }],
    intro: (
      <p>
        {trans.__('Clean-up never removes a named snapshot (%1). You cannot move a name.', named(snapshot))}
      </p>
    )
  });
  return answer && answer.name.trim();
}

/** Show what going back would change, and ask; the reason, '' for none. */
export async function askGoBack(
  trans: TranslationBundle,
  about: { title: string; changes: readonly Change[]; unsaved: readonly string[]; shared: readonly string[] }
): Promise<string | null> {
  const { changes, unsaved } = about;
  const answer = await ask(trans, {
    title: about.title,
    accept: trans.__('Go back'),
    warn: true,
    fields: [
      { name: 'reason', label: trans.__('Reason (optional)'), placeholder: trans.__('kept in the history') }
    ],
    intro: (
      <>
        <p>{trans.__('The history keeps what is here now first, and Undo brings it back.')}</p>
        {changes.length > 0 && <p>{trans._n('%1 file changes here:', '%1 files change here:', changes.length)}</p>}
        <ChangedPaths changes={changes} trans={trans} />
        {unsaved.length > 0 && (
          <p>{trans.__('JVS saves and keeps unsaved edits in %1, too.', unsaved.join(', '))}</p>
        )}
        <CollaborationNote paths={about.shared} trans={trans} />
      </>
    )
  });
  return answer && answer.reason.trim();
}

/** Ask whether the present file may be replaced. */
export async function askOverwrite(
  trans: TranslationBundle,
  file: string,
  from: string,
  unsaved: boolean
): Promise<boolean> {
  return confirmed(trans, {
    title: trans.__('Replace %1?', file),
    body: unsaved
      ? trans.__('It gets the content of %1. The history keeps its current content first, including unsaved edits.', from)
      : trans.__('It gets the content of %1. The history keeps its current content first.', from),
    accept: trans.__('Replace')
  });
}

/** Ask whether to do something that is not easily taken back. */
export async function confirmed(
  trans: TranslationBundle,
  question: { title: string; body: string; accept: string }
): Promise<boolean> {
  const answer = await showDialog({
    title: question.title,
    body: question.body,
    buttons: [
      Dialog.cancelButton({ label: trans.__('Cancel') }),
      Dialog.warnButton({ label: question.accept })
    ]
  });
  return answer.button.accept;
}

/** The changes that going back makes. */
function ChangedPaths(props: { changes: readonly Change[]; trans: TranslationBundle }): ReactElement {
  const { changes, trans } = props;
  const words = { added: trans.__('comes back'), modified: trans.__('changes'), removed: trans.__('disappears') };
  return (
    <ul className="jvs-Changes" aria-label={trans.__('What changes')}>
      {changes.slice(0, SHOWN).map(({ path, change }) => (
        <li key={path} data-change={change}>
          <b aria-hidden="true">{SIGNS[change]}</b> {path} <small>{words[change]}</small>
        </li>
      ))}
      {changes.length > SHOWN && <li>{trans.__('… and %1 more', changes.length - SHOWN)}</li>}
    </ul>
  );
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

function named(snapshot: Pick<Snapshot, 'snapshot_id' | 'created_at' | 'note'>): string {
  return `${moment(snapshot.created_at)}  ${snapshot.note.split('\n')[0] || shortId(snapshot.snapshot_id)}`;
}
