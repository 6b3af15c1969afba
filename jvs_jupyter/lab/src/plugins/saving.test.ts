import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';

import { announce, takesSnapshot } from './saving';

describe('a cell that takes a snapshot', () => {
  it.each([
    ['%jvs snapshot "note"', true],
    ['x = 1\n%jvs snapshot', true],
    ['made = %jvs snapshot', true],
    ['%%jvs trained\nmodel.fit()', true],
    ['%jvs undo', true],
    ['%jvs --repo . restore ID --inplace', true],
    ['%jvs history', false],
    ['# %jvs snapshot', false],
    ['print("jvs snapshot")', false]
  ])('is known: %j', (source, expected) => {
    expect(takesSnapshot(source)).toBe(expected);
  });

  it('waits in the kernel until the save that it announced is written', () => {
    const folder = mkdtempSync(join(tmpdir(), 'jvs-'));
    const path = join(folder, 'a "quoted" näme.ipynb');
    writeFileSync(path, 'old');
    const code = sent(path);
    const script = [
      'import subprocess, sys, time, threading',
      `path, code = ${JSON.stringify(path)}, ${JSON.stringify(code)}`,
      'waiting = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)',
      'print(waiting.stdout.readline().strip())',
      'time.sleep(0.2)',
      'print(waiting.poll())',
      'open(path, "w").write("new content")',
      'print(waiting.wait(2.5))'
    ].join('\n');
    const said = execFileSync('python3', ['-c', script], { encoding: 'utf8' });
    rmSync(folder, { recursive: true });
    expect(said.split('\n')).toEqual(['ready', 'None', '0', '']);
  });

  it('waits for nothing where the kernel does not see the file', () => {
    const said = execFileSync('python3', ['-c', sent('/does/not/exist.ipynb')], { encoding: 'utf8', timeout: 2000 });
    expect(said).toBe('');
  });

  it('begins to save once the kernel waits, once', () => {
    const save = vi.fn();
    const future: { onIOPub?: (message: object) => void } = {};
    announce({ requestExecute: () => future } as any, '/a.ipynb', save);
    const message = (msg_type: string) => ({ header: { msg_type }, content: {} });
    future.onIOPub?.(message('status'));
    expect(save).not.toHaveBeenCalled();
    future.onIOPub?.(message('stream'));
    future.onIOPub?.(message('stream'));
    expect(save).toHaveBeenCalledTimes(1);
  });
});

/** The code that a kernel is sent. */
function sent(path: string): string {
  const requestExecute = vi.fn((_: { code: string }) => ({}));
  announce({ requestExecute } as any, path, () => undefined);
  return requestExecute.mock.calls[0][0].code;
}
