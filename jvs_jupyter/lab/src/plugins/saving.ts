/** How a kernel is made to wait for a notebook to be saved. */

import { Kernel } from '@jupyterlab/services';

/** How long the kernel waits for the notebook to be saved, in seconds. */
const PATIENCE = 3;
/** Lines that take a snapshot: first of all, or before they change files. */
const TAKES_ONE = /^\s*%%jvs\b|^[^#\n]*%jvs\s[^#\n]*\b(?:snapshot|restore|undo|redo)\b/m;

/**
 * Runs in the kernel just before such a cell: says that it is there, then waits until Jupyter's server has written the
 * notebook, which it does beside a copy named `.~NAME`. A kernel that does not see the file waits for nothing.
 */
const WAIT = `
import os, time
end = time.monotonic() + seconds
spare = os.path.join(os.path.dirname(path), ".~" + os.path.basename(path))
def look():
    found = os.stat(path)
    return found.st_mtime_ns, found.st_size, found.st_ino
try:
    before = look()
    print("ready", flush=True)
    seen, last = before, None
    while time.monotonic() < end and (seen == before or seen != last or os.path.exists(spare)):
        time.sleep(0.02)
        last, seen = seen, look()
except OSError:
    pass
`;

export function takesSnapshot(source: string): boolean {
  return TAKES_ONE.test(source);
}

/** Let the kernel wait for a save, which `save` begins once it does. What is sent next runs after that. */
export function announce(kernel: Pick<Kernel.IKernelConnection, 'requestExecute'>, path: string, save: () => void): void {
  const names = `{"path": ${JSON.stringify(path)}, "seconds": ${PATIENCE}}`;
  const code = `exec(${JSON.stringify(WAIT)}, ${names})`;
  const future = kernel.requestExecute({ code, silent: true, store_history: false, stop_on_error: false });
  let told = false;
  future.onIOPub = message => {
    if (!told && message.header.msg_type === 'stream') {
      told = true;
      save();
    }
  };
}
